"""The race, the density lab and the survival run, against machines that answer from a script."""

import asyncio
from typing import Any

import pytest

from sandbox import density, figures, following, guest_look, race, survival
from sandbox.contenders import Containers, Guests
from sandbox.errors import SandboxEngineError
from sandbox.figures import Stats
from sandbox.models import Machine

MIB = 1024 * 1024
BOX = Machine(name="box", kind="docker", container_id="b" * 64)
HOUSE = Machine(name="house", kind="vm", container_id="c" * 64)


class Script:
    """Machines whose programs answer as real ones do; `running` is what goes on in them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.running: dict[str, list[str]] = {"docker": [], "vm": ["main"]}
        self.panicked: list[str] = []
        self.each_bytes = {"docker": 7 * MIB, "vm": 90 * MIB}
        self.refusal: dict[str, Any] | None = None
        self._number = 0
        monkeypatch.setattr(following, "follow_python", self._python)
        monkeypatch.setattr(following, "follow", self._guests)
        monkeypatch.setattr(figures, "stats", self._stats)
        monkeypatch.setattr(guest_look, "look", self._look)
        monkeypatch.setattr(guest_look, "boot_id", self._boot_id)
        monkeypatch.setattr(guest_look, "panic", self._panic)

    async def _python(self, _machine: Machine, _program: str, *said: str, **more: Any) -> int:
        command, name, *_ = said
        boxes, say = self.running["docker"], more["on_line"]
        if command == "start":
            boxes.append(name)
            say({"stage": "prompt", "seconds": 0.3})
            say({"ready": True, "kernel": "6.1", "boot": "host-boot", "processes": 1})
        elif command == "list":
            for each in boxes:
                say({"name": each, "state": "running", "boot": "host-boot"})
        elif command == "end":
            boxes.remove(name)
            say({"killed": True, "exit": 137})
        else:
            self.running["docker"] = [each for each in boxes if not each.startswith(name)]
        return 0

    async def _guests(self, _machine: Machine, said: list[str], on_line: Any, **_: Any) -> int:
        if said[1] == "list":
            guests = [{"guest": name} for name in self.running["vm"] if name != "main"]
            on_line({"guests": guests, "main": {"state": "running"}})
        elif said[1] == "stop":
            self.running["vm"] = ["main"]
        elif self.refusal:
            on_line(self.refusal)
        else:
            self._number += 1
            name = f"extra-{self._number}"
            self.running["vm"].append(name)
            on_line({"guest": name, "how": "booted", "seconds": 1.9, "memory_bytes": 5})
        return 0

    async def _look(self, _machine: Machine, guest: str) -> dict[str, Any]:
        return {"kernel": "6.12", "boot": f"boot-{guest}", "processes": 3, "kernel_seconds": 1.1}

    async def _boot_id(self, _machine: Machine, guest: str) -> str | None:
        return f"boot-{guest}" if guest in self.running["vm"] else None

    async def _panic(self, _machine: Machine, guest: str) -> None:
        self.panicked.append(guest)
        self.running["vm"].remove(guest)

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
    assert outcome["sides"]["vm"]["stages"][0] == {"name": "init", "seconds": 1.1}
    assert {(v.subject, v.emulated) for v in values} == {("container", False), ("vm", True)}
    assert all(v.how and v.taken_at for v in values)
    assert {"side": "vm", "stage": "prompt", "seconds": 1.9} in heard
    assert script.running == {"docker": [], "vm": ["main"]}, "nothing is left running"


def test_a_race_that_one_side_never_ends_has_no_result(script: Script) -> None:
    script.refusal = {"stopped": "memory", "needed_bytes": 150 * MIB, "free_bytes": 90 * MIB}
    with pytest.raises(SandboxEngineError, match="would take 150 MiB, and 90 MiB are left"):
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
    assert sorted(set(counts)) == list(range(37)), "each one is told"


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
    assert outcome["kill_exit"] == 137
    assert script.panicked == ["extra-1"], "never the learner's own guest"
    assert script.running == {"docker": [], "vm": ["main"]}


def test_a_guest_that_is_slow_to_answer_is_not_called_dead(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any) -> None:
        return None

    monkeypatch.setattr(guest_look, "boot_id", never)
    _, outcome = asyncio.run(survival._survive(*sides(), lambda **_: None))
    before, panic, _kill = (each["alive"] for each in outcome["rounds"])
    assert before["guest-victim"] == panic["guest-neighbour"] == "there"
    assert panic["guest-victim"] is None
