"""A terminal: one engine stream, many viewers, recent output kept.

Knows nothing of sockets. Each viewer reads from the ring at its own position, so a slow
one holds no buffer of its own and delays nobody: when the ring has moved past it, it is
told from which byte the output goes on. The engine is slowed down only when even the
fastest viewer is far behind; without viewers output just passes through the ring.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from sandbox.markers import Marker, MarkerReader, Ready
from sandbox.ring import Ring

FRAME_BYTES = 64 * 1024
# After a flush this large more is surely coming: gather for a moment.
BULK_BYTES = 4096
COALESCE_SECONDS = 0.002
# How far ahead of the fastest viewer the machine may write before it is made to wait.
AHEAD_BYTES = 256 * 1024
COLUMNS, ROWS = 80, 24
# How long a program may take to redraw after the first change of size.
REDRAW_SECONDS = 0.3
MAX_SIZE = 1000

Send = Callable[[bytes | str], Awaitable[None]]
Resize = Callable[[int, int], Awaitable[None]]


class Source(Protocol):
    """The machine's end of a terminal; `EngineStream` is one."""

    def listen(self, on_data: Callable[[bytes], None], on_close: Callable[[], None]) -> None: ...
    def write(self, data: bytes) -> None: ...
    async def drained(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def close(self) -> None: ...


class Viewer:
    """One reader of a terminal, and how far it has come."""

    def __init__(self, send: Send, position: int, window_bytes: int) -> None:
        self._send = send
        self._window_bytes = window_bytes
        self.position = position
        self.unacknowledged = 0
        self._wake = asyncio.Event()

    def wake(self) -> None:
        self._wake.set()

    def acknowledge(self, count: int) -> None:
        """`count` more bytes were consumed; a count beyond what was sent is cut."""
        self.unacknowledged = max(0, self.unacknowledged - max(0, count))
        self._wake.set()

    async def tell(self, message: dict[str, Any]) -> None:
        await self._send(json.dumps(message, separators=(",", ":")))

    async def follow(self, terminal: "Terminal") -> None:
        """Send what the ring has and gets, until the terminal is closed."""
        while True:
            if self.position < terminal.ring.start:
                self.position = terminal.ring.start
                await self.tell({"seq": self.position})
            room = self._window_bytes - self.unacknowledged
            data = terminal.ring.read(self.position, min(FRAME_BYTES, room)) if room > 0 else b""
            if data:
                self.position += len(data)
                self.unacknowledged += len(data)
                terminal.viewer_moved()
                await self._send(data)
                if len(data) >= BULK_BYTES and self.position == terminal.ring.end:
                    await asyncio.sleep(COALESCE_SECONDS)
                continue
            if terminal.closed and self.position == terminal.ring.end:
                return
            self._wake.clear()
            await self._wake.wait()


class Terminal:
    """Fan-out of one machine's main terminal."""

    def __init__(
        self,
        source: Source,
        resize: Resize,
        *,
        ring_bytes: int,
        history: bytes = b"",
        pid: int | None = None,
        on_ready: Callable[[Ready], None] | None = None,
        on_closed: Callable[[], None] | None = None,
    ) -> None:
        self.ring = Ring(ring_bytes)
        self.pid = pid
        self.columns, self.rows = COLUMNS, ROWS
        self.closed = False
        self.viewers: set[Viewer] = set()
        self._source = source
        self._resize = resize
        self._paused = False
        self._on_ready = on_ready
        self._on_closed = on_closed
        self._markers = MarkerReader(self._on_marker)
        # What was on the screen before we attached is only partly in `history`: the engine
        # logs whole lines, and a prompt is none. Programs must be asked to redraw once.
        self._must_redraw = True
        self._printed = asyncio.Event()
        if history:
            self.ring.append(history[-ring_bytes:])
        source.listen(self._on_data, self._on_source_closed)

    # from the machine

    def _on_data(self, data: bytes) -> None:
        self._markers.feed(data)
        self.ring.append(data)
        self._printed.set()
        for viewer in self.viewers:
            viewer.wake()
        self._throttle()

    def _on_marker(self, marker: Marker) -> None:
        if isinstance(marker, Ready):
            self.pid = marker.pid
            if self._on_ready:
                self._on_ready(marker)

    def _on_source_closed(self) -> None:
        self.closed = True
        for viewer in self.viewers:
            viewer.wake()
        if self._on_closed:
            self._on_closed()

    def _throttle(self) -> None:
        fastest = max((viewer.position for viewer in self.viewers), default=self.ring.end)
        behind = self.ring.end - fastest
        if not self._paused and behind > AHEAD_BYTES:
            self._paused = True
            self._source.pause()
        elif self._paused and behind < AHEAD_BYTES // 2:
            self._paused = False
            self._source.resume()

    def viewer_moved(self) -> None:
        """A viewer has read on; perhaps the machine may write again."""
        if self._paused:
            self._throttle()

    # for a viewer

    async def view(self, send: Send, after: int | None, window_bytes: int) -> Viewer:
        """Add a viewer that has everything before byte `after` (None: nothing).

        Sends the hello; `{"seq": n}` precedes output that does not begin at `after`.
        """
        begin = after if after is not None and self.ring.start <= after <= self.ring.end else None
        viewer = Viewer(send, self.ring.start if begin is None else begin, window_bytes)
        hello = {
            "seq": self.ring.end,
            "cols": self.columns,
            "rows": self.rows,
            "pid": self.pid,
            "readonly": False,
        }
        self.viewers.add(viewer)
        try:
            await viewer.tell({"hello": hello})
            if begin is None and (after is not None or viewer.position):
                await viewer.tell({"seq": viewer.position})
        except BaseException:
            # It would never read on, and the machine would wait for it.
            self.leave(viewer)
            raise
        return viewer

    def leave(self, viewer: Viewer) -> None:
        self.viewers.discard(viewer)
        self._throttle()

    async def write(self, data: bytes) -> None:
        """Type `data`; waits while the machine does not read."""
        self._source.write(data)
        await self._source.drained()

    async def resize(self, columns: int, rows: int) -> None:
        """Give the terminal the size its viewer has; both between 1 and 1000."""
        if not (1 <= columns <= MAX_SIZE and 1 <= rows <= MAX_SIZE):
            raise ValueError("a terminal has between 1 and 1000 columns and rows")
        must_redraw, self._must_redraw = self._must_redraw, False
        if must_redraw:
            # The size may be what it was before, and then nobody would redraw. Readline
            # compares sizes only when the signal reaches it: both changes at once are none.
            self._printed.clear()
            await self._resize(columns, rows + 1)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REDRAW_SECONDS):
                    await self._printed.wait()
        self.columns, self.rows = columns, rows
        await self._resize(columns, rows)

    def close(self) -> None:
        self._source.close()
