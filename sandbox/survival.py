"""Who survives: a kernel that panics takes its guest along; a process that dies, its container.

There is no way to panic the host from here: guests panic inside QEMU, and a container's
first process is an ordinary process.
"""

import asyncio
from typing import Any

from sandbox import contenders, sentences
from sandbox.contenders import Containers, Contender, Guests, OnStage
from sandbox.errors import SandboxEngineError
from sandbox.models import Sandbox
from sandbox.runs import Result
from sandbox.values import TEXT, taker

PREFIX = "survive"
VICTIM, NEIGHBOUR = f"{PREFIX}-victim", f"{PREFIX}-neighbour"


def survive(sandbox: Sandbox, say: OnStage) -> Result:
    """Two containers, two guests; panic one guest's kernel, kill one container's process 1.

    After each blow everything is asked for its boot id again. Raises RunImpossible,
    SandboxEngineError.
    """
    containers, guests = contenders.both(sandbox)
    return asyncio.run(_survive(containers, guests, say))


async def _survive(containers: Containers, guests: Guests, say: OnStage) -> Result:
    sides: tuple[Contender, ...] = (containers, guests)
    await asyncio.gather(*(side.ask("stop", PREFIX) for side in sides))
    try:
        await asyncio.gather(*(_prepare(side) for side in sides))
        rounds = [await _roll_call(containers, guests, "before", say)]
        if missing := [name for name, boot in rounds[0]["alive"].items() if boot is None]:
            raise SandboxEngineError(
                sentences.NOT_ALL_THERE % {"names": ", ".join(missing)}, sentences.TRY_AGAIN
            )
        await guests.ask("end", VICTIM)
        rounds.append(await _roll_call(containers, guests, "panic", say))
        kill = (await containers.ask("end", VICTIM))[-1:]
        rounds.append(await _roll_call(containers, guests, "kill", say))
    finally:
        await asyncio.gather(*(side.ask("stop", PREFIX) for side in sides))
    values = [
        taker(name)(
            f"alive_{each['after']}", "alive" if answer else "dead", TEXT, sentences.HOW_ALIVE
        )
        for each in rounds
        for name, answer in each["alive"].items()
    ]
    return values, {"rounds": rounds, "kill_exit": _exit_of(kill)}


def _exit_of(kill: list[dict[str, Any]]) -> int | None:
    return kill[0].get("exit") if kill else None


async def _prepare(side: Contender) -> None:
    # The guests' neighbour is the main one, which runs already.
    names = (VICTIM,) if side.side == "vm" else (NEIGHBOUR, VICTIM)
    for name in names:
        came = await side.start(name, lambda **_: None, bare=True)
        if not came.facts:
            raise SandboxEngineError(f"{side.machine.name}: {came.message}", "Reset, try again.")


async def _roll_call(
    containers: Containers, guests: Guests, after: str, say: OnStage
) -> dict[str, Any]:
    """Who answers, by name: the boot id each one reads, or None for the dead."""
    boxes, houses = await asyncio.gather(containers.ask("list", PREFIX), guests.ask("list", PREFIX))
    inside = {row["name"]: row for row in boxes}
    guest = {row["name"]: row for row in houses}
    alive = {
        "guest-victim": _boot_of(guest.get(VICTIM)),
        "guest-neighbour": _boot_of(guest.get("main")),
        "container-victim": _boot_of(inside.get(VICTIM)),
        "container-neighbour": _boot_of(inside.get(NEIGHBOUR)),
        # Whoever answered `list` on the machine runs on the host's kernel.
        "host": _host_boot(boxes),
    }
    found = {"after": after, "alive": alive}
    say(**found)
    return found


def _boot_of(row: dict[str, Any] | None) -> str | None:
    if row is None or row.get("state") != "running":
        return None
    # Running, as the machine says, and too slow to say its boot id.
    return str(row.get("boot") or "there")


def _host_boot(boxes: list[dict[str, Any]]) -> str | None:
    return next((str(row["boot"]) for row in boxes if row.get("boot")), None)
