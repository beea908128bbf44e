"""Telling a guest that hangs from one that is slow.

A hang either burns processor time without a word, or sleeps for ever. A host that has other
work makes a healthy guest just as silent, but then QEMU gets little processor time and stands
in the queue for more. So QEMU's own time counts, and wall time only as a last bound.
"""

import time
from dataclasses import dataclass
from pathlib import Path

HERTZ = 100  # USER_HZ, what /proc counts processor time in (proc(5))


@dataclass(frozen=True)
class Patience:
    """Seconds without a sign of life: of QEMU's own processor time, asleep, of wall time."""

    processor_seconds: float
    asleep_seconds: float
    wall_seconds: float


BOOT = {"small": Patience(8, 25, 120), "full": Patience(25, 60, 300)}
RESTORE = Patience(4, 10, 60)


class Watchdog:
    """Looks at one QEMU again and again; `sign` is called with each sign of life."""

    def __init__(self, pid: int, patience: Patience, proc: Path = Path("/proc")) -> None:
        self._folder = proc / str(pid)
        self._patience = patience
        self._awake_at = time.monotonic()
        self.sign()

    def sign(self) -> None:
        """The guest has just shown that it lives."""
        self._signed_at = time.monotonic()
        self._awake_at = self._signed_at
        self._processor_then = self._processor_seconds()

    def verdict(self) -> str:
        """Why it hangs, empty while it may still be alive."""
        now = time.monotonic()
        if self._is_awake():
            self._awake_at = now
        burnt = self._processor_seconds() - self._processor_then
        if burnt > self._patience.processor_seconds:
            return f"no sign of life in {burnt:.0f} s of processor time"
        if now - self._awake_at > self._patience.asleep_seconds:
            return f"asleep without a sign of life for {now - self._awake_at:.0f} s"
        if now - self._signed_at > self._patience.wall_seconds:
            return f"no sign of life for {now - self._signed_at:.0f} s"
        return ""

    def _processor_seconds(self) -> float:
        fields = self._stat(self._folder)
        return (int(fields[11]) + int(fields[12])) / HERTZ if fields else 0.0

    def _is_awake(self) -> bool:
        """Whether a thread runs, or waits for a processor: then it is starved, not asleep."""
        threads = (self._folder / "task").glob("*")
        return any(fields[0] == "R" for thread in threads if (fields := self._stat(thread)))

    @staticmethod
    def _stat(folder: Path) -> list[str]:
        """Fields of /proc/PID/stat from the third on, the state; none when it has ended."""
        try:
            return (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return []
