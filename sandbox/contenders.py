"""The two sides that runs compare: containers in a `docker` machine, guests in a `vm` machine.

Both are started from inside the learner's own machines, from the same userland, and report
in the same words, so that whoever compares them need not know how either is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from sandbox import following, guest_look, sentences
from sandbox.errors import RunImpossible
from sandbox.models import Machine, Sandbox
from sandbox.values import BYTES, COUNT, SECONDS, TEXT, Value, taker

# The same tree as the small guest's, as an image in every learner's engine. A seed without it
# has a busybox of its own; the report names what was started.
GUEST_IMAGE = "guest:small,busybox:latest"
# An emulated guest on a busy host takes its time.
START_SECONDS = 150
MIB = 1024 * 1024
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
    # Whether what is started has an emulated processor, so that its times carry that label.
    emulated = False

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    @abstractmethod
    async def run(self, command: str, *arguments: str, on_line: following.OnLine) -> int:
        """Run one of start NAME, list PREFIX, stop PREFIX, end NAME (the hard way)."""

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
            "stages": [{"name": name, "seconds": at} for name, at in _stages(started)],
            "memory_bytes": facts.get("memory_bytes"),
            "disk_bytes": facts.get("disk_bytes"),
            "processes": facts.get("processes"),
            "processes_outside": facts.get("processes_outside", 1),
            "kernel_threads": facts.get("kernel_threads", 0),
            "kernel": facts.get("kernel"),
            "boot": facts.get("boot"),
            "emulated": self.emulated,
            "machine": self.machine.name,
            "image": facts.get("image"),
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
    how: ClassVar[dict[str, str]] = sentences.OF_CONTAINER

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
    """Small guests beside the main one, each with a QEMU of its own.

    The machine numbers them; `_names` knows which of ours is which.
    """

    side = "vm"
    bare = ("bare",)
    how: ClassVar[dict[str, str]] = sentences.OF_GUEST

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self._names: dict[str, str] = {}
        self.emulated = getattr(machine, "accelerator", "") != "kvm"

    async def run(self, command: str, *arguments: str, on_line: following.OnLine) -> int:
        """What `Contender.run` does; `end` panics a guest's kernel."""
        if command == "start":
            return await self._start(arguments[0], on_line, bare="bare" in arguments[1:])
        if command == "list":
            return await self._list(on_line)
        if command == "end":
            return await self._panic(arguments[0], on_line)
        # Of the further guests all are ours, also those that an earlier worker left.
        self._names.clear()
        return await self._guests("stop", on_line=on_line)

    async def _guests(self, *arguments: str, on_line: following.OnLine) -> int:
        command = [following.GUESTS, *arguments]
        return await following.follow(self.machine, command, on_line, timeout_seconds=START_SECONDS)

    async def _start(self, name: str, on_line: following.OnLine, *, bare: bool) -> int:
        last: dict[str, Any] = {}

        def hear(said: dict[str, Any]) -> None:
            if "stage" in said:
                on_line(said)
            else:
                last.update(said)

        code = await self._guests("start", "1", "--boot", on_line=hear)
        if "guest" not in last:
            on_line({"failed": last.get("stopped", "failed"), "message": _why_not(last)})
            return code
        self._names[name] = str(last["guest"])
        on_line({"stage": "prompt", "seconds": last["seconds"]})
        facts = {} if bare else await guest_look.look(self.machine, self._names[name])
        on_line({"ready": True, "memory_bytes": last["memory_bytes"], "disk_bytes": 0, **facts})
        return code

    async def _list(self, on_line: following.OnLine) -> int:
        """Who is there by what the machine knows, with the boot id of those who answer in time.

        A guest whose kernel panicked takes its QEMU along, so it is no longer listed; one that
        is only slow still is.
        """
        said: dict[str, Any] = {}
        code = await self._guests("list", on_line=said.update)
        there = {guest["guest"] for guest in said.get("guests", [])}
        if said.get("main", {}).get("state") == "running":
            there.add("main")
        for name, guest in {"main": "main", **self._names}.items():
            boot = await guest_look.boot_id(self.machine, guest) if guest in there else None
            state = "running" if guest in there else "dead"
            on_line({"name": name, "state": state, "boot": boot})
        return code

    async def _panic(self, name: str, on_line: following.OnLine) -> int:
        await guest_look.panic(self.machine, self._names[name])
        on_line({"ended": True, "name": name})
        return 0


def _stages(started: Started) -> list[tuple[str, float]]:
    """The stages; of a guest, with the part that its kernel took by its own clock."""
    kernel = started.facts.get("kernel_seconds")
    heard = [name for name, _ in started.stages]
    booted = [("init", kernel)] if kernel and "init" not in heard else []
    return [*booted, *started.stages]


def _why_not(said: dict[str, Any]) -> str:
    """In words, why the machine started no further guest."""
    if said.get("stopped") == "memory":
        needed, free = (round(said[key] / MIB) for key in ("needed_bytes", "free_bytes"))
        return sentences.NO_ROOM % {"needed": needed, "free": free}
    return str(said.get("why") or sentences.NO_PROMPT)


def both(sandbox: Sandbox) -> tuple[Containers, Guests]:
    """The two sides of a sandbox. Raises RunImpossible when it has not both kinds."""
    by_kind: dict[str, Machine] = {}
    for machine in sandbox.machines.filter(ready=True):
        by_kind.setdefault(machine.kind, machine)
    if not {"docker", "vm"} <= by_kind.keys():
        raise RunImpossible
    return Containers(by_kind["docker"]), Guests(by_kind["vm"])
