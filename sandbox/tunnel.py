"""A TCP connection to a port inside a machine, over the engine's exec stream.

Sandboxes have no network towards us, so `slipway-init connect PORT` inside the machine
makes the connection and its input and output are the bytes. Starting an exec takes some
tenths of a second; finished HTTP connections are therefore kept for the next request.
"""

import asyncio
import logging
import time
from collections import defaultdict, deque

import h11

from sandbox import stream
from sandbox.demux import Demultiplexer

log = logging.getLogger(__name__)
CONNECT = ["/usr/local/sbin/slipway-init", "connect"]
IDLE_SECONDS = 20
IDLE_PER_PORT = 4
# Unread bytes at which the machine is made to wait.
HIGH_BYTES = 256 * 1024


class PortClosed(Exception):
    """Nothing listens on that port."""


class Tunnel:
    """Bytes to and from one port, with an HTTP/1.1 client state beside them."""

    def __init__(self, engine_stream: stream.EngineStream) -> None:
        self._stream = engine_stream
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._changed = asyncio.Event()
        self._paused = False
        self.ended = False
        self.errors = b""
        self.http = h11.Connection(h11.CLIENT)
        self.used_at = time.monotonic()
        engine_stream.listen(Demultiplexer(self._on_frame).feed, self._on_close)

    @classmethod
    async def open(cls, container_id: str, port: int) -> "Tunnel":
        """Connect. Raises EngineDown, MachineDied; a closed port shows at the first read."""
        command = [*CONNECT, str(port)]
        _, opened = await stream.exec_stream(container_id, command, user="1000:1000")
        return cls(opened)

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
            self._stream.write(data)
            await self._stream.drained()

    async def receive(self) -> h11.Event | type[h11.PAUSED]:
        """The next part of the answer. Raises PortClosed when there was no answer at all."""
        while True:
            event = self.http.next_event()
            if event is h11.NEED_DATA:
                data = await self.read()
                if not data and self.http.their_state is h11.SEND_RESPONSE and self.errors:
                    raise PortClosed(self.errors.decode(errors="replace").strip())
                self.http.receive_data(data)
                continue
            return event  # type: ignore[return-value]

    def close(self) -> None:
        self._stream.close()


class Tunnels:
    """Open tunnels that wait for their next request."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int], deque[Tunnel]] = defaultdict(deque)

    async def take(self, container_id: str, port: int) -> tuple[Tunnel, bool]:
        """A tunnel, and whether it was used before (and may turn out to be closed)."""
        waiting = self._idle[(container_id, port)]
        while waiting:
            tunnel = waiting.pop()
            if not tunnel.ended and time.monotonic() - tunnel.used_at < IDLE_SECONDS:
                return tunnel, True
            tunnel.close()
        return await Tunnel.open(container_id, port), False

    def give_back(self, container_id: str, port: int, tunnel: Tunnel) -> None:
        """Keep a tunnel whose request is done for the next one, if both ends allow it."""
        http = tunnel.http
        waiting = self._idle[(container_id, port)]
        finished = http.our_state is h11.DONE and http.their_state is h11.DONE
        if not finished or tunnel.ended or len(waiting) >= IDLE_PER_PORT:
            tunnel.close()
            return
        http.start_next_cycle()
        tunnel.used_at = time.monotonic()
        waiting.append(tunnel)
        asyncio.get_running_loop().call_later(
            IDLE_SECONDS, self._drop, (container_id, port), tunnel
        )

    def _drop(self, key: tuple[str, int], tunnel: Tunnel) -> None:
        waiting = self._idle.get(key)
        if not waiting or tunnel not in waiting:
            return
        if time.monotonic() - tunnel.used_at < IDLE_SECONDS - 1:
            return  # used again meanwhile; its newer timer will look
        waiting.remove(tunnel)
        tunnel.close()
        if not waiting:
            del self._idle[key]


tunnels = Tunnels()
