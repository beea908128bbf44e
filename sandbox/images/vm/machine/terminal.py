"""The machine's main terminal and the guest's serial console, joined.

The bridge (`bridge.c`) sits on the terminal and connects here; what the guest prints before it
has come goes straight to the terminal, so that a boot is seen as it happens.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from . import frames
from .frames import FrameReader

TERMINAL = "/dev/console"
KEPT_BYTES = 256 * 1024
OnInput = Callable[[bytes], Awaitable[None]]
OnSize = Callable[[int, int], Awaitable[None]]


class Terminal:
    """What the learner sees."""

    def __init__(self, socket: Path, on_input: OnInput, on_size: OnSize) -> None:
        self._socket = socket
        self._on_input, self._on_size = on_input, on_size
        self._bridge: asyncio.StreamWriter | None = None
        self._held = bytearray()
        self.holding = False
        self.size = (24, 80)

    async def listen(self) -> None:
        self._socket.unlink(missing_ok=True)
        await asyncio.start_unix_server(self._serve, self._socket)

    async def show(self, data: bytes) -> None:
        """Show `data`; waits while nobody reads the terminal.

        Held back, after `holding` was set, until the bridge is there.
        """
        bridge = self._bridge
        if bridge:
            bridge.write(data)
            with contextlib.suppress(OSError):
                await bridge.drain()
        elif self.holding:
            self._held += data
            del self._held[:-KEPT_BYTES]
        else:
            _to_terminal(data)

    def mark(self, data: bytes) -> None:
        """Put a marker before everything that was held back, or at once."""
        if self._bridge:
            self._bridge.write(data)
        else:
            self._held[:0] = data

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._bridge:
            self._bridge.close()
        self._bridge = writer
        writer.write(bytes(self._held))
        self._held.clear()
        cutter = FrameReader()
        with contextlib.suppress(OSError, frames.BadFrame):
            while data := await reader.read(65536):
                for frame in cutter.feed(data):
                    await self._obey(frame)
        if self._bridge is writer:
            self._bridge = None
        writer.close()

    async def _obey(self, frame: frames.Frame) -> None:
        if frame.type == frames.INPUT:
            await self._on_input(frame.payload)
        elif frame.type == frames.SIZE and len(frame.payload) == 4:
            rows, columns = (int.from_bytes(frame.payload[at : at + 2], "little") for at in (0, 2))
            self.size = (rows, columns)
            await self._on_size(rows, columns)


def _to_terminal(data: bytes) -> None:
    # Never waits: a terminal that nobody reads must not hold up a boot.
    with contextlib.suppress(OSError):
        terminal = os.open(TERMINAL, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            os.write(terminal, data)
        finally:
            os.close(terminal)
