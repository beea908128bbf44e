"""How guests end, and how they come back; boots that hang; further guests until memory is full."""

from collections.abc import Iterator

import pytest

from sandbox import machines
from sandbox.hostconfig import GuestWish
from sandbox.models import Machine
from sandbox.specs import limits_of
from tests.engine.conftest import bare_machine
from tests.engine.probes import as_root
from tests.engine.screen import open_screen
from tests.engine.vm_machine import asked, await_state, made, state_of

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=60)]
# An init that says nothing, for ever: asleep, or using up the processor.
BUSY = 'rdinit=/usr/bin/sh -- -c "while :; do :; done"'


@pytest.fixture(scope="module")
def house() -> Iterator[Machine]:
    """One machine for all tests of this module; each leaves its guest running."""
    yield from bare_machine("vm")


async def test_a_panic_ends_the_guest_and_enter_boots_it_again(house: Machine) -> None:
    before = state_of_async(house)
    screen = await open_screen(house)
    screen.data = b""  # an earlier test's guest may have ended too, and the log has it
    await screen.type("su -c 'echo c >/proc/sysrq-trigger'")
    await screen.until(rb"Kernel panic - not syncing", 60)
    await screen.until(rb"\x1b\]777;slipway;guest-ended;panicked\x07", 60)
    await screen.until(rb"Press Enter to boot it again", 60)
    screen.data = b""
    await screen.type("")
    await screen.until(rb"Linux version", 60)
    await screen.until(rb"\x1b\]777;slipway;guest;", 120)
    await screen.until(rb"\x1b\]133;B\x07", 120)
    screen.leave()
    screen.terminal.close()
    after = state_of_async(house)
    assert (before["state"], after["state"]) == ("running", "running")
    assert after["boot"] != before["boot"]


def state_of_async(machine: Machine) -> dict[str, object]:
    import threading

    found: list[dict[str, object]] = []
    asking = threading.Thread(target=lambda: found.append(state_of(machine)))
    asking.start()
    asking.join()
    return found[0]


def test_the_machine_says_what_a_panic_left(house: Machine) -> None:
    assert asked(house, "guest", "panic") == [{"state": "panicked"}]
    done = machines.run_in(house, b"true")
    assert (done.exit_code, done.stderr) == (125, "the guest does not run (panicked)\n")
    asked(house, "guest", "boot")
    assert await_state(house, "running")["how"] == "booted"


def test_a_reboot_in_the_guest_is_one(house: Machine) -> None:
    before = state_of(house)["boot"]
    as_root(house, "reboot; sleep 5")
    for _ in range(600):
        after = await_state(house, "running")
        if after["boot"] != before:
            break
    assert after["boot"] != before


def test_further_guests_come_until_the_memory_is_used_up(house: Machine) -> None:
    *started, last = asked(house, "guests", "start", "30")
    assert len(started) >= 2
    for line in started:
        assert line["seconds"] > 0
        assert 20 << 20 < line["memory_bytes"] < 400 << 20
    assert last["stopped"] == "memory"
    assert last["needed_bytes"] > last["free_bytes"]
    assert last["limit_bytes"] == limits_of("vm").memory_bytes
    listed = asked(house, "guests", "list")[0]
    assert len(listed["guests"]) == len(started)
    assert listed["used_bytes"] < listed["limit_bytes"]
    inside = machines.in_guest("root", {}, ["/bin/hostname"])
    inside.insert(2, "--guest=extra-1")
    assert asked(house, "guests", "stop") == [{"ended": len(started)}]
    assert state_of(house)["state"] == "running", "the learner's own guest is untouched"


def test_a_budget_stops_further_guests_before_the_machines_limit(house: Machine) -> None:
    lines = asked(house, "guests", "start", "5", "--budget-mib", "200")
    assert lines[-1]["stopped"] == "memory"
    assert lines[-1]["limit_bytes"] == 200 << 20
    asked(house, "guests", "stop")


def test_a_boot_that_hangs_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = GuestWish.environment

    def hanging(self: GuestWish) -> list[str]:
        return [*usual(self), f"SLIPWAY_HANG_WORDS={BUSY}"]

    monkeypatch.setattr(GuestWish, "environment", hanging)
    monkeypatch.setattr("sandbox.assembly.guest_snapshots.volume", lambda: "")
    with made() as (machine, facts, stages):
        assert facts.guest["guest_hangs"] == 1
        assert "guest hung, booting again" in stages
        assert as_root(machine, "hostname").text == "house\n"
