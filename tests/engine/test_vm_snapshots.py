"""Guests that start from this host's snapshots: fast, with the right time and numbers of their own."""

import time

import pytest

from sandbox import accelerator, engine, guest_snapshots
from sandbox.specs import MachineSpec
from tests.engine.probes import as_learner, as_root
from tests.engine.screen import Screen
from tests.engine.vm_machine import around, made, state_of

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=90)]
RANDOM = "head -c 16 /dev/urandom | od -An -tx1; cat /proc/sys/kernel/random/uuid"


@pytest.fixture(scope="module", autouse=True)
def snapshots() -> None:
    """Made once for each machine image on this engine, as a worker does; they stay."""
    if not guest_snapshots.are_made(accelerator.NONE):
        guest_snapshots.make(accelerator.NONE)
    return


def test_two_small_guests_share_nothing_but_the_files() -> None:
    with made() as (one, said, stages), made() as (two, other, _):
        assert (said.guest["guest_how"], other.guest["guest_how"]) == ("restored", "restored")
        assert "restoring guest" in stages
        assert said.boot_id != other.boot_id, "drawn after the snapshot"
        assert as_root(one, RANDOM).text != as_root(two, RANDOM).text
        for machine in (one, two):
            before = time.time()
            name, now = as_root(machine, "hostname; date +%s").text.split()
            assert name == "house"
            assert before - 5 < int(now) < time.time() + 5
        as_root(one, "echo mine >/home/learner/mine")
        assert as_root(two, "ls /home/learner").text == ""


def test_no_machine_can_change_a_snapshot() -> None:
    with made() as (machine, _, _):
        done = around(
            machine, "/bin/sh", "-c", "echo x >/snapshots/small-tcg/state; touch /snapshots/x"
        )
        assert done.code != 0
        assert done.text.count("Read-only file system") == 2
        found = engine.inspect_container(machine.container_id)
        assert found is not None
        (mount,) = found["Mounts"]
        assert (mount["Name"], mount["RW"]) == (guest_snapshots.volume(), False)


def test_a_full_guest_is_a_debian_with_systemd_and_a_disk_of_its_own() -> None:
    with made(guest="full") as (machine, facts, _):
        assert facts.guest["guest_how"] == "restored"
        assert facts.notice.startswith("Restored from a snapshot")
        said = as_learner(
            machine, "id -un; cat /proc/1/comm; . /etc/os-release; echo $VERSION_ID"
        ).text
        assert said.split() == ["learner", "systemd", "13"]
        before = time.time()
        state, source, now = as_root(
            machine, "systemctl is-system-running; findmnt -no SOURCE /; date +%s"
        ).text.split()
        assert (state, source) == ("running", "/dev/vda")
        assert before - 10 < int(now) < time.time() + 10
        # More than the machine has room for: the guest's disk fails, and nothing else does.
        as_root(machine, "dd if=/dev/zero of=/big bs=1M count=400 2>&1; sync", 60)
        assert around(machine, "/bin/echo", "alive").text == "alive\n"
        assert state_of(machine)["state"] == "running"


async def test_a_lesson_may_ask_for_the_login_prompt() -> None:
    import asyncio

    from sandbox.terminals import Terminals

    wish = made(login="prompt")
    machine, facts, _ = await asyncio.to_thread(wish.__enter__)
    try:
        assert facts.guest["guest"] == "small"
        screen = await Screen(await Terminals().get(machine)).join()
        await screen.type("")
        await screen.until(rb"login: ", 60)
        await screen.type("learner")
        await screen.until(rb"[Pp]assword: ", 60)
        await screen.type("learner")
        await screen.until(rb"\x1b\]133;B\x07", 60)
        screen.leave()
        screen.terminal.close()
    finally:
        await asyncio.to_thread(wish.__exit__, None, None, None)


def test_plain_machines_only_come_from_the_pool() -> None:
    assert MachineSpec(name="house", kind="vm").is_plain
