"""A TCP connection to a port inside a machine.

Sandboxes have no network towards us. Where we may, we make a socket in the machine's own network
namespace. Else `slipway-init connect PORT` inside the machine, run by an exec, makes the
connection and its input and output are the bytes: slower by far (`bench/tunnels.py`), and starting
one takes some tenths of a second; finished HTTP connections are therefore kept for the next request.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from weakref import WeakValueDictionary

import h11

from sandbox import namespaces, stream
from sandbox.demux import Demultiplexer
from sandbox.errors import EngineDown, SandboxUserError

CONNECT = ["/usr/local/sbin/slipway-init", "connect"]
IDLE_SECONDS = 20
IDLE_PER_PORT = 4
# Unread bytes at which the machine is made to wait.
HIGH_BYTES = 256 * 1024
OPEN_SECONDS = 30
# Each open tunnel is a process of the machine, which may have some hundreds.
OPEN_PER_MACHINE = 32
ROOM_SECONDS = 20


class PortClosed(Exception):
    """Nothing listens on that port."""


class NoAnswer(Exception):
    """The connection ended before a byte of an answer came."""


class MachineBusy(SandboxUserError):
    code = "machine_busy"
    message = "This machine answers as many requests at once as it may."
    hint = "Close other tabs of its previews, then reload this page."
    status = 503


class Tunnel:
    """Bytes to and from one port, with an HTTP/1.1 client state beside them."""

    def __init__(self, bytes_of: stream.EngineStream, *, framed: bool) -> None:
        """`framed`: the bytes come in the engine's frames, errors among them."""
        self._stream = bytes_of
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._changed = asyncio.Event()
        self._paused = False
        self.ended = False
        self.errors = b""
        self.http = h11.Connection(h11.CLIENT)
        self.used_at = time.monotonic()
        feed = Demultiplexer(self._on_frame).feed if framed else partial(self._on_frame, 1)
        bytes_of.listen(feed, self._on_close)

    @classmethod
    async def open(cls, container_id: str, port: int) -> "Tunnel":
        """Connect. Raises EngineDown, MachineDied; a closed port shows at the first read."""
        command = [*CONNECT, str(port)]
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                if connected := await namespaces.connect(container_id, port):
                    return cls(await stream.SocketStream.over(connected), framed=False)
                _, opened = await stream.exec_stream(container_id, command, user="1000:1000")
        except TimeoutError as error:
            raise EngineDown from error
        return cls(opened, framed=True)

    @property
    def quiet(self) -> bool:
        """Whether the app still holds the connection and has said nothing unasked.

        An answer that came unasked (many servers say 408 before they close) would be taken
        for the next request's.
        """
        return not (self.ended or self._chunks or self.http.trailing_data[0])

    def _on_frame(self, which: int, payload: bytes) -> None:
        if which != 1:
            self.errors = (self.errors + payload)[-500:]
            return
        self._chunks.append(payload)
        self._size += len(payload)
        if self._size > HIGH_BYTES and not self._paused:
            self._paused = True
            self._stream.pause()
        self._changed.set()

    def _on_close(self) -> None:
        self.ended = True
        self._changed.set()

    async def read(self) -> bytes:
        """The next bytes, b"" at the end."""
        while not self._chunks and not self.ended:
            self._changed.clear()
            await self._changed.wait()
        if not self._chunks:
            return b""
        data = self._chunks.popleft()
        self._size -= len(data)
        if self._paused and self._size < HIGH_BYTES // 2:
            self._paused = False
            self._stream.resume()
        return data

    async def send(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> None:
        """Send one part of a request."""
        data = self.http.send(event)
        if data:
            await self.write(data)

    async def write(self, data: bytes) -> None:
        """Send bytes as they are, at the machine's pace."""
        self._stream.write(data)
        await self._stream.drained()

    async def receive(self) -> h11.Event | type[h11.PAUSED]:
        """The next part of the answer.

        Raises PortClosed and NoAnswer when not a byte of it came, h11.RemoteProtocolError.
        """
        while True:
            event = self.http.next_event()
            if event is h11.NEED_DATA:
                data = await self.read()
                if not data:
                    self._check_begun()
                self.http.receive_data(data)
                continue
            return event  # type: ignore[return-value]

    def _check_begun(self) -> None:
        if self.http.their_state is not h11.SEND_RESPONSE or self.http.trailing_data[0]:
            return
        if self.errors:
            raise PortClosed(self.errors.decode(errors="replace").strip())
        raise NoAnswer

    def close(self) -> None:
        # At once: what an app does not read would hold an orderly close open for ever.
        self._stream.transport.abort()


class Tunnels:
    """Open tunnels that wait for their next request, and how many a machine may have."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int], deque[Tunnel]] = {}
        # An entry lives as long as somebody is in the room or waits for it.
        self._rooms: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def room(self, container_id: str) -> AsyncIterator[None]:
        """Room for one more tunnel to a machine, waited for. Raises MachineBusy."""
        room = self._rooms.setdefault(container_id, asyncio.Semaphore(OPEN_PER_MACHINE))
        try:
            async with asyncio.timeout(ROOM_SECONDS):
                await room.acquire()
        except TimeoutError as error:
            raise MachineBusy from error
        try:
            yield
        finally:
            room.release()

    async def take(self, container_id: str, port: int) -> tuple[Tunnel, bool]:
        """A tunnel, and whether it was used before (and may turn out to be closed)."""
        key = (container_id, port)
        while waiting := self._idle.get(key):
            tunnel = waiting[-1]
            self._forget(key, tunnel)
            if tunnel.quiet and time.monotonic() - tunnel.used_at < IDLE_SECONDS:
                return tunnel, True
            tunnel.close()
        return await Tunnel.open(container_id, port), False

    def give_back(self, container_id: str, port: int, tunnel: Tunnel) -> None:
        """Keep a tunnel whose request is done for the next one, if both ends allow it."""
        key, http = (container_id, port), tunnel.http
        finished = http.our_state is h11.DONE and http.their_state is h11.DONE
        full = len(self._idle.get(key, ())) >= IDLE_PER_PORT
        if not finished or full or not tunnel.quiet:
            tunnel.close()
            return
        http.start_next_cycle()
        tunnel.used_at = time.monotonic()
        self._idle.setdefault(key, deque()).append(tunnel)
        asyncio.get_running_loop().call_later(IDLE_SECONDS, self._drop, key, tunnel)

    def _drop(self, key: tuple[str, int], tunnel: Tunnel) -> None:
        if tunnel not in self._idle.get(key, ()):
            return
        if time.monotonic() - tunnel.used_at < IDLE_SECONDS - 1:
            return  # used again meanwhile; its newer timer will look
        self._forget(key, tunnel)
        tunnel.close()

    def _forget(self, key: tuple[str, int], tunnel: Tunnel) -> None:
        self._idle[key].remove(tunnel)
        if not self._idle[key]:
            del self._idle[key]


tunnels = Tunnels()
