"""What is measured moves when the machine does, and agrees with who else can tell."""

import asyncio
import platform
from pathlib import Path
from unittest.mock import patch

import pytest

from sandbox import machines, measure
from sandbox.contenders import Containers
from sandbox.models import Machine
from sandbox.values import Value

pytestmark = pytest.mark.engine
MIB = 1024 * 1024
# A stand-in that every seed has; the guests' tree is compared in the race's own test.
IMAGE = "alpine"


def values_of(machine: Machine) -> dict[str, Value]:
    return {value.name: value for value in asyncio.run(measure.measure_machine(machine))}


def on(machine: Machine, script: str) -> str:
    result = machines.run_in(machine, script.encode(), user="learner")
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("machine_name", ["shared_shell", "shared_docker"])
def test_a_container_reads_the_kernel_of_its_host(
    machine_name: str, request: pytest.FixtureRequest
) -> None:
    found = values_of(request.getfixturevalue(machine_name))
    assert found["kernel"].value == platform.release()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert found["boot"].value == boot
    assert all(value.how and value.taken_at and not value.emulated for value in found.values())


def test_memory_and_processes_follow_what_the_machine_does(shared_shell: Machine) -> None:
    before = values_of(shared_shell)
    on(shared_shell, "head -c 33554432 /dev/urandom > /tmp/ballast; sleep 60 >/dev/null 2>&1 &")
    try:
        after = values_of(shared_shell)
    finally:
        on(shared_shell, "rm /tmp/ballast; pkill -x sleep")
    grown = after["memory_cgroup"].value - before["memory_cgroup"].value
    assert grown > 30 * MIB
    assert after["processes_inside"].value == before["processes_inside"].value + 1
    assert after["processes_outside"].value == before["processes_outside"].value + 1
    # tmpfs is memory that no process has mapped: the two ways to count differ, as they say.
    assert abs(after["memory_pss"].value - before["memory_pss"].value) < 8 * MIB
    assert values_of(shared_shell)["memory_cgroup"].value < after["memory_cgroup"].value - 30 * MIB


def test_an_idle_machine_uses_little_and_a_busy_one_much(shared_shell: Machine) -> None:
    idle = values_of(shared_shell)["cpu_idle"].value
    on(shared_shell, "timeout 20 sh -c 'while :; do :; done' >/dev/null 2>&1 &")
    try:
        busy = values_of(shared_shell)["cpu_idle"].value
    finally:
        on(shared_shell, "pkill -f 'while :'")
    # Other tests share the processors, so the shares are not fixed.
    assert busy > idle + 5


def test_disk_follows_what_is_written(shared_docker: Machine) -> None:
    before = values_of(shared_docker)["disk_own"].value
    on(shared_docker, "head -c 20971520 /dev/urandom > ~/.local/share/docker/ballast")
    try:
        after = values_of(shared_docker)["disk_own"].value
    finally:
        on(shared_docker, "rm ~/.local/share/docker/ballast")
    assert 20 * MIB <= after - before < 24 * MIB


def test_a_contender_starts_is_listed_killed_and_removed(shared_docker: Machine) -> None:
    side = Containers(shared_docker)
    stages: list[str] = []
    with patch("sandbox.contenders.GUEST_IMAGE", IMAGE):
        came = asyncio.run(side.start("race", lambda **said: stages.append(said["stage"])))
    assert stages == ["create", "start", "prompt"]
    assert came.seconds > 0
    assert came.facts["kernel"] == platform.release()
    assert came.facts["processes"] == came.facts["processes_outside"] == 1
    assert 0 < came.facts["memory_bytes"] < 20 * MIB
    assert came.facts["disk_bytes"] < MIB
    (row,) = asyncio.run(side.ask("list", "race"))
    assert (row["name"], row["state"]) == ("race", "running")
    assert asyncio.run(side.ask("end", "race"))[0]["exit"] == 137
    assert asyncio.run(side.ask("list", "race"))[0]["state"] == "exited"
    asyncio.run(side.ask("stop", "race"))
    assert asyncio.run(side.ask("list", "race")) == []


def test_a_container_that_allocates_is_seen_to(shared_docker: Machine) -> None:
    """The memory of a container is its own: 24 MiB more inside are 24 MiB more measured."""
    side = Containers(shared_docker)
    with patch("sandbox.contenders.GUEST_IMAGE", IMAGE):
        small = asyncio.run(side.start("race", lambda **_: None))
    before = values_of(shared_docker)["memory_cgroup"].value
    on(shared_docker, "docker exec race sh -c 'head -c 25165824 /dev/zero > /dev/shm/ballast'")
    after = values_of(shared_docker)["memory_cgroup"].value
    asyncio.run(side.ask("stop", "race"))
    assert small.facts["memory_bytes"] < 20 * MIB
    assert after - before > 20 * MIB


def test_an_image_that_is_not_there_is_said(shared_docker: Machine) -> None:
    with patch("sandbox.contenders.GUEST_IMAGE", "no-such-image"):
        came = asyncio.run(Containers(shared_docker).start("race", lambda **_: None))
    assert came.facts == {}
    assert "no-such-image" in came.message
