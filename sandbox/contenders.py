"""The two sides that runs compare: containers in a `docker` machine, guests in a `vm` machine.

Both are started from inside the learner's own machines, from the same userland, and report
in the same words, so that whoever compares them need not know how either is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from sandbox import following
from sandbox.errors import RunImpossible
from sandbox.models import Machine, Sandbox
from sandbox.values import BYTES, COUNT, SECONDS, TEXT, Value, taker

# The same tree as the small guest's, as an image in every learner's engine.
GUEST_IMAGE = "slipway/guest:small"
START_SECONDS = 60
OnStage = Callable[..., None]


@dataclass(frozen=True)
class Started:
    """How one start went. `facts` is empty when it failed; `reason` and `message` then say why."""

    stages: tuple[tuple[str, float], ...]
    facts: dict[str, Any]
    reason: str = ""
    message: str = ""

    @property
    def seconds(self) -> float | None:
        """From the command to the first prompt."""
        return dict(self.stages).get("prompt")


class Contender(ABC):
    """One side. `machine` is the learner's machine that it runs in."""

    side: ClassVar[str]
    how: ClassVar[dict[str, str]]
    # What `start` takes behind the name when no figures are wanted.
    bare: ClassVar[tuple[str, ...]] = ()

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    @abstractmethod
    async def run(self, command: str, *arguments: str, on_line: following.OnLine) -> int:
        """Run one of start, list, stop, and the side's way to end one."""

    async def start(self, name: str, on_stage: OnStage, *, bare: bool = False) -> Started:
        """Start one and wait for its prompt; `bare`: its figures are not wanted."""
        stages: list[tuple[str, float]] = []
        last: dict[str, Any] = {}

        def hear(said: dict[str, Any]) -> None:
            if "stage" in said:
                stages.append((said["stage"], said["seconds"]))
                on_stage(side=self.side, stage=said["stage"], seconds=said["seconds"])
            else:
                last.update(said)

        await self.run("start", name, *(self.bare if bare else ()), on_line=hear)
        if last.get("ready"):
            return Started(tuple(stages), last)
        message = last.get("message") or "It gave no prompt in time."
        return Started(tuple(stages), {}, last.get("failed", "time"), message)

    async def ask(self, command: str, *arguments: str) -> list[dict[str, Any]]:
        """All that a command prints."""
        said: list[dict[str, Any]] = []
        await self.run(command, *arguments, on_line=said.append)
        return said

    def report(self, started: Started) -> dict[str, Any]:
        """What one start came to, JSON-ready."""
        facts = started.facts
        return {
            "seconds": started.seconds,
            "stages": [{"name": name, "seconds": at} for name, at in started.stages],
            "memory_bytes": facts.get("memory_bytes"),
            "disk_bytes": facts.get("disk_bytes"),
            "processes": facts.get("processes"),
            "processes_outside": facts.get("processes_outside", 1),
            "kernel": facts.get("kernel"),
            "boot": facts.get("boot"),
            "emulated": facts.get("accelerator") == "tcg",
            "machine": self.machine.name,
        }

    def values(self, started: Started) -> list[Value]:
        """The same as measured values, each with its method."""
        report = self.report(started)
        take = taker(self.side, emulated=report["emulated"])
        units = {
            "seconds": SECONDS,
            "memory_bytes": BYTES,
            "disk_bytes": BYTES,
            "processes": COUNT,
            "processes_outside": COUNT,
            "kernel": TEXT,
            "boot": TEXT,
        }
        return [take(name, report[name], unit, self.how[name]) for name, unit in units.items()]


class Containers(Contender):
    """Containers of the learner's own engine."""

    side = "container"
    bare = ("bare",)
    how: ClassVar[dict[str, str]] = {
        "seconds": "from the call that creates the container to the first byte of its shell",
        "memory_bytes": "Pss summed over its processes (/proc/PID/smaps_rollup)",
        "disk_bytes": "its own writable layer; the image is shared and not counted",
        "processes": "counted in the container's /proc",
        "processes_outside": "counted by the learner's engine (its “top”)",
        "kernel": "uname -r in the container",
        "boot": "boot_id in the container's /proc",
    }

    async def run(self, command: str, *arguments: str, on_line: following.OnLine) -> int:
        if command == "start":
            name, *rest = arguments
            arguments = (name, GUEST_IMAGE, *rest)
        return await following.follow_python(
            self.machine,
            "containers",
            command,
            *arguments,
            on_line=on_line,
            timeout_seconds=START_SECONDS,
        )


class Guests(Contender):
    """Small guests beside the main one, each with a QEMU of its own."""

    side = "vm"
    how: ClassVar[dict[str, str]] = {
        "seconds": "from the start of QEMU to the first prompt on the serial console",
        "memory_bytes": "Pss of the QEMU process (/proc/PID/smaps_rollup)",
        "disk_bytes": "bytes that this guest has of its own; what all guests share is not counted",
        "processes": "counted in the guest's /proc",
        "processes_outside": "the QEMU process: a guest's own processes can't be seen from outside",
        "kernel": "uname -r in the guest",
        "boot": "boot_id in the guest's /proc",
    }

    async def run(self, command: str, *arguments: str, on_line: following.OnLine) -> int:
        return await following.follow(
            self.machine,
            [following.GUESTS, command, *arguments],
            on_line,
            timeout_seconds=START_SECONDS,
        )


def both(sandbox: Sandbox) -> tuple[Containers, Guests]:
    """The two sides of a sandbox. Raises RunImpossible when it has not both kinds."""
    by_kind: dict[str, Machine] = {}
    for machine in sandbox.machines.filter(ready=True):
        by_kind.setdefault(machine.kind, machine)
    if not {"docker", "vm"} <= by_kind.keys():
        raise RunImpossible
    return Containers(by_kind["docker"]), Guests(by_kind["vm"])
