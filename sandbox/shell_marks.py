"""Commands of a terminal, made from the shell's marks: what ran, how it ended, how long."""

import time
from collections.abc import Callable
from typing import Any

from sandbox.markers import CommandEnded, CommandLine, CommandStarted, Marker

# A script may print marks without end; events are for people.
BURST = 20
PER_SECOND = 5.0


class CommandWatch:
    """Tells `on_command({"command", "exit", "seconds"})` of each command that ended."""

    def __init__(self, on_command: Callable[[dict[str, Any]], None]) -> None:
        self._on_command = on_command
        self._started_at: float | None = None
        self._line = ""
        self._room = float(BURST)
        self._counted_at = time.monotonic()

    def feed(self, marker: Marker) -> None:
        """Take the next marker of the stream, of whatever sort."""
        if isinstance(marker, CommandStarted):
            # The first of several that were pasted: the time is that of all.
            self._started_at = self._started_at or time.monotonic()
        elif isinstance(marker, CommandLine):
            self._line = marker.text
        elif isinstance(marker, CommandEnded):
            self._ended(marker.exit)

    def _ended(self, code: int) -> None:
        line, self._line = self._line, ""
        started_at, self._started_at = self._started_at, None
        if started_at is None or not self._may_tell():
            return
        seconds = round(time.monotonic() - started_at, 3)
        self._on_command({"command": line, "exit": code, "seconds": seconds})

    def _may_tell(self) -> bool:
        now = time.monotonic()
        self._room = min(BURST, self._room + (now - self._counted_at) * PER_SECOND)
        self._counted_at = now
        if self._room < 1:
            return False
        self._room -= 1
        return True
