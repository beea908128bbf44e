"""Attacks on what is around a guest: from the guest as root, and from a QEMU that was taken over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import engine
from sandbox.models import Machine
from tests.engine.attacks import ATTACKS, NOT_FOUND, prove
from tests.engine.conftest import bare_machine
from tests.engine.probes import as_root, unprotected
from tests.engine.screen import typed
from tests.engine.test_attacks_privileges import assert_open
from tests.engine.vm_machine import around, state_of

pytestmark = pytest.mark.engine
# Whoever breaks out of the guest is this user, with these rights.
BROKEN_OUT = [name for name, attack in ATTACKS.items() if "shell" in attack.places]


@pytest.fixture(scope="module")
def house() -> Iterator[Machine]:
    """One machine for all tests of this module."""
    yield from bare_machine("vm")


@pytest.mark.parametrize("name", BROKEN_OUT)
@pytest.mark.parametrize("user", ["1000:1000", "0:0"])
def test_a_qemu_that_was_taken_over_is_still_in_a_shells_walls(
    house: Machine, name: str, user: str
) -> None:
    prove(name, "vm")
    outcome = around(house, "/bin/bash", "-c", ATTACKS[name].script, user=user)
    assert outcome.code not in (0, None, NOT_FOUND), outcome.text
    assert "not found" not in outcome.text


def test_qemu_has_two_filters_and_no_right_at_all(house: Machine) -> None:
    assert_open("vm")
    pid = state_of(house)["qemu_pid"]
    lines = around(house, "/bin/cat", f"/proc/{pid}/status").text.splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert status["Seccomp"] == "2"
    assert int(status["Seccomp_filters"]) >= 2, "the engine's and QEMU's own"
    assert status["NoNewPrivs"] == "1"
    assert {status[name] for name in ("CapEff", "CapPrm", "CapBnd")} == {"0" * 16}
    assert status["Uid"].split()[0] == "1000"


CARDS = "ls /sys/class/net"
CARDS_AND_DISKS = f"{CARDS}; ls /sys/block | grep -v ram; ip route; true"


def test_root_of_the_guest_finds_no_card_and_no_disk(house: Machine) -> None:
    found = unprotected(CARDS_AND_DISKS, NetworkMode="bridge").text.split()
    disks = {path.name for path in Path("/sys/block").iterdir() if "ram" not in path.name}
    assert disks, "this host has a disk"
    assert {"lo", "eth0", "default", *disks} <= {*found}
    assert as_root(house, CARDS_AND_DISKS).text.split() == ["lo"]


def test_the_machine_around_it_has_no_network_and_a_read_only_root(house: Machine) -> None:
    found = engine.inspect_container(house.container_id)
    assert found is not None
    assert found["HostConfig"]["NetworkMode"] == "none"
    assert "eth0" in unprotected(CARDS, image="vm", NetworkMode="bridge").text.split()
    assert around(house, "/bin/ls", "/sys/class/net").text.split() == ["lo"]
    assert unprotected("touch /usr/bin/x", image="vm").code == 0
    assert "Read-only" in around(house, "/usr/bin/touch", "/usr/bin/x", user="0:0").text


def test_noise_on_the_control_port_ends_nothing(house: Machine) -> None:
    script = """port=$(ls /dev/vport*); kill -STOP $(pidof agent | tr ' ' '\\n' | head -n 1)
    ( sleep 1; kill -9 $(pidof agent) ) & head -c 300000 /dev/urandom >$port 2>&1; true"""
    as_root(house, f"({script}) >/dev/null 2>&1 </dev/null & true")
    as_root(house, "sleep 3")
    done = as_root(house, "echo there")
    assert done.text == "there\n"
    assert typed(house, "echo typed").text == "typed\n"
