"""The part of an engine that previews use, over real sockets, with real apps behind it.

It speaks the engine's exec calls on a Unix socket; instead of `slipway-init connect PORT`
in a machine it connects to PORT of this host, where a test's own app listens.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
READ_BYTES = 32 * 1024
# How a connection may end: the other side went away, or the test is over.
ENDS = (OSError, asyncio.IncompleteReadError, asyncio.CancelledError)


def _frame(which: int, payload: bytes) -> bytes:
    return bytes([which, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


class PortEngine:
    """Execs that are tunnels; counts those ever opened, those open now, and bytes each way."""

    def __init__(self) -> None:
        self.opened = 0
        self.open_now = 0
        self.most_open = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self.deaf = False  # answers nothing, as an engine that hangs
        self._ports: list[int] = []
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, path: Path) -> None:
        self._servers.append(await asyncio.start_unix_server(self._call, path))

    async def serve(self, handler: Handler) -> int:
        """Run an app on a free port; `handler` gets each of its connections."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._keep(writer)
            try:
                await handler(reader, writer)
            except ENDS:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def end(self) -> None:
        for server in self._servers:
            server.close()
        self.kill_machine()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def kill_machine(self) -> None:
        """End all connections at once, as the end of a container does."""
        for writer in self._writers:
            writer.transport.abort()

    def _keep(self, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keep(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET"):  # what is known of the container: nothing here
                writer.write(b"HTTP/1.0 404 Not Found\r\n\r\n{}")
                return
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            body = json.loads(await reader.readexactly(length))
            while self.deaf:
                await asyncio.sleep(0.05)
            if head.split()[1].startswith(b"/containers/"):
                self._ports.append(int(body["Cmd"][-1]))
                made = json.dumps({"Id": str(len(self._ports) - 1)}).encode()
                writer.write(b"HTTP/1.0 201 Created\r\n\r\n" + made)
            else:
                port = self._ports[int(head.split()[1].split(b"/")[2])]
                writer.write(b"HTTP/1.1 101 UPGRADED\r\n\r\n")
                await self._tunnel(port, reader, writer)
        except ENDS:
            pass
        finally:
            writer.close()

    async def _tunnel(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.opened += 1
        try:
            from_app, to_app = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.write(_frame(2, b"slipway-init: Connection refused\n"))
            return
        self._writers.add(to_app)
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        up = asyncio.create_task(self._up(reader, to_app))
        try:
            while data := await from_app.read(READ_BYTES):
                self.bytes_down += len(data)
                writer.write(_frame(1, data))
                await writer.drain()
        finally:
            self.open_now -= 1
            up.cancel()
            to_app.close()

    async def _up(self, reader: asyncio.StreamReader, to_app: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(READ_BYTES):
                self.bytes_up += len(data)
                to_app.write(data)
                await to_app.drain()
        except OSError:
            pass
        # The console is gone: a real engine ends the exec's input, and most apps then leave.
        to_app.transport.abort()


class Request:
    """What an app got of one request."""

    def __init__(self, head: bytes, body: bytes = b"") -> None:
        self.head, self.body = head, body
        self.line, *rest = head.decode("latin-1").split("\r\n")
        pairs = [line.partition(": ") for line in rest if line]
        self.headers = [(name.lower(), value) for name, _, value in pairs]

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Read a whole request; raises IncompleteReadError when it breaks off."""
    got = Request(await reader.readuntil(b"\r\n\r\n"))
    if length := got.values("content-length"):
        got.body = await reader.readexactly(int(length[0]))
    elif got.values("transfer-encoding"):
        while size := int(await reader.readuntil(b"\r\n"), 16):
            got.body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    return got


def answer(body: bytes = b"", *headers: str, status: str = "200 OK", length: bool = True) -> bytes:
    """An answer as it goes over the wire."""
    lines = [f"HTTP/1.1 {status}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Recorder:
    """An app that keeps its connections open, answers all alike and remembers what it got."""

    def __init__(self, said: bytes | None = None) -> None:
        self.said = answer(b"hello") if said is None else said
        self.got: list[Request] = []
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            self.got.append(await read_request(reader))
            writer.write(self.said)
            await writer.drain()


async def stream_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An app whose answer has no end."""
    await read_request(reader)
    writer.write(answer(b"", "Transfer-Encoding: chunked", length=False))
    while True:
        writer.write(b"4\r\ntick\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An app that takes requests and stays silent."""
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(600)
