"""What a guest may use up and find out: it is full one day, and nobody beside it notices."""

import asyncio
from collections.abc import Iterator

import pytest
from django.conf import settings

from sandbox import engine
from sandbox.models import Machine
from sandbox.specs import limits_of
from tests.engine.conftest import bare_machine
from tests.engine.probes import as_root, serving, unprotected, unprotected_once
from tests.engine.screen import open_screen, typed
from tests.engine.test_attacks_limits import ECHO_SECONDS, echo_seconds, processes
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
REACH = """for a in 169.254.169.254 10.0.2.2 10.0.0.1 172.17.0.1 192.168.0.1 198.51.100.1; do
  for p in 22 80 2375 6379; do wget -q -T 2 -O /dev/null http://$a:$p/ 2>&1 | tail -n 1; done
done; nslookup example.org 2>&1 | tail -n 1; ip -6 addr show scope link"""


def test_root_of_a_guest_reaches_no_address_and_no_name(house: Machine) -> None:
    said = as_root(house, REACH, 120).text.splitlines()
    assert len(said) >= 24
    assert all("unreachable" in line.lower() for line in said[:24]), said
    assert not [line for line in said if "fe80" in line or "Address" in line and "127" not in line]


def test_a_fork_bomb_in_a_guest_is_one_process_outside_and_no_neighbour_notices(
    victim: Machine, shared_shell: Machine
) -> None:
    async def bomb() -> tuple[int, float]:
        near, bombed = await open_screen(shared_shell), await open_screen(victim)
        before = await asyncio.to_thread(processes, victim)
        await bombed.type("bomb() { bomb | bomb & }; bomb")
        await asyncio.sleep(3)
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
