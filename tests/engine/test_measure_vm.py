"""A `vm` machine measured, and further guests started, looked into and panicked by the platform."""

import asyncio
import platform

import pytest

from sandbox import measure
from sandbox.contenders import Guests
from sandbox.models import Machine

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
MIB = 1024 * 1024


def test_a_guest_is_measured_with_a_kernel_of_its_own(shared_vm: Machine) -> None:
    found = {v.name: v for v in asyncio.run(measure.measure_machine(shared_vm))}
    assert found["kernel"].value not in (None, platform.release())
    assert found["kernel_threads"].value > 10
    assert found["memory_pss"].value > 32 * MIB
    assert found["guest_pid_outside"].value > 1
    emulated = found["accelerator"].value == "tcg"
    assert all(value.emulated == emulated for value in found.values())
    assert all(value.how for value in found.values())


def test_a_further_guest_takes_memory_panics_and_leaves_the_first_alone(
    shared_vm: Machine,
) -> None:
    side = Guests(shared_vm)
    before = {v.name: v for v in asyncio.run(measure.measure_machine(shared_vm))}

    async def story() -> tuple[dict, dict, dict]:
        came = await side.start("race", lambda **_: None)
        assert came.facts, came.message
        grown = {v.name: v for v in await measure.measure_machine(shared_vm)}
        first = {row["name"]: row for row in await side.ask("list", "race")}
        await side.ask("end", "race")
        for _ in range(50):
            after = {row["name"]: row for row in await side.ask("list", "race")}
            if after["race"]["state"] == "dead":
                break
            await asyncio.sleep(0.5)
        await side.ask("stop", "race")
        return grown, first, after

    grown, first, after = asyncio.run(story())
    # The drawing follows what runs: a second guest is seen in the machine's memory.
    assert grown["memory_cgroup"].value - before["memory_cgroup"].value > 32 * MIB
    assert first["race"]["state"] == first["main"]["state"] == "running"
    assert after["race"]["state"] == "dead"
    assert after["main"]["state"] == "running"
    if first["race"]["boot"] and first["main"]["boot"]:
        assert first["race"]["boot"] != first["main"]["boot"]
