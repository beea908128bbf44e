"""Byte streams of the engine: attach, exec and logs over asyncio, without the SDK.

The SDK's buffered reader swallows the first bytes after the protocol switch and its
sockets inherit the client's read timeout, so the console talks to the engine's socket
itself. Paths carry no API version: the engine then uses its newest, and these calls have
not changed. Source: Docker Engine API reference, "Attach to a container", "Exec".
"""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from sandbox.errors import EngineDown, MachineDied, SandboxEngineError

CONNECT_TIMEOUT_SECONDS = 10
HEAD_LIMIT_BYTES = 64 * 1024


async def _open(factory: Callable[[], asyncio.BaseProtocol]) -> Any:
    """Connect to the engine; return the protocol. Raises EngineDown."""
    loop = asyncio.get_running_loop()
    address = urlsplit(settings.DOCKER_HOST)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            if address.scheme == "unix":
                _, protocol = await loop.create_unix_connection(factory, address.path)
            else:
                _, protocol = await loop.create_connection(
                    factory, address.hostname, address.port or 2375
                )
    except OSError as error:  # TimeoutError is one
        raise EngineDown from error
    return protocol


class EngineStream(asyncio.Protocol):
    """One connection that was upgraded to raw bytes.

    `on_data(bytes)` and `on_close()` run in the event loop; data that comes before the
    owner set `on_data` waits. `pause` and `resume` put back-pressure on the engine.
    """

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._head = bytearray()
        self._early: list[bytes] = []
        self._on_data: Callable[[bytes], None] | None = None
        self._on_close: Callable[[], None] | None = None
        self._closed = False
        self._writable = asyncio.Event()
        self._writable.set()
        self.transport: asyncio.Transport
        self.upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        if self._request:
            self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.upgraded.done():
            self._read_head(data)
        elif self._on_data:
            self._on_data(data)
        else:
            self._early.append(data)

    def _read_head(self, data: bytes) -> None:
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            if len(self._head) > HEAD_LIMIT_BYTES:
                self.transport.abort()
            return
        status = int(self._head.split(b" ", 2)[1])
        rest = bytes(self._head[end + 4 :])
        if status in (101, 200):
            self.upgraded.set_result(None)
            if rest:
                self.data_received(rest)
        else:
            self.upgraded.set_exception(_refused(status, rest))

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._writable.set()
        if not self.upgraded.done():
            self.upgraded.set_exception(EngineDown())
        elif self._on_close:
            self._on_close()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # for the owner

    def listen(self, on_data: Callable[[bytes], None], on_close: Callable[[], None]) -> None:
        """Take the stream over, beginning with whatever came before."""
        self._on_data, self._on_close = on_data, on_close
        early, self._early = self._early, []
        for data in early:
            on_data(data)
        if self._closed:
            on_close()

    def take_early(self) -> list[bytes]:
        """What came before anybody listened; it is not given to `listen` again."""
        early, self._early = self._early, []
        return early

    def write(self, data: bytes) -> None:
        if not self._closed:
            self.transport.write(data)

    def writable(self) -> bool:
        """Whether the machine reads: more may be written without waiting."""
        return self._writable.is_set()

    async def drained(self) -> None:
        """Wait until the machine has read enough for more to be written."""
        await self._writable.wait()

    def end_input(self) -> None:
        """Tell the machine that no more input comes; output goes on."""
        if not self._closed and self.transport.can_write_eof():
            self.transport.write_eof()

    def pause(self) -> None:
        if not self._closed:
            self.transport.pause_reading()

    def resume(self) -> None:
        if not self._closed:
            self.transport.resume_reading()

    def close(self) -> None:
        self.transport.close()


class SocketStream(EngineStream):
    """A connection that is raw bytes from its beginning, with the same interface."""

    def __init__(self) -> None:
        super().__init__(b"")
        self.upgraded.set_result(None)

    @classmethod
    async def over(cls, connected: socket.socket) -> "SocketStream":
        """The stream of a socket that is connected; the socket is its own from now on."""
        _, made = await asyncio.get_running_loop().create_connection(cls, sock=connected)
        return made


def _refused(status: int, body: bytes) -> SandboxEngineError:
    if status in (404, 409):
        return MachineDied()
    return SandboxEngineError(
        f"The engine answered {status}: {body[:200].decode(errors='replace')}"
    )


def _head(method: str, path: str, body: Any, *extra: str) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: engine",
        "Content-Type: application/json",
        f"Content-Length: {len(data)}",
        *extra,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


async def _upgrade(path: str, body: Any) -> EngineStream:
    return await _opened(_head("POST", path, body, "Connection: Upgrade", "Upgrade: tcp"))


async def _opened(request: bytes) -> EngineStream:
    stream: EngineStream = await _open(lambda: EngineStream(request))
    try:
        await stream.upgraded
    except BaseException:
        stream.transport.abort()
        raise
    return stream


class _Collect(asyncio.Protocol):
    """A plain request whose whole answer is kept, up to `limit` bytes of its end."""

    def __init__(self, request: bytes, limit: int) -> None:
        self.request, self.limit = request, limit
        self.data = bytearray()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.data += data
        if len(self.data) > 2 * self.limit:
            del self.data[HEAD_LIMIT_BYTES : len(self.data) - self.limit]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def call(method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    """One small engine call; returns status and raw body. Raises EngineDown.

    HTTP/1.0 keeps the engine from chunking, so the body is what follows the head.
    """
    head = _head(method, path, body, "Connection: close").replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    collected: _Collect = await _open(lambda: _Collect(head, 4 * 1024 * 1024))
    await collected.done
    top, _, rest = bytes(collected.data).partition(b"\r\n\r\n")
    if not top:
        raise EngineDown
    return int(top.split(b" ", 2)[1]), rest


async def _call_json(method: str, path: str, body: Any = None) -> Any:
    status, rest = await call(method, path, body)
    if status >= 400:
        raise _refused(status, rest)
    return json.loads(rest) if rest.strip() else None


async def attach(container_id: str) -> EngineStream:
    """The main terminal of a running container, both ways, from now on."""
    query = "stream=1&stdin=1&stdout=1&stderr=1"
    return await _upgrade(f"/containers/{container_id}/attach?{query}", None)


async def recent_output(container_id: str, lines: int = 5000) -> bytes:
    """What the main terminal printed lately, as far as the engine's bounded log has it."""
    status, rest = await call("GET", f"/containers/{container_id}/logs?stdout=1&tail={lines}")
    return rest if status == 200 else b""


async def resize(container_id: str, columns: int, rows: int) -> None:
    """Give the main terminal another size; a machine that just ended is left alone."""
    await call("POST", f"/containers/{container_id}/resize?h={rows}&w={columns}")


async def exec_stream(
    container_id: str, command: list[str], *, user: str, env: dict[str, str] | None = None
) -> tuple[str, EngineStream]:
    """Start `command` without a terminal; return the exec's id and its multiplexed stream."""
    body = {
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": False,
        "Cmd": command,
        "User": user,
        "Env": [f"{key}={value}" for key, value in (env or {}).items()],
    }
    made = await _call_json("POST", f"/containers/{container_id}/exec", body)
    stream = await _upgrade(f"/exec/{made['Id']}/start", {"Detach": False, "Tty": False})
    return made["Id"], stream


async def exec_exit_code(exec_id: str) -> int | None:
    """The exit code of an exec that has ended, None while it runs."""
    found = await _call_json("GET", f"/exec/{exec_id}/json")
    return None if found["Running"] else found["ExitCode"]
