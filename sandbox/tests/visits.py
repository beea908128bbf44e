"""A browser's request to a preview, in process: what it sends, how fast it reads, when it leaves."""

import asyncio
import re
from collections.abc import Iterable
from typing import Any

from sandbox.preview import PreviewHosts

Header = tuple[bytes, bytes]
SITE_BODY = b"the site itself"


async def site(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """What stands behind the previews' middleware: the site."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": SITE_BODY})


class Visit:
    """One request. `complete` tells a whole answer from one that broke off."""

    application = PreviewHosts(site)

    def __init__(
        self,
        host: str,
        target: bytes | str = "/",
        *headers: Header,
        method: str = "GET",
        body: Iterable[bytes] = (),
        stalls: bool = False,
    ) -> None:
        raw = target.encode() if isinstance(target, str) else target
        path, _, query = raw.partition(b"?")
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "headers": [(b"host", host.encode()), *headers],
        }
        self.status = 0
        self.headers: list[Header] = []
        self.body = bytearray()
        self.complete = False
        self.sent_bytes = 0
        self.reading = asyncio.Event()
        self.reading.set()
        self._parts = iter(body)
        self._stalls = stalls
        self._asked = False
        self._gone = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> "Visit":
        self._task = asyncio.create_task(self.application(self.scope, self._receive, self._send))
        return self

    async def end(self, seconds: float = 20) -> "Visit":
        """Wait until the application is done with it."""
        if self._task is None:
            self.begin()
        assert self._task
        async with asyncio.timeout(seconds):
            await self._task
        return self

    def leave(self) -> None:
        """Close the tab."""
        self._gone.set()
        self.reading.set()

    async def until(self, size: int, seconds: float = 20) -> None:
        """Wait until the answer has begun and holds so many bytes."""
        async with asyncio.timeout(seconds):
            while not self.status or len(self.body) < size:
                await asyncio.sleep(0.01)

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            part = next(self._parts, None)
            if part is not None:
                self.sent_bytes += len(part)
                return {"type": "http.request", "body": part, "more_body": True}
            if not self._stalls:
                self._asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        await self.reading.wait()
        if self._gone.is_set():
            return  # as servers do
        if message["type"] == "http.response.start":
            assert not self.status, "an answer begins once"
            self.status, self.headers = message["status"], message["headers"]
        else:
            assert self.status, "the head comes first"
            assert not self.complete, "nothing follows the end"
            self.body += message.get("body", b"")
            self.complete = not message.get("more_body", False)


async def settled(count: Any, seconds: float = 0.4) -> int:
    """The value of `count()` once it has stopped to change for a while."""
    last = -1
    while (now := count()) != last:
        last = now
        await asyncio.sleep(seconds)
    return int(last)


def error_page(visit: Visit, status: int, words: str) -> None:
    """Assert that a preview's own page with these words came instead of the app's."""
    text = visit.body.decode()
    assert (visit.status, visit.complete) == (status, True), text
    assert words in text
    assert visit.values(b"content-length") == [str(len(visit.body)).encode()]
    assert visit.values(b"cache-control") == [b"no-store"]
    (policy,) = visit.values(b"content-security-policy")
    assert re.match(rb"frame-ancestors http://localhost:8000( http://[0-9.:]+)?;", policy)
    assert b"default-src 'none'" in policy
