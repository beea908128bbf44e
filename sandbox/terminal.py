"""A terminal: one engine stream, many viewers, recent output kept.

Knows nothing of sockets. Each viewer reads from the ring at its own position, so a slow
one holds no buffer of its own and delays nobody: when the ring has moved past it, it is
told from which byte the output goes on. The engine is slowed down only when even the
fastest viewer is far behind; without viewers output just passes through the ring.

The size is that of one viewer, the owner (`sandbox/shared_size.py`).
"""

import asyncio
import contextlib
import re
from typing import Any

from sandbox.markers import Exited, Guest, Marker, MarkerReader, Ready
from sandbox.ring import Ring
from sandbox.shared_size import SharedSize
from sandbox.terminal_ends import Resize, Source, Watch
from sandbox.viewer import Send, Size, Viewer

# How far ahead of the fastest viewer the machine may write before it is made to wait. Also
# what Ctrl-C can't take back any more, so not larger than the throughput needs.
AHEAD_BYTES = 128 * 1024
COLUMNS, ROWS = 80, 24
# After Ctrl-C: how long output may go on before it is shown again, how long silence must last
# to be the end of it, and how much of the flood's end is worth showing.
RUSH_SECONDS, QUIET_SECONDS = 0.15, 0.025
SHOWN_BYTES = 32 * 1024
INTERRUPT = 0x03
# What a terminal says by itself when a program asks (cursor position, attributes, modes,
# colours): from a viewer that does not own the terminal it would be the second answer.
ANSWER = re.compile(
    rb"(\x1b(\[[?>=]?[\d;]*\$?[Rcnty]|\][^\x07\x1b]*(\x07|\x1b\\)|P[^\x1b]*\x1b\\))+"
)


