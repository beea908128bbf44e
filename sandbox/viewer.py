"""One reader of a terminal, and how far it has come.

It holds no buffer of its own: it reads the terminal's ring at its own position, within a
window of bytes that its client has not acknowledged.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from sandbox.ring import Ring

FRAME_BYTES = 64 * 1024
# After a flush this large more is surely coming: gather for a moment.
BULK_BYTES = 4096
COALESCE_SECONDS = 0.002
# Sent and not acknowledged, from which on Ctrl-C skips what is not sent yet.
LAG_BYTES = 128 * 1024
# Messages that wait for their place in the output; the oldest go first when there are more.
NOTES = 64

Send = Callable[[bytes | str], Awaitable[None]]
Size = tuple[int, int]


class Followed(Protocol):
    """What a viewer needs of its terminal."""

    ring: Ring
    closed: bool

    def viewer_moved(self) -> None: ...


class Stalled(Exception):
    """The client has acknowledged nothing for too long."""


class Viewer:
    """One reader. `wanted` is the size its client has (columns, rows), None if it never said.

    `onlooker` is who looks at a terminal that is not theirs, empty for its learner.
    """

    def __init__(
        self,
        send: Send,
        position: int,
        window_bytes: int,
        *,
        readonly: bool = False,
        patience_seconds: float | None = None,
        onlooker: str = "",
    ) -> None:
        self._send = send
        self._window_bytes = window_bytes
        self._patience_seconds = patience_seconds
        self.position = position
        self.readonly = readonly
        self.onlooker = onlooker
        self.wanted: Size | None = None
        # When it last owned the terminal's size, by count; 0 for never.
        self.owned = 0
        self.unacknowledged = 0
        # Nothing is sent while this is set; `release` ends it.
        self.held = False
        self._skip_to = 0
        self._notes: deque[tuple[int, str]] = deque(maxlen=NOTES)
        self._wake = asyncio.Event()
        # Sends bytes now, or answers False; None where the connection has no such short way.
        self.send_now: Callable[[bytes], bool] | None = None
        # Everything there was is sent, and `follow` waits for more.
        self._waits = False

    def printed(self, data: bytes, begin: int) -> None:
        """`data` was printed, from byte `begin` on. A few bytes that nothing stands before are
        sent here and now: a task that has to be woken first is felt at every key."""
        size = len(data)
        if (
            self.send_now is not None
            and self._waits
            and size < BULK_BYTES
            and self.position == begin >= self._skip_to
            and not self._notes
            and not self.held
            and self.unacknowledged + size <= self._window_bytes
            and self.send_now(data)
        ):
            self.position += size
            self.unacknowledged += size
        else:
            self._wake.set()

    def wake(self) -> None:
        self._wake.set()

    def acknowledge(self, count: int) -> None:
        """`count` more bytes were consumed; a count beyond what was sent is cut."""
        self.unacknowledged = max(0, self.unacknowledged - max(0, count))
        self._wake.set()

    @property
    def lags(self) -> bool:
        """Whether the client is far behind: what it is to read takes longer than a moment."""
        return self.unacknowledged > LAG_BYTES

    def release(self, position: int) -> None:
        """Go on sending; from byte `position` if that is much further than it has come."""
        if self.held and position - self.position > LAG_BYTES:
            self._skip_to = position
        self.held = False
        self._wake.set()

    async def tell(self, message: dict[str, Any]) -> None:
        await self._send(_text(message))

    async def tell_place(self, ring: Ring) -> None:
        """Say from which byte the output goes on, as on an empty screen in these modes."""
        modes = ring.modes_at(self.position)
        await self.tell({"seq": self.position} | ({"modes": modes} if modes else {}))

    def note(self, place: int, message: dict[str, Any]) -> None:
        """Have `message` told after the output before byte `place`."""
        self._notes.append((place, _text(message)))
        self._wake.set()

    async def follow(self, terminal: Followed) -> None:
        """Send what the ring has and gets, until the terminal is closed. Raises Stalled."""
        ring = terminal.ring
        while True:
            if self.position < max(ring.start, self._skip_to):
                self.position = max(ring.start, self._skip_to)
                await self.tell_place(ring)
            while self._notes and self._notes[0][0] <= self.position:
                await self._send(self._notes.popleft()[1])
            room = 0 if self.held else self._window_bytes - self.unacknowledged
            if self._notes:
                room = min(room, self._notes[0][0] - self.position)
            data = ring.read(self.position, min(FRAME_BYTES, room)) if room > 0 else b""
            if data:
                self.position += len(data)
                self.unacknowledged += len(data)
                terminal.viewer_moved()
                await self._send(data)
                if len(data) >= BULK_BYTES and self.position == ring.end:
                    await asyncio.sleep(COALESCE_SECONDS)
                continue
            if self._notes and self._notes[0][0] <= self.position:
                continue
            if terminal.closed and self.position >= ring.end:
                return
            await self._something_to_do(room <= 0 and not self.held)

    async def _something_to_do(self, stalled: bool) -> None:
        self._wake.clear()
        if not stalled or self._patience_seconds is None:
            self._waits = not stalled
            await self._wake.wait()
            self._waits = False
            return
        before = self.unacknowledged
        try:
            async with asyncio.timeout(self._patience_seconds):
                while self.unacknowledged >= before:
                    await self._wake.wait()
                    self._wake.clear()
        except TimeoutError as error:
            raise Stalled from error


def _text(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))
