"""The processes of `bench.hops`: `python -m bench.hops_parties echo|bytes|frames SOCKET [PORT]`.

`application` is the console's terminal socket over the same SOCKET, for uvicorn: no engine, no
database, nobody to ask who is calling. What is measured is the way of a key and its echo.
"""

import asyncio
import base64
import hashlib
import os
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


def echo(path: str) -> None:
    """In the machine's place: sends back what it gets."""

    def serve(connection: socket.socket) -> None:
        while data := connection.recv(65_536):
            connection.sendall(data)

    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen(50)
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


class Engine(asyncio.Protocol):
    """The far end of a relay."""

    def __init__(self, printed: Callable[[bytes], None]) -> None:
        self.data_received = printed  # type: ignore[method-assign]


class Bytes(asyncio.Protocol):
    """Passes bytes on between a TCP client and the socket `path`, and does nothing else."""

    path = ""

    def connection_made(self, transport: Any) -> None:
        self.client = transport
        self.engine: Any = None
        self.work = asyncio.ensure_future(self.connect())

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        made = await loop.create_unix_connection(lambda: Engine(self.printed), self.path)
        self.engine = made[0]

    def printed(self, data: bytes) -> None:
        self.client.write(data)

    def data_received(self, data: bytes) -> None:
        self.engine.write(data)


class Frames(Bytes):
    """The same with WebSocket frames, each of which must come whole and be short."""

    shaken = False

    def printed(self, data: bytes) -> None:
        self.client.write(bytes((0x82, len(data))) + data)

    def data_received(self, data: bytes) -> None:
        if self.shaken:
            mask, text = data[2:6], data[6 : 6 + (data[1] & 127)]
            self.engine.write(bytes(byte ^ mask[at & 3] for at, byte in enumerate(text)))
            return
        key = data.lower().index(b"sec-websocket-key:") + len(b"sec-websocket-key:")
        accept = hashlib.sha1(data[key:].split(b"\r\n")[0].strip() + GUID, usedforsecurity=False)
        self.shaken = True
        self.client.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(accept.digest()) + b"\r\n\r\n"
        )


async def relay(kind: type[Bytes], path: str, port: int) -> None:
    kind.path = path
    server = await asyncio.get_running_loop().create_server(kind, "127.0.0.1", port)
    await server.serve_forever()


def console() -> Any:
    """The terminal's ASGI application with its guards, on BENCH_SOCKET."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup(set_prefix=False)
    from classroom.live_sockets import LiveSockets
    from sandbox import held, presence, stream, terminal_socket
    from sandbox.terminal import Terminal

    # What is typed comes back as it is, in its frame: to be shown like any output.
    held.OUTPUT = ord("I")

    async def resize(columns: int, rows: int) -> None: ...

    async def asked_for(scope: dict[str, Any]) -> tuple[Any, str, None]:
        return type("Nobodys", (), {"sandbox_id": "bench"})(), "main", None

    async def nobody_is_asked(*_: Any) -> None:
        await asyncio.Event().wait()

    async def terminal_of(machine: Any, name: str) -> Terminal:
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(os.environ["BENCH_SOCKET"])
        connected.setblocking(False)
        bytes_of = await stream.SocketStream.over(connected)
        source = held.HeldTerminal(bytes_of, multiplexed=False)
        return Terminal(source, resize, ring_bytes=1 << 20)

    class Guarded(LiveSockets):
        def _watch(self) -> None: ...

    terminal_socket._asked_for, terminal_socket._terminal_of = asked_for, terminal_of
    presence.keep = nobody_is_asked
    guard, somebody = Guarded(), type("Somebody", (), {"pk": 1, "is_authenticated": True})()

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        known = {"user": somebody, "token_digest": "bench"}
        await guard.serve(terminal_socket.terminal_socket, scope | known, receive, send)

    return application


if __name__ == "__main__":
    what, at, *port = sys.argv[1:]
    if what == "echo":
        echo(at)
    else:
        import uvloop

        uvloop.run(relay({"bytes": Bytes, "frames": Frames}[what], at, int(port[0])))
