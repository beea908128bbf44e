"""What a guest may use up and find out: it is full one day, and nobody beside it notices."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from sandbox import engine, hostconfig
from sandbox.models import Machine
from sandbox.specs import KindLimits, limits_of
from tests.engine.conftest import bare_machine
from tests.engine.probes import as_root, control_groups, serving, unprotected, unprotected_once
from tests.engine.screen import open_screen, typed
from tests.engine.test_attacks_limits import (
    ECHO_SECONDS,
    HOG,
    LOG_SLACK_BYTES,
    echo_seconds,
    processes,
)
from tests.engine.test_attacks_privileges import CONNECT, LOOK
from tests.engine.vm_machine import around

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def house() -> Iterator[Machine]:
    """One machine for all tests that only look."""
    yield from bare_machine("vm")


@pytest.fixture
def victim() -> Iterator[Machine]:
    """A machine of its own for what can't be tidied up."""
    yield from bare_machine("vm")


def test_no_secret_of_the_platform_is_in_a_guest_or_around_it(house: Machine) -> None:
    secrets = [settings.SECRET_KEY, settings.REDIS_URL, str(settings.SLIPWAY_DATA)]
    carried = f"export KEY='{settings.SECRET_KEY}'; (sleep 1; :) & {LOOK}"
    assert settings.SECRET_KEY in unprotected(carried).text
    inside = as_root(house, LOOK, 60).text
    outside = around(house, "/bin/bash", "-c", LOOK, user="0:0").text
    assert "learner" in inside, "it did look"
    assert "SLIPWAY_DEADLINE_SECONDS" in outside, "it did look"
    for secret in secrets:
        assert secret not in inside + outside


def test_neither_has_the_engines_socket_or_ports(house: Machine) -> None:
    script = "test -S /var/run/docker.sock -o -S /run/docker.sock"
    bound = ["/var/run/docker.sock:/var/run/docker.sock"]
    assert unprotected(script, Binds=bound).code == 0
    assert unprotected(serving(2375) + CONNECT).code == 0
    assert as_root(house, script).code == 1
    assert around(house, "/bin/bash", "-c", script).code == 1
    assert around(house, "/bin/bash", "-c", CONNECT).code == 1


# What a guest reaches: nothing, since it has no card. By address, so that no name is needed.
ADDRESSES = ("169.254.169.254", "10.0.2.2", "10.0.0.1", "172.17.0.1", "192.168.0.1", "198.51.100.1")
PORTS = (22, 80, 2375, 6379)
REACH = f"""for a in {" ".join(ADDRESSES)}; do for p in {" ".join(map(str, PORTS))}; do
  said=$(timeout 2 bash -c "exec 3<>/dev/tcp/$a/$p" 2>&1) && said=open; echo "$said" | head -n 1
done; done"""
CARD = "ip -6 addr show scope link"


def test_root_of_a_guest_reaches_no_address(house: Machine) -> None:
    """Its names are looked up in test_attacks_servers.py."""
    given = "".join(f"ip addr add {address}/32 dev lo; " for address in ADDRESSES)
    given += "".join(serving(port) for port in PORTS)
    tried = len(ADDRESSES) * len(PORTS)
    assert unprotected(given + REACH).text.split() == ["open"] * tried
    said = as_root(house, REACH, 120).text.splitlines()
    assert len(said) == tried
    assert all("unreachable" in line.lower() for line in said), said


def test_a_guest_has_no_address_of_a_card(house: Machine) -> None:
    ipv6 = {"net.ipv6.conf.all.disable_ipv6": "0"}
    assert "fe80" in unprotected(f"sleep 2; {CARD}", NetworkMode="bridge", Sysctls=ipv6).text
    done = as_root(house, CARD)
    assert (done.code, done.text) == (0, "")


def test_a_fork_bomb_in_a_guest_is_one_process_outside_and_no_neighbour_notices(
    victim: Machine, shared_shell: Machine
) -> None:
    async def bomb() -> tuple[int, float]:
        near, bombed = await open_screen(shared_shell), await open_screen(victim)
        before = await asyncio.to_thread(processes, victim)
        await bombed.type("bomb() { bomb | bomb & }; bomb")
        # The guest has as many as it can.
        await bombed.until(rb"fork: (retry|Resource|Cannot allocate)", 90)
        seconds = await echo_seconds(near)
        count = await asyncio.to_thread(processes, victim)
        for screen in (near, bombed):
            screen.leave()
            screen.terminal.close()
        return count - before, seconds

    more, seconds = asyncio.run(bomb())
    assert more < 20, "QEMU's own threads"
    assert seconds < ECHO_SECONDS
    assert processes(victim) <= limits_of("vm").pids
    found = engine.inspect_container(victim.container_id)
    assert found is not None
    assert found["State"]["Running"]
    assert around(victim, "/bin/echo", "alive").text == "alive\n"


def memory_file(machine: Machine, *names: str) -> Path:
    """A file of the machine's control group for memory, by its names in v1 and v2."""
    found = engine.inspect_container(machine.container_id)
    assert found is not None
    paths = [d / name for d in control_groups(found["State"]["Pid"]) for name in names]
    return next(path for path in paths if path.exists())


