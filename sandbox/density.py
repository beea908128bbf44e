"""How many fit: containers by the dozen and virtual machines one by one, into a fixed budget.

Both sides are measured by the same ruler, the growth of the machine's control group as the
host's engine reads it, so that everything a container or a guest needs is in it: its own
pages, the kernel's bookkeeping, and helpers such as containerd's shim.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from sandbox import contenders, figures, sentences
from sandbox.contenders import Contender, OnStage, Started
from sandbox.errors import SandboxEngineError
from sandbox.models import Sandbox
from sandbox.runs import Result
from sandbox.values import BYTES, COUNT, taker

MIB = 1024 * 1024
PREFIX = "fit"
DOZEN = 12
MOST = {"container": 60, "vm": 12}
# Of the machine's own limits: beyond it the next start could fail half-way.
FULL = 0.94
LONGEST_SECONDS = 100


@dataclass
class _Side:
    """One side while it is being filled."""

    contender: Contender
    budget_bytes: int
    base_bytes: int = 0
    grown_bytes: int = 0
    largest_bytes: int = 0
    count: int = 0
    began_at: float = field(default_factory=time.monotonic)
    stopped: str = ""
    points: list[dict[str, Any]] = field(default_factory=list)

    @property
    def each_bytes(self) -> float | None:
        return self.grown_bytes / self.count if self.count else None

    def report(self) -> dict[str, Any]:
        each = self.each_bytes
        return {
            "count": self.count,
            "used_bytes": self.grown_bytes,
            "each_bytes": None if each is None else round(each),
            "stopped": self.stopped,
            "points": self.points,
            "emulated": self.contender.emulated,
        }


def fill(sandbox: Sandbox, say: OnStage) -> Result:
    """Fill the budget on both sides, one after the other; stop honestly at whatever ends it.

    Raises RunImpossible, SandboxEngineError.
    """
    sides = contenders.both(sandbox)
    return asyncio.run(_fill(sides, say))


async def _fill(contending: tuple[Contender, ...], say: OnStage) -> Result:
    budget: int = settings.SANDBOX_FIT_MIB * MIB
    sides = [_Side(contender, budget) for contender in contending]
    for side in sides:
        await side.contender.ask("stop", PREFIX)
    try:
        for side in sides:
            await _fill_side(side, say)
    finally:
        for side in sides:
            await side.contender.ask("stop", PREFIX)
    values = []
    for side in sides:
        if not side.count:
            raise SandboxEngineError(
                sentences.NONE_FITTED % {"why": side.stopped}, sentences.RESET_THEN
            )
        take = taker(side.contender.side, emulated=side.contender.emulated)
        values += [
            take("count", side.count, COUNT, sentences.HOW_COUNT % {"why": side.stopped}),
            take("each_bytes", round(side.each_bytes or 0), BYTES, sentences.HOW_EACH),
        ]
    reports = {side.contender.side: side.report() for side in sides}
    return values, {"budget_bytes": budget, "sides": reports}


async def _fill_side(side: _Side, say: OnStage) -> None:
    name = side.contender.side
    side.began_at = time.monotonic()
    side.base_bytes = (await figures.stats(side.contender.machine.container_id)).memory_bytes
    say(side=name, count=0, used_bytes=0, budget_bytes=side.budget_bytes)
    step = DOZEN if name == "container" else 1
    while not side.stopped:
        await _start_some(side, min(step, MOST[name] - side.count), say)
        await _take_stock(side)
        point = {"count": side.count, "used_bytes": side.grown_bytes}
        side.points.append(point)
        say(side=name, budget_bytes=side.budget_bytes, stopped=side.stopped, **point)


async def _start_some(side: _Side, wanted: int, say: OnStage) -> None:
    """Start up to `wanted`, looking before each whether it will fit."""
    for _ in range(wanted):
        if side.count and not await _fits(side):
            return
        came: Started = await side.contender.start(f"{PREFIX}-{side.count + 1}", _silent, bare=True)
        if not came.facts:
            side.stopped = came.message
            return
        side.count += 1
        say(
            side=side.contender.side,
            count=side.count,
            used_bytes=side.grown_bytes,
            budget_bytes=side.budget_bytes,
        )


async def _fits(side: _Side) -> bool:
    """Whether one more of the usual size fits; notes what is in the way when it does not."""
    stats = await figures.stats(side.contender.machine.container_id)
    grown = max(0, stats.memory_bytes - side.base_bytes)
    side.largest_bytes = max(side.largest_bytes, grown - side.grown_bytes)
    side.grown_bytes = grown
    each = grown / side.count
    mib = round(side.budget_bytes / MIB)
    if grown + each > side.budget_bytes:
        side.stopped = sentences.OVER_BUDGET % {"mib": mib}
    elif stats.memory_bytes + each > FULL * stats.memory_limit_bytes:
        limit = round(stats.memory_limit_bytes / MIB)
        side.stopped = sentences.OVER_MEMORY % {"mib": limit}
    elif stats.threads_limit and stats.threads * (1 + 1 / side.count) > FULL * stats.threads_limit:
        side.stopped = sentences.OVER_PROCESSES % {"count": stats.threads_limit}
    elif time.monotonic() - side.began_at > LONGEST_SECONDS:
        side.stopped = sentences.OVER_TIME % {"seconds": LONGEST_SECONDS}
    return not side.stopped


async def _take_stock(side: _Side) -> None:
    stats = await figures.stats(side.contender.machine.container_id)
    side.grown_bytes = max(0, stats.memory_bytes - side.base_bytes)
    if not side.stopped and side.count >= MOST[side.contender.side]:
        side.stopped = sentences.OVER_MOST % {"count": side.count}


def _silent(**_: Any) -> None:
    """Stages of one start among many are not shown."""
