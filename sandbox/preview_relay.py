"""One request to an app in a machine and its answer, both streamed at once.

Three jobs run beside each other: the body up (then watching whether the browser leaves),
the answer down, and a look now and then whether the preview still stands. The first to
end, ends all.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import h11

from sandbox.preview_headers import answer_headers, has_body
from sandbox.tunnel import NoAnswer, Tunnel, tunnels

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Valid = Callable[[], Awaitable[bool]]

# Without a byte either way before the answer's head; once it came, an app may be slow.
SILENT_SECONDS = 60
# Of a body, within SILENT_SECONDS, before the answer begins; less is a client that holds a tunnel.
SLOWEST_BYTES = 1024
# How long a revoked preview may go on with an answer that it had begun.
CHECK_SECONDS = 3
REPEATABLE = frozenset({b"GET", b"HEAD"})


class AppSilent(Exception):
    """The app took the connection and then neither read nor wrote."""


class AnswerCut(Exception):
    """The app's answer ended in the middle."""


class BrowserLeft(Exception):
    """Nobody is left to answer."""


class PreviewOver(Exception):
    """The preview was revoked, expired or lost its sandbox meanwhile."""


async def relay(
    container_id: str, port: int, request: h11.Request, receive: Receive, send: Send, valid: Valid
) -> None:
    """Answer a request from a port of a machine.

    Raises PortClosed, NoAnswer, AppSilent, h11.RemoteProtocolError (no HTTP), AnswerCut,
    BrowserLeft, PreviewOver, MachineBusy, EngineDown, MachineDied; only those that say so
    may come after the first bytes of the answer.
    """
    async with tunnels.room(container_id):
        tunnel, used = await tunnels.take(container_id, port)
        try:
            try:
                await _Exchange(tunnel, request, receive, send).run(valid)
            except (NoAnswer, h11.RemoteProtocolError):
                # The app may close a kept connection just when it is taken. Nothing of an
                # answer came, so what changes nothing can be asked again.
                if not used or request.method not in REPEATABLE or has_body(request):
                    raise
                tunnel.close()
                tunnel = await Tunnel.open(container_id, port)
                await _Exchange(tunnel, request, receive, send).run(valid)
        except BaseException:
            tunnel.close()
            raise
        tunnels.give_back(container_id, port, tunnel)


class _Exchange:
    """A request and its answer over one tunnel."""

    def __init__(self, tunnel: Tunnel, request: h11.Request, receive: Receive, send: Send) -> None:
        self._tunnel, self._request = tunnel, request
        self._receive, self._send = receive, send
        self._patience: asyncio.Timeout | None = None
        self._moved_bytes = 0

    async def run(self, valid: Valid) -> None:
        await self._tunnel.send(self._request)
        jobs = [asyncio.create_task(job) for job in (self._answer(), self._upload(), watch(valid))]
        try:
            await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
        # The answer comes first: the others end only by an exception.
        next(job for job in jobs if not job.cancelled()).result()

    async def _upload(self) -> None:
        """Send the body, then wait until the browser leaves."""
        more = has_body(self._request)
        if not more:
            await self._tunnel.send(h11.EndOfMessage())
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise BrowserLeft
            if not more:
                continue
            await self._pass(h11.Data(data=message.get("body", b"")))
            more = bool(message.get("more_body"))
            if not more:
                await self._pass(h11.EndOfMessage())

    async def _pass(self, event: h11.Data | h11.EndOfMessage) -> None:
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                await self._tunnel.send(event)
        except TimeoutError as error:
            raise AppSilent from error
        self._moved_bytes += len(event.data) if isinstance(event, h11.Data) else SLOWEST_BYTES
        if self._moved_bytes < SLOWEST_BYTES:
            return
        self._moved_bytes = 0
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time() + SILENT_SECONDS)

    async def _answer(self) -> None:
        head = await self._head()
        await self._send(
            {
                "type": "http.response.start",
                "status": head.status_code,
                "headers": answer_headers(head),
            }
        )
        while True:
            try:
                event = await self._tunnel.receive()
            except h11.RemoteProtocolError as error:
                raise AnswerCut from error
            if not isinstance(event, h11.Data):
                break
            body = {"type": "http.response.body", "body": bytes(event.data), "more_body": True}
            await self._send(body)
        await self._send({"type": "http.response.body", "body": b""})

    async def _head(self) -> h11.Response:
        """Wait for the answer's head, past any interim ones (status 1xx)."""
        try:
            async with asyncio.timeout(SILENT_SECONDS) as self._patience:
                while True:
                    event = await self._tunnel.receive()
                    if isinstance(event, h11.Response):
                        return event
        except TimeoutError as error:
            raise AppSilent from error
        finally:
            self._patience = None


async def watch(valid: Valid) -> None:
    """Raise PreviewOver once the preview stands no longer."""
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        if not await valid():
            raise PreviewOver
