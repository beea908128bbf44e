"""What one learner's sockets may take of the console: how many, and how fast they talk."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

_sockets_of_learner: Counter[int] = Counter()
# Frames that a client may send at once and in a second. Keys, pastes in frames of 8 KiB and
# acknowledgements stay far below; more is made to wait, and who goes on all the same is closed.
BURST = 3000
PER_SECOND = 1500.0
TOLERATED_SECONDS = 5.0


class TooManySockets(Exception):
    """The learner has as many sockets open as they may."""


class TooFast(Exception):
    """A client has sent far too many frames for some seconds."""


@contextmanager
def counted(learner_id: int, most: int | None = None) -> Iterator[None]:
    """Count one socket of a learner while the block runs. Raises TooManySockets."""
    most = settings.TERMINAL_SOCKETS_PER_LEARNER if most is None else most
    if _sockets_of_learner[learner_id] >= most:
        raise TooManySockets
    _sockets_of_learner[learner_id] += 1
    try:
        yield
    finally:
        _sockets_of_learner[learner_id] -= 1
        if not _sockets_of_learner[learner_id]:
            del _sockets_of_learner[learner_id]


class Pace:
    """Makes a client wait that sends frames too fast."""

    def __init__(self) -> None:
        self._room = float(BURST)
        self._counted_at = time.monotonic()
        self._slow_since: float | None = None

    def free_frame(self) -> bool:
        """Count one frame if nobody has to wait for it; False, and nothing counted, if so."""
        if self._room <= 1:
            return False
        self._room -= 1
        return True

    async def frame(self) -> None:
        """Count one frame; waits when there were too many. Raises TooFast."""
        self._room -= 1
        if self._room > 0:
            return
        now = time.monotonic()
        self._room = min(BURST, self._room + (now - self._counted_at) * PER_SECOND)
        self._counted_at = now
        if self._room > BURST / 2:
            self._slow_since = None
        if self._room > 0:
            return
        self._slow_since = self._slow_since or now
        if now - self._slow_since > TOLERATED_SECONDS:
            raise TooFast
        await asyncio.sleep(-self._room / PER_SECOND + 0.02)
