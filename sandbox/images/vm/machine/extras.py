"""Further small guests in the same machine, one by one, until its memory is used up.

Nothing is estimated that can be measured: what a guest needs is what the one before took, and
the machine's limit is its control group's.
"""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import memory
from .bringup import GuestHung, Wish, bring_up
from .guest import Guest, GuestGone

# Before one was measured: what a small guest may take at most beside its memory.
OVERHEAD_BYTES = 48 * 1024 * 1024
FIRST_BYTES = 128 * 1024 * 1024 + OVERHEAD_BYTES
# Room that stays free, so that the machine's own programs never meet the limit.
RESERVE_BYTES = 24 * 1024 * 1024
# The kernel ends the one with the highest score first; the learner's own guest has none.
OOM_SCORE = "900"
SETTLE_SECONDS = 0.5


@dataclass
class Extra:
    """A further guest that runs."""

    name: str
    guest: Guest
    how: str
    seconds: float
    memory_bytes: int
    hangs: int

    def as_json(self) -> dict[str, Any]:
        return {
            "guest": self.name,
            "how": self.how,
            "seconds": self.seconds,
            "memory_bytes": self.memory_bytes,
            "hangs": self.hangs,
            "qemu_pid": self.guest.pid,
        }


class Extras:
    """The further guests of this machine."""

    def __init__(self, wish: Wish, folder: Path) -> None:
        self._wish = wish
        self._folder = folder
        self._number = 0
        self._lock = asyncio.Lock()
        self.running: dict[str, Extra] = {}

    def needed_bytes(self) -> int:
        """What the next guest will take, from what the latest one did."""
        measured = [extra.memory_bytes for extra in self.running.values() if extra.memory_bytes]
        return max(measured[-3:]) if measured else FIRST_BYTES

    async def start(
        self, count: int, *, fresh: bool, budget_bytes: int = 0
    ) -> AsyncIterator[dict[str, Any]]:
        """Start up to `count`; yields one line each, and why it stopped before, if it did.

        `budget_bytes`: let them take no more together than this, 0 for the machine's limit.
        """
        async with self._lock:
            for _ in range(count):
                if stop := self._no_room(budget_bytes):
                    yield stop
                    return
                try:
                    yield (await self._start_one(fresh)).as_json()
                except (GuestGone, GuestHung) as error:
                    yield {"stopped": "failed", "why": str(error)}
                    return

    def _no_room(self, budget_bytes: int) -> dict[str, Any] | None:
        needed, room = self.needed_bytes(), memory.room()
        free = room.free_bytes - RESERVE_BYTES
        if budget_bytes:
            taken = sum(extra.memory_bytes for extra in self.running.values())
            free = min(free, budget_bytes - taken)
        if needed <= free:
            return None
        return {
            "stopped": "memory",
            "needed_bytes": needed,
            "free_bytes": max(0, free),
            "limit_bytes": budget_bytes or room.limit_bytes,
            "running": len(self.running),
        }

    async def _start_one(self, fresh: bool) -> Extra:
        self._number += 1
        name = f"extra-{self._number}"
        wish = dataclasses.replace(
            self._wish,
            size="small",
            host_name=name,
            console="auto",
            folder=self._folder / name,
            hang_words="",
        )
        up = await bring_up(wish, lambda _: None, _nothing, fresh=fresh)
        with contextlib.suppress(OSError):
            Path(f"/proc/{up.guest.pid}/oom_score_adj").write_text(OOM_SCORE)
        await asyncio.sleep(SETTLE_SECONDS)
        taken = memory.pss_bytes(up.guest.pid)
        extra = Extra(name, up.guest, up.how, up.seconds, taken, up.hangs)
        self.running[name] = extra
        self._tidying = asyncio.create_task(self._tidy(extra))
        return extra

    async def _tidy(self, extra: Extra) -> None:
        await extra.guest.ended.wait()
        await extra.guest.kill()
        self.running.pop(extra.name, None)

    def listing(self) -> dict[str, Any]:
        """All that run, with what each takes now, and the machine's memory."""
        for extra in self.running.values():
            extra.memory_bytes = memory.pss_bytes(extra.guest.pid)
        room = memory.room()
        return {
            "guests": [extra.as_json() for extra in self.running.values()],
            "limit_bytes": room.limit_bytes,
            "used_bytes": room.used_bytes,
            "free_bytes": room.free_bytes,
            "at": time.time(),
        }

    async def stop(self, names: list[str]) -> int:
        """End those of these names, or all of them; returns how many."""
        chosen = [extra for name, extra in self.running.items() if not names or name in names]
        for extra in chosen:
            await extra.guest.kill()
            self.running.pop(extra.name, None)
        return len(chosen)


async def _nothing(_data: bytes) -> None:
    """Nobody watches an extra guest's console."""
