"""The race: the same userland as a container and as a virtual machine, started at once."""

import asyncio

from sandbox import contenders, sentences
from sandbox.contenders import Contender, OnStage, Started
from sandbox.errors import SandboxEngineError
from sandbox.models import Sandbox
from sandbox.runs import Result

NAME = "race"


def race(sandbox: Sandbox, say: OnStage) -> Result:
    """Start one of each, report the stages as they happen, then look and remove both.

    Raises RunImpossible, SandboxEngineError.
    """
    sides = contenders.both(sandbox)
    return asyncio.run(_race(sides, say))


async def _race(sides: tuple[Contender, ...], say: OnStage) -> Result:
    # What an earlier race left, when its worker was killed, must not cost this one time.
    await asyncio.gather(*(side.ask("stop", NAME) for side in sides))
    say(go=True)
    try:
        started = await asyncio.gather(*(side.start(NAME, say) for side in sides))
    finally:
        await asyncio.gather(*(side.ask("stop", NAME) for side in sides))
    for side, came in zip(sides, started, strict=True):
        _require(side, came)
    values = [
        value for side, came in zip(sides, started, strict=True) for value in side.values(came)
    ]
    reports = {side.side: side.report(came) for side, came in zip(sides, started, strict=True)}
    return values, {"sides": reports}


def _require(side: Contender, came: Started) -> None:
    if not came.facts:
        raise SandboxEngineError(
            sentences.NOT_STARTED
            % {"side": side.side, "machine": side.machine.name, "why": came.message},
            sentences.RACE_AGAIN,
        )
