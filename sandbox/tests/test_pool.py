"""The warm pool in the database: what is wanted, who gets what, who makes room."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from classroom.models import User
from sandbox import (
    admission,
    assembly,
    estimates,
    hostconfig,
    lifecycle,
    pool,
    pool_keeper,
    specs,
    transitions,
)
from sandbox.assembly import MachineFacts
from sandbox.errors import BadRequest, MachineFailed
from sandbox.models import Host, PoolOrder, Sandbox, State, WarmMachine, WarmState
from sandbox.specs import MachineSpec, SandboxSpec

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("dispatched", "fresh_rates", "host"),
]
MIB = 1024 * 1024
FACTS = MachineFacts("c" * 64, "slipway/shell:1", "6.1.0", "boot-1", 9, "")


def warm(name: str = "laptop", state: str = WarmState.READY, **fields: Any) -> WarmMachine:
    now = timezone.now()
    values = {
        "kind": "shell",
        "memory_bytes": 256 * MIB,
        "ready_at": now,
        "expires_at": now + timedelta(hours=1),
    }
    return WarmMachine.objects.create(name=name, state=state, **(values | fields))


def start(name: str, spec: SandboxSpec) -> Sandbox:
    learner, _ = User.objects.get_or_create(username=name)
    return lifecycle.request_start(learner, spec, course="c", lesson="l", address="::1")


@pytest.fixture
def engine_of_one(monkeypatch: pytest.MonkeyPatch, no_objects: list[str]) -> list[str]:
    """An engine on which every machine comes up; records the owners it made machines for."""
    made: list[str] = []

    def make(owner: str, *_: Any, **__: Any) -> MachineFacts:
        made.append(owner)
        return FACTS

    monkeypatch.setattr(assembly, "make_machine", make)
    monkeypatch.setattr(pool_keeper, "_engine_started_at", lambda _: "then")
    return made


def test_a_start_gets_the_oldest_ready_machine_of_its_name(spec: SandboxSpec) -> None:
    young = warm()
    old = warm(ready_at=timezone.now() - timedelta(minutes=5))
    other = warm(name="box")
    sandbox = start("ada", spec)
    old.refresh_from_db()
    assert (old.state, old.sandbox_id) == (WarmState.CLAIMED, sandbox.pk)
    assert {*WarmMachine.objects.filter(state=WarmState.READY)} == {young, other}


@pytest.mark.parametrize("state", [WarmState.MAKING, WarmState.CLAIMED, WarmState.DISCARDED])
def test_only_a_ready_machine_is_given(state: str, spec: SandboxSpec) -> None:
    found = warm(state=state)
    start("ada", spec)
    found.refresh_from_db()
    assert (found.state, found.sandbox_id) == (state, None)


def test_a_machine_over_its_age_is_not_given(spec: SandboxSpec) -> None:
    found = warm(expires_at=timezone.now() - timedelta(seconds=1))
    start("ada", spec)
    found.refresh_from_db()
    assert found.sandbox_id is None


def test_machines_that_talk_to_each_other_are_made_new() -> None:
    found = warm()
    two = (MachineSpec(name="laptop", kind="shell"), MachineSpec(name="other", kind="shell"))
    start("ada", SandboxSpec(machines=two))
    found.refresh_from_db()
    assert found.state == WarmState.READY


def test_eight_starts_at_once_share_three_machines_without_doubling(spec: SandboxSpec) -> None:
    for _ in range(3):
        warm()

    def one(number: int) -> None:
        try:
            start(f"p{number}", spec)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(8)))
    owners = WarmMachine.objects.filter(state=WarmState.CLAIMED).values_list("sandbox", flat=True)
    assert len(set(owners)) == 3
    assert Sandbox.objects.count() == 8


def test_the_name_started_last_is_kept_ready(spec: SandboxSpec, settings: Any) -> None:
    settings.SANDBOX_POOL_SHELL, settings.SANDBOX_POOL_DOCKER = 2, 1
    pool.expect(Counter({("shell", "box"): 3, ("shell", "laptop"): 1, ("docker", "docker"): 1}))
    assert pool.wanted() == {("shell", "box"): 2, ("docker", "docker"): 1}
    start("ada", spec)
    assert pool.wanted() == {("shell", "laptop"): 2, ("docker", "docker"): 1}


def test_an_order_counts_while_it_lasts(settings: Any) -> None:
    settings.SANDBOX_POOL_SHELL = settings.SANDBOX_POOL_DOCKER = 0
    now = timezone.now()
    pool.order("shell", 5, now - timedelta(minutes=1), 30, "laptop")
    pool.order("shell", 9, now + timedelta(minutes=1), 30, "laptop")
    pool.order("docker", 9, now - timedelta(minutes=31), 30, "laptop")
    assert pool.wanted() == {("shell", "laptop"): 5}


@pytest.mark.parametrize(
    ("kind", "count", "minutes", "name"),
    [("boat", 1, 30, "x"), ("shell", 0, 30, "x"), ("shell", 301, 30, "x"), ("shell", 1, 0, "x"),
     ("shell", 1, 30, "")],
)  # fmt: skip
def test_an_order_that_makes_no_sense_is_refused(
    kind: str, count: int, minutes: int, name: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        pool.order(kind, count, timezone.now(), minutes, name)
    assert refused.value.hint
    assert not PoolOrder.objects.exists()


def test_refill_makes_what_is_missing_and_no_more(engine_of_one: list[str], settings: Any) -> None:
    settings.SANDBOX_POOL_SHELL, settings.SANDBOX_POOL_DOCKER = 3, 0
    pool.expect(Counter({("shell", "laptop"): 1}))
    pool_keeper.refill()
    assert len(engine_of_one) == 3
    assert pool.present() == {("shell", "laptop"): 3}
    assert {w.container_id for w in WarmMachine.objects.all()} == {FACTS.container_id}
    pool_keeper.refill()
    assert len(engine_of_one) == 3


def test_refill_yields_to_somebody_who_waits(
    engine_of_one: list[str], spec: SandboxSpec, settings: Any
) -> None:
    settings.SANDBOX_POOL_SHELL = 3
    start("ada", spec)
    pool_keeper.refill()
    assert engine_of_one == []


def test_refill_leaves_the_reserve(engine_of_one: list[str], settings: Any, host: Host) -> None:
    settings.SANDBOX_POOL_SHELL, settings.SANDBOX_POOL_DOCKER = 100, 0
    pool.expect(Counter({("shell", "laptop"): 1}))
    settings.SANDBOX_MEMORY_PERCENT, settings.SANDBOX_POOL_RESERVE_PERCENT = 50, 50
    pool_keeper.refill()
    assert len(engine_of_one) == host.memory_bytes // 4 // (256 * MIB)


def test_a_machine_that_does_not_come_up_leaves_no_row(
    monkeypatch: pytest.MonkeyPatch, no_objects: list[str], settings: Any
) -> None:
    settings.SANDBOX_POOL_SHELL, settings.SANDBOX_POOL_DOCKER = 2, 0
    pool.expect(Counter({("shell", "laptop"): 1}))

    def fails(*_: object, **__: object) -> MachineFacts:
        raise MachineFailed

    monkeypatch.setattr(assembly, "make_machine", fails)
    pool_keeper.refill()
    assert not WarmMachine.objects.exists()
    assert len(no_objects) == 1, "one try a tick, and its objects removed"


def test_a_tick_removes_old_stuck_and_unwanted_machines(
    no_objects: list[str], settings: Any
) -> None:
    settings.SANDBOX_POOL_SHELL, settings.SANDBOX_POOL_DOCKER = 1, 0
    pool.expect(Counter({("shell", "laptop"): 1}))
    now = timezone.now()
    old = warm(expires_at=now - timedelta(seconds=1))
    stuck = warm(state=WarmState.MAKING)
    WarmMachine.objects.filter(pk=stuck.pk).update(created_at=now - timedelta(minutes=10))
    # A guest that boots on a busy host may take longer than that, and is not taken for stuck.
    slow = warm(kind="vm", name="house", state=WarmState.MAKING)
    late = timezone.now() - timedelta(seconds=hostconfig.GUEST_SECONDS["small"])
    WarmMachine.objects.filter(pk=slow.pk).update(created_at=late)
    unwanted, kept = warm(name="box"), warm()
    pool_keeper.tend()
    assert set(no_objects) == {old.pk, stuck.pk, unwanted.pk}
    assert set(WarmMachine.objects.all()) == {kept, slow}


def test_warm_machines_make_room_for_people(
    no_objects: list[str], host: Host, settings: Any
) -> None:
    settings.SANDBOX_MEMORY_PERCENT = 10  # 819 MiB
    machines = [warm(ready_at=timezone.now() + timedelta(seconds=n)) for n in range(3)]
    pool_keeper.make_room()
    assert no_objects == []
    Sandbox.objects.create(
        learner=User.objects.create_user("eve"), state=State.STARTING, spec={},
        memory_bytes=256 * MIB,
    )  # fmt: skip
    pool_keeper.make_room()
    assert no_objects == [machines[0].pk]
    assert admission.room_bytes() >= pool.held_bytes()


def test_as_many_creations_as_may_run_at_once_and_then_the_oldest(
    spec: SandboxSpec, settings: Any
) -> None:
    settings.SANDBOX_CREATES_IN_FLIGHT = 2
    first, second, third, fourth = (start(f"p{number}", spec) for number in range(4))
    assert transitions.claim(first.pk)
    assert transitions.claim(second.pk)
    assert transitions.claim(fourth.pk) is None
    assert transitions.claim_next() == ("", None)
    transitions.move(first.pk, State.FAILED)
    sandbox_id, token = transitions.claim_next()
    assert (sandbox_id, bool(token)) == (third.pk, True)


def test_guests_boot_few_at_a_time_and_nobody_else_waits_behind_them(
    spec: SandboxSpec, settings: Any, monkeypatch: pytest.MonkeyPatch, host: Host
) -> None:
    Host.objects.filter(pk=host.pk).update(memory_bytes=64 * 1024 * MIB)
    settings.SANDBOX_CREATES_IN_FLIGHT = 4
    monkeypatch.setattr(specs, "BOOTS_AT_ONCE", 2)
    monkeypatch.setattr(estimates, "BOOTS_AT_ONCE", 2)
    house = SandboxSpec(machines=(MachineSpec(name="house", kind="vm"),))
    guests = [start(f"g{number}", house) for number in range(10)]
    shell = start("shell", spec)
    tokens = [transitions.claim(guest.pk) for guest in guests]
    assert [bool(token) for token in tokens] == [True] * 2 + [False] * 8
    for guest in guests:
        guest.refresh_from_db()
    assert [estimates.position(guest) for guest in guests[2:]] == list(range(1, 9))
    assert estimates.seconds(guests[9], 8) == 4 * estimates.seconds(guests[2], 1)
    assert transitions.claim_next()[0] == shell.pk, "a processor is no matter to a container"
    assert transitions.claim_next() == ("", None)
    # The prompt is there and its set-up still runs: the next one may boot.
    guests[0].machines.update(ready=True)
    order = []
    while (found := transitions.claim_next())[1]:
        order.append(found[0])
        Sandbox.objects.get(pk=found[0]).machines.update(ready=True)
        transitions.move(found[0], State.READY)
    assert order == [guest.pk for guest in guests[2:]], "none is lost, the oldest comes first"


def test_a_warm_guest_needs_no_processor(spec: SandboxSpec, monkeypatch: Any) -> None:
    monkeypatch.setattr(specs, "BOOTS_AT_ONCE", 1)
    house = SandboxSpec(machines=(MachineSpec(name="house", kind="vm"),))
    assert transitions.claim(start("ada", house).pk)
    warm(name="house", kind="vm")
    assert transitions.claim(start("bob", house).pk)
    assert transitions.claim(start("eve", house).pk) is None


def test_a_warm_start_needs_no_free_place(spec: SandboxSpec, settings: Any) -> None:
    settings.SANDBOX_CREATES_IN_FLIGHT = 1
    assert transitions.claim(start("ada", spec).pk)
    warm()
    assert transitions.claim(start("bob", spec).pk)


def test_who_waits_for_a_worker_is_told_how_long_starts_take(
    spec: SandboxSpec, settings: Any
) -> None:
    settings.SANDBOX_CREATES_IN_FLIGHT = 2
    before = User.objects.create_user("before")
    Sandbox.objects.create(
        learner=before, state=State.GONE, spec={}, memory_bytes=1, ready_seconds=4.0,
        ready_at=timezone.now(),
    )  # fmt: skip
    waiting = [start(f"p{number}", spec) for number in range(3)]
    assert [estimates.seconds(s, estimates.position(s)) for s in waiting] == [4, 4, 8]


def test_who_waits_for_memory_is_told_when_enough_is_free_at_the_latest(
    spec: SandboxSpec, settings: Any, host: Host, make_sandbox: Any
) -> None:
    settings.SANDBOX_MEMORY_PERCENT = 100 * 300 * MIB / host.memory_bytes
    make_sandbox(State.READY, expires_at=timezone.now() + timedelta(seconds=600))
    first, second = start("bob", spec), start("eve", spec)
    assert first.state == State.QUEUED
    assert estimates.seconds(first, 1) in (599, 600)
    assert estimates.seconds(second, 2) is None


def test_little_measured_memory_queues_a_start(spec: SandboxSpec, host: Host) -> None:
    Host.objects.update(memory_available_bytes=100 * MIB)
    assert start("ada", spec).state == State.QUEUED
    assert admission.admit_waiting() == []
    Host.objects.update(memory_available_bytes=4096 * MIB)
    assert len(admission.admit_waiting()) == 1


@pytest.mark.parametrize(("zone", "hours"), [("UTC", 0), ("Asia/Tokyo", 9), ("Etc/GMT+5", -5)])
def test_an_hour_is_that_of_the_clock_on_the_wall(zone: str, hours: int) -> None:
    with override_settings(TIME_ZONE=zone):
        call_command("pool", "warm", kind="shell", count=1, name="box", at="08:55", minutes=30)
    begins_at = PoolOrder.objects.get().begins_at
    assert f"{begins_at + timedelta(hours=hours):%H:%M}" == "08:55"
    assert timedelta(minutes=-1) <= begins_at - timezone.now() < timedelta(days=1)


def test_the_command_orders_and_shows() -> None:
    out = StringIO()
    call_command(
        "pool", "warm", kind="shell", count=4, name="laptop", at="", minutes=30, stdout=out
    )
    warm()
    call_command("pool", "show", stdout=out)
    assert "4 warm shell machines named laptop" in out.getvalue()
    assert "shell laptop: 1 ready of 4" in out.getvalue()
    with pytest.raises(CommandError, match="HH:MM"):
        call_command("pool", "warm", kind="shell", count=4, name="laptop", at="noon", minutes=30)
