"""The race, the density lab and the survival run, against machines that answer from a script."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from sandbox import density, figures, following, race, survival
from sandbox.contenders import Containers, Guests
from sandbox.errors import SandboxEngineError
from sandbox.figures import Stats
from sandbox.models import Machine

MIB = 1024 * 1024
BOX = Machine(name="box", kind="docker", container_id="b" * 64)
HOUSE = Machine(name="house", kind="vm", container_id="c" * 64)
Answers = Callable[..., list[dict[str, Any]]]


class Script:
    """Machines whose programs print what `answers` says for (kind, command, arguments)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.running: dict[str, list[str]] = {"docker": [], "vm": ["main"]}
        self.each_bytes = {"docker": 7 * MIB, "vm": 90 * MIB}
        self.fails: dict[str, dict[str, Any]] = {}
        monkeypatch.setattr(following, "follow_python", self._python)
        monkeypatch.setattr(following, "follow", self._guests)
        monkeypatch.setattr(figures, "stats", self._stats)

    async def _python(self, machine: Machine, _program: str, *said: str, **more: Any) -> int:
        return self._answer(machine, said, more["on_line"])

    async def _guests(self, machine: Machine, said: list[str], on_line: Any, **_: Any) -> int:
        return self._answer(machine, tuple(said[1:]), on_line)

    def _answer(self, machine: Machine, said: tuple[str, ...], on_line: Any) -> int:
        self.asked.append((machine.kind, *said))
        for line in getattr(self, {"list": "listing"}.get(said[0], said[0]))(
            machine.kind, *said[1:]
        ):
            on_line(line)
        return 0

    def start(self, kind: str, name: str, *_: str) -> list[dict[str, Any]]:
        if kind in self.fails:
            return [self.fails[kind]]
        self.running[kind].append(name)
        seconds = 0.3 if kind == "docker" else 1.9
        facts = {"kernel": "6.1", "boot": f"boot-{name}", "processes": 1, "memory_bytes": 5}
        return [
            {"stage": "prompt", "seconds": seconds},
            {"ready": True, **facts} | ({"accelerator": "tcg"} if kind == "vm" else {}),
        ]

    def stop(self, kind: str, prefix: str) -> list[dict[str, Any]]:
        self.running[kind] = [n for n in self.running[kind] if not n.startswith(prefix)]
        return []

    def listing(self, kind: str, *_: str) -> list[dict[str, Any]]:
        boots = {"docker": "host-boot"}
        return [
            {"name": n, "state": "running", "boot": boots.get(kind, f"boot-{n}")}
            for n in self.running[kind]
        ]

    def panic(self, kind: str, name: str) -> list[dict[str, Any]]:
        self.running[kind].remove(name)
        return [{"panicked": True, "says": "Kernel panic - not syncing: sysrq"}]

    def kill(self, kind: str, name: str) -> list[dict[str, Any]]:
        self.running[kind].remove(name)
        return [{"killed": True, "exit": 137}]

    async def _stats(self, container_id: str) -> Stats:
        kind = "docker" if container_id == BOX.container_id else "vm"
        count = len([n for n in self.running[kind] if n != "main"])
        used = 50 * MIB + count * self.each_bytes[kind]
        return Stats(used, 1024 * MIB, 0, 20 + count, 512)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    return Script(monkeypatch)


@pytest.fixture
def heard() -> list[dict[str, Any]]:
    return []


def sides() -> tuple[Containers, Guests]:
    return Containers(BOX), Guests(HOUSE)


def test_a_race_reports_both_sides_with_method_and_label(script: Script, heard: Any) -> None:
    values, outcome = asyncio.run(race._race(sides(), lambda **part: heard.append(part)))
    assert outcome["sides"]["container"]["seconds"] == 0.3
    assert outcome["sides"]["vm"]["seconds"] == 1.9
    assert {(v.subject, v.emulated) for v in values} == {("container", False), ("vm", True)}
    assert all(v.how and v.taken_at for v in values)
    assert {"side": "vm", "stage": "prompt", "seconds": 1.9} in heard
    assert script.running == {"docker": [], "vm": ["main"]}, "nothing is left running"


def test_a_race_that_one_side_never_ends_has_no_result(script: Script) -> None:
    script.fails["vm"] = {"failed": "memory", "message": "no room for it"}
    with pytest.raises(SandboxEngineError, match="no room for it"):
        asyncio.run(race._race(sides(), lambda **_: None))
    assert script.running["docker"] == []


def fill(script: Script, heard: list[dict[str, Any]]) -> dict[str, Any]:
    _, outcome = asyncio.run(density._fill(sides(), lambda **part: heard.append(part)))
    return outcome["sides"]


def test_density_follows_what_each_one_takes(script: Script, settings: Any, heard: Any) -> None:
    settings.SANDBOX_FIT_MIB = 256
    first = fill(script, heard)
    assert (first["container"]["count"], first["vm"]["count"]) == (36, 2)
    assert "256 MiB" in first["vm"]["stopped"]
    assert first["vm"]["emulated"]
    # A bigger guest, containers that allocate: the drawing's numbers move.
    script.each_bytes = {"docker": 20 * MIB, "vm": 200 * MIB}
    second = fill(script, heard)
    assert (second["container"]["count"], second["vm"]["count"]) == (12, 1)
    assert second["container"]["each_bytes"] == 20 * MIB
    counts = [part["count"] for part in heard if part["side"] == "container"]
    assert counts == [0, 12, 24, 36, 36, 0, 12, 12]


def test_density_stops_where_the_machine_refuses(script: Script, settings: Any) -> None:
    settings.SANDBOX_FIT_MIB = 100_000
    assert "memory limit of 1024 MiB" in fill(script, [])["vm"]["stopped"]
    script.each_bytes["docker"] = 1
    assert fill(script, [])["container"]["stopped"] == "this lab stops at 60"


def test_a_panic_takes_one_guest_and_a_kill_one_container(script: Script, heard: Any) -> None:
    _, outcome = asyncio.run(survival._survive(*sides(), lambda **part: heard.append(part)))
    before, panic, kill = (each["alive"] for each in outcome["rounds"])
    dead = [{n for n, boot in each.items() if boot is None} for each in (before, panic, kill)]
    assert dead == [set(), {"guest-victim"}, {"guest-victim", "container-victim"}]
    assert before["host"] == kill["host"] == "host-boot"
    assert outcome["panic_says"].startswith("Kernel panic")
    assert ("vm", "panic", survival.VICTIM) in script.asked
    assert ("vm", "panic", "main") not in script.asked
    assert script.running == {"docker": [], "vm": ["main"]}