# Twice the memory of a guest. Without the end of a line `tail` has to keep all that it reads.
HOARD_BYTES = 2 * 128 * 1024 * 1024
HOARD = f"head -c {HOARD_BYTES} /dev/zero | tail | wc -c; echo ended ${{PIPESTATUS[1]}}"
SESSION = "echo $PPID; cat /proc/sys/kernel/random/boot_id"


def test_twice_the_memory_of_a_guest_ends_the_program_by_the_guests_own_kernel(
    house: Machine,
) -> None:
    assert unprotected(HOARD).text.split() == [str(HOARD_BYTES), "ended", "0"]
    began = typed(house, SESSION).text
    assert "ended 137\n" in typed(house, HOARD, 120).text
    assert "(tail)" in as_root(house, "dmesg | grep 'Out of memory: Killed process'").text
    assert typed(house, SESSION).text == began, "the same shell of the same guest answers on"


def test_twice_the_memory_around_a_guest_ends_something_of_this_sandbox_and_no_other(
    victim: Machine, house: Machine, shared_shell: Machine
) -> None:
    hog = HOG.format(2 * limits_of("vm").memory_bytes)
    assert "had it" in unprotected(hog, image="vm").text
    neighbours = (house, shared_shell)
    began = [typed(machine, SESSION).text for machine in neighbours]
    counts = memory_file(victim, "memory.oom_control", "memory.events")
    done = around(victim, "/bin/bash", "-c", hog)
    assert done.code == 137, done.text
    assert "had it" not in done.text
    # Where all of the machine ended, its control group went with it.
    assert not counts.exists() or not re.search(r"^oom_kill 0$", counts.read_text(), re.M)
    assert [typed(machine, SESSION).text for machine in neighbours] == began


# A serial console is slow where guests are emulated, about 100 KB/s: the log is made to hold less than
# its own 1 MB a file, so that it is full in seconds. What it is given by itself: test_kinds.py.
SMALL_LOG_BYTES = 200_000
FLOOD_BYTES = 4 * SMALL_LOG_BYTES
MEMORY_SLACK_BYTES = 32 * 1024 * 1024


@pytest.fixture
def small_log(monkeypatch: pytest.MonkeyPatch) -> None:
    given = hostconfig._common_host_config

    def smaller(limits: KindLimits) -> dict[str, Any]:
        host = given(limits)
        host["LogConfig"]["Config"]["max-size"] = str(SMALL_LOG_BYTES)
        return host

    monkeypatch.setattr(hostconfig, "_common_host_config", smaller)


def memory_bytes(machine: Machine) -> int:
    """What the machine's control group counts now: QEMU with all that the guest touched, and the rest."""
    return int(memory_file(machine, "memory.usage_in_bytes", "memory.current").read_text())


def test_a_flood_of_a_guests_console_leaves_logs_within_their_cap_and_memory_as_it_was(
    small_log: None, victim: Machine
) -> None:
    folder = Path(engine.info()["DockerRootDir"]) / "containers" / victim.container_id
    if not folder.exists():
        pytest.skip("not run: the engine's files are not on this host, or not readable")
    flood = f"yes flooding-the-log | head -c {FLOOD_BYTES}"
    assert len(unprotected_once(flood).text) == FLOOD_BYTES, "an open container's log has it all"

    async def flooded() -> tuple[int, int]:
        screen = await open_screen(victim)
        before = memory_bytes(victim)
        await screen.type(f"{flood}; echo over-$((1 + 1))")
        await screen.until(b"over-2\r\n", 60)
        screen.leave()
        screen.terminal.close()
        return screen.terminal.ring.end, memory_bytes(victim) - before

    printed, grown = asyncio.run(flooded())
    assert printed > FLOOD_BYTES
    kept = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert kept < 2 * SMALL_LOG_BYTES + LOG_SLACK_BYTES
    assert grown < MEMORY_SLACK_BYTES
    assert typed(victim, "echo alive").text == "alive\n"


FILL = "f={place}/fill; dd if=/dev/zero of=$f bs=1M count=2000; code=$?; rm -f $f; exit $code"
MANY = """mkdir {place}/many && cd {place}/many && n=0
while [ $n -lt 200000 ]; do : > $n || break; n=$((n + 1)); done 2>/dev/null
code=0; : > last || code=28; cd /; rm -rf {place}/many; exit $code"""


def test_the_places_of_a_guest_are_full_one_day(victim: Machine) -> None:
    proof = FILL.format(place="/tmp").replace("count=2000", "count=300")
    assert unprotected_once(proof).code == 0
    for place in ("/tmp", "/dev/shm", "/home/learner"):
        done = typed(victim, FILL.format(place=place), 120)
        assert (done.code, "No space left on device" in done.text) == (1, True), (place, done.text)
        done = typed(victim, MANY.format(place=place), 240)
        assert done.code == 28, (place, done.text)
    assert typed(victim, "echo alive").text == "alive\n"