class Terminal:
    """Fan-out of one terminal of a machine.

    `start` is the number of the first byte of `history`. Output before byte `live_from` is
    old: what it says was said before. `modes` are those before byte `start`. `watch.output`
    gets all output that is new.
    """

    def __init__(
        self,
        source: Source,
        resize: Resize,
        *,
        ring_bytes: int,
        history: bytes = b"",
        start: int = 0,
        live_from: int = 0,
        modes: bytes = b"",
        size: Size = (COLUMNS, ROWS),
        pid: int | None = None,
        title: str = "",
        watch: Watch | None = None,
        must_redraw: bool = True,
        has_guest: bool = False,
    ) -> None:
        self.ring = Ring(ring_bytes, start, modes)
        self.pid = pid
        self.title = title
        self.recording = False
        self.closed = False
        # Of the shell that a closed terminal had; None when the stream broke off.
        self.exit_code: int | None = None
        self.viewers: set[Viewer] = set()
        self._source = source
        self._background: set[asyncio.Task[None]] = set()
        self._paused = False
        self._rushing = False
        self._live_from = live_from
        self._watch = watch or Watch()
        # The shell is then the guest's: what PID 1 started is a bridge to it.
        self._speaker = Guest if has_guest else Ready
        self._markers = MarkerReader(self._on_marker)
        self._printed = asyncio.Event()
        self._size = SharedSize(size, resize, self.viewers, self._printed, self._watch.resized)
        # What was on the screen before we attached is only partly in `history`: the engine
        # logs whole lines, and a prompt is none. Programs must be asked to redraw once.
        self._size.must_redraw = must_redraw
        if history:
            self.ring.append(history[-ring_bytes:])
        source.listen(self._on_data, self._on_source_closed)

    # from the machine

    def _on_data(self, data: bytes) -> None:
        if self.ring.end >= self._live_from:
            self._markers.feed(data)
            self._watch.output(data)
        begin = self.ring.end
        self.ring.append(data)
        self._printed.set()
        for viewer in self.viewers:
            viewer.printed(data, begin)
        self._throttle()

    def _on_marker(self, marker: Marker) -> None:
        self._watch.marker(marker)
        if isinstance(marker, Exited):
            self.tell_all({"exit": marker.code})
        elif isinstance(marker, (Ready, Guest)) and isinstance(marker, self._speaker):
            self._watch.ready(marker)
            if marker.pid != self.pid:
                self.pid = marker.pid
                self.tell_all({"pid": marker.pid})

    def tell_all(self, message: dict[str, Any]) -> None:
        """Have every viewer told something, at this place of the output."""
        for viewer in self.viewers:
            viewer.note(self.ring.end, message)

    def _on_source_closed(self) -> None:
        self.exit_code = getattr(self._source, "exit_code", None)
        if self.exit_code is not None:
            self.tell_all({"exit": self.exit_code})
        self.closed = True
        for viewer in self.viewers:
            viewer.wake()
        self._watch.closed()

    def _throttle(self) -> None:
        # Who only looks on never makes a learner's machine wait.
        own = (viewer.position for viewer in self.viewers if not viewer.onlooker)
        fastest = max(own, default=self.ring.end)
        behind = 0 if self._rushing else self.ring.end - fastest
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

    async def view(
        self,
        send: Send,
        after: int | None,
        window_bytes: int,
        *,
        readonly: bool = False,
        patience_seconds: float | None = None,
        onlooker: str = "",
    ) -> Viewer:
        """Add a viewer that has everything before byte `after` (None: nothing).

        Sends the hello; `{"seq": n}` precedes output that does not begin at `after`, with the
        modes that were set before it. Of an `onlooker` the others are told, as long as they look.
        """
        # Old output may still be on its way from the holder: its numbers are good already.
        known = max(self.ring.end, self._live_from)
        begin = after if after is not None and self.ring.start <= after <= known else None
        viewer = Viewer(
            send,
            self.ring.start if begin is None else begin,
            window_bytes,
            readonly=readonly,
            patience_seconds=patience_seconds,
            onlooker=onlooker,
        )
        if begin is None and viewer.position:
            self._size.must_redraw = True  # the beginning is missing; a full screen begins there
        self.viewers.add(viewer)
        self._size.join(viewer)
        self._say_onlookers(viewer)
        try:
            await viewer.tell({"hello": self._hello(viewer)})
            if self.onlookers and not onlooker:
                await viewer.tell({"onlookers": self.onlookers})
            if begin is None and (after is not None or viewer.position):
                await viewer.tell_place(self.ring)
        except BaseException:
            # It would never read on, and the machine would wait for it.
            self.leave(viewer)
            raise
        return viewer

    def _hello(self, viewer: Viewer) -> dict[str, Any]:
        return {
            "seq": max(self.ring.end, self._live_from),
            "cols": self._size.size[0],
            "rows": self._size.size[1],
            "pid": self.pid,
            "readonly": viewer.readonly,
            "owner": viewer is self.owner,
            "recording": self.recording,
            "title": self.title,
        }

    @property
    def onlookers(self) -> list[str]:
        """Who looks on, by name; one who does so twice is one."""
        return sorted({viewer.onlooker for viewer in self.viewers} - {""})

    def _say_onlookers(self, changed: Viewer) -> None:
        for viewer in self.viewers if changed.onlooker else ():
            if not viewer.onlooker:
                viewer.note(viewer.position, {"onlookers": self.onlookers})

    def leave(self, viewer: Viewer) -> None:
        """Take a viewer away; its place as owner goes to the one that was before it."""
        self.viewers.discard(viewer)
        self._say_onlookers(viewer)
        self._throttle()
        if heir := self._size.heir_after(viewer):
            self._keep(self._size.own(heir))

    @property
    def owner(self) -> Viewer | None:
        """The viewer whose size the terminal has."""
        return self._size.owner

    def typed_now(self, viewer: Viewer, data: bytes) -> bool:
        """The short way of `typed`: False when there is more to do than to hand `data` on."""
        if viewer is not self.owner or INTERRUPT in data or not self._source.writable():
            return False
        self._source.write(data)
        return True

    async def typed(self, viewer: Viewer, data: bytes) -> None:
        """The viewer's client typed `data`; waits while the machine does not read."""
        if viewer.readonly:
            return
        if viewer is not self.owner:
            if ANSWER.fullmatch(data):
                return
            await self._size.own(viewer)
        await self.write(data)
        if INTERRUPT in data and not self._rushing and viewer.lags:
            self._keep(self._rush())

    async def _rush(self) -> None:
        """After Ctrl-C in a flood: take in what the engine has buffered (a mebibyte and more),
        show none of it, and go on at its end. The prompt is what the learner waits for."""
        self._rushing = True
        for viewer in self.viewers:
            viewer.held = viewer.lags
        self._throttle()
        loop = asyncio.get_running_loop()
        end = loop.time() + RUSH_SECONDS
        with contextlib.suppress(TimeoutError):
            while loop.time() < end:
                self._printed.clear()
                async with asyncio.timeout(QUIET_SECONDS):
                    await self._printed.wait()
        self._rushing = False
        for viewer in self.viewers:
            viewer.release(self.ring.end - SHOWN_BYTES)
        self._throttle()

    async def asked(self, viewer: Viewer, columns: int, rows: int, focus: bool) -> None:
        """The viewer's client has this size; with `focus` the terminal gets it.

        Raises ValueError for a size that no terminal has.
        """
        await self._size.asked(viewer, columns, rows, focus)

    # for everybody

    async def write(self, data: bytes) -> None:
        """Type `data`; waits while the machine does not read."""
        self._source.write(data)
        await self._source.drained()

    async def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size; both between 1 and 1000."""
        await self._size.set(columns, rows)

    def close(self) -> None:
        self._source.close()

    def _keep(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
