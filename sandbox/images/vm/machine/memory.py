"""What this machine may use of memory, what it does use, and what of it is whose.

Source: Linux kernel documentation, "Control Group v2" (memory.current, memory.stat), "Memory
Resource Controller" (v1), "The /proc Filesystem" (smaps_rollup: PSS counts a page that n
processes share as an n-th for each).
"""

from dataclasses import dataclass
from pathlib import Path

V2, V1 = Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/memory")


@dataclass(frozen=True)
class Room:
    """Bytes of the limit, and bytes in use that can't be given back at once."""

    limit_bytes: int
    used_bytes: int

    @property
    def free_bytes(self) -> int:
        return max(0, self.limit_bytes - self.used_bytes)


def room(v2: Path = V2, v1: Path = V1) -> Room:
    """The machine's own limit and use, from its control group."""
    if (v2 / "memory.current").exists():
        text = (v2 / "memory.max").read_text().strip()
        limit, used = text, int((v2 / "memory.current").read_text())
        cache = _stat(v2 / "memory.stat", "inactive_file")
    else:
        limit = (v1 / "memory.limit_in_bytes").read_text().strip()
        used = int((v1 / "memory.usage_in_bytes").read_text())
        cache = _stat(v1 / "memory.stat", "total_inactive_file")
    whole = _total_bytes() if limit == "max" else min(int(limit), _total_bytes())
    return Room(whole, max(0, used - cache))


def _stat(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        found, _, value = line.partition(" ")
        if found == name:
            return int(value)
    return 0


def _total_bytes() -> int:
    line = Path("/proc/meminfo").read_text().splitlines()[0]
    return int(line.split()[1]) * 1024


def pss_bytes(pid: int, proc: Path = Path("/proc")) -> int:
    """A process's share of memory; 0 when it has ended."""
    try:
        lines = (proc / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
