"""Warm machines handed over many at once: who gets them, and who is left alone."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db.models import F
from django.utils import timezone

from classroom.models import User
from sandbox import (
    creation,
    dispatch,
    events,
    handover,
    lifecycle,
    pool_keeper,
    reaper,
    transitions,
)
from sandbox.models import Sandbox, State, WarmMachine, WarmState
from sandbox.specs import MachineSpec, SandboxSpec

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fresh_rates", "host", "no_objects"),
]
Events = list[tuple[str, dict[str, Any]]]
SHELL = SandboxSpec(machines=(MachineSpec(name="laptop", kind="shell"),))


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Warm machines are as they were made, but those whose id is put into this set."""
    spoilt: set[str] = set()
    monkeypatch.setattr(pool_keeper, "is_fresh", lambda warm: warm.pk not in spoilt)
    return spoilt


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Events:
    found: Events = []
    monkeypatch.setattr(events, "publish_many", lambda many: found.extend(many))
    return found


@pytest.fixture
def dispatched(dispatched: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> Any:
    """With what goes the long way in it."""
    monkeypatch.setattr(dispatch, "create", lambda pk: dispatched.append(("create", pk)))
    return dispatched


@pytest.fixture
def class_of_five(dispatched: list[tuple[str, str]]) -> list[Sandbox]:
    """Five who pressed Start and have a warm machine each."""
    now = timezone.now()
    for number in range(5):
        WarmMachine.objects.create(
            kind="shell",
            name="laptop",
            state=WarmState.READY,
            memory_bytes=1,
            container_id=f"{number}" * 64,
            image="slipway/shell:1",
            kernel_release="6.1.0",
            boot_id="boot-1",
            shell_pid=7,
            ready_at=now,
            expires_at=now + timedelta(hours=1),
        )
    return [start(f"learner-{number}") for number in range(5)]


def start(name: str, spec: SandboxSpec = SHELL) -> Sandbox:
    learner, _ = User.objects.get_or_create(username=name)
    return lifecycle.request_start(learner, spec, course="c", lesson="l", address="::1")


def ids(sandboxes: list[Sandbox]) -> list[str]:
    return [sandbox.pk for sandbox in sandboxes]


def test_a_class_is_ready_at_once_with_a_machine_each(
    class_of_five: list[Sandbox], said: Events, dispatched: list[tuple[str, str]]
) -> None:
    assert dispatched == [("hand_over", sandbox.pk) for sandbox in class_of_five]
    handover.hand_over(ids(class_of_five))
    found = Sandbox.objects.filter(state=State.READY)
    assert {*ids(list(found))} == {*ids(class_of_five)}
    assert len({sandbox.machines.get().container_id for sandbox in found}) == 5
    for sandbox in found:
        machine = sandbox.machines.get()
        assert (machine.ready, machine.shell_pid, machine.boot_id) == (True, 7, "boot-1")
        assert sandbox.ready_seconds is not None
        assert sandbox.expires_at
        assert sandbox.expires_at > timezone.now()
        assert sandbox.attempts == 1
    states = [(pk, event["sandbox"]["state"]) for pk, event in said]
    assert states == [(pk, "ready") for pk in ids(class_of_five)]
    assert all(event["sandbox"]["machines"][0]["state"] == "ready" for _, event in said)
    assert all(event["sandbox"]["stage"] == "warm" for _, event in said)


def test_a_warm_guest_keeps_what_is_known_of_it(
    dispatched: list[tuple[str, str]], said: Events
) -> None:
    """Above all that it is emulated: its figures must not pass for those of any VM."""
    known = {"guest": "small", "accelerator": "tcg", "emulated": "Emulated: no KVM."}
    known |= {"host_kernel_release": "6.18", "guest_how": "restored", "guest_seconds": 0.4}
    now = timezone.now()
    WarmMachine.objects.create(
        kind="vm",
        name="house",
        state=WarmState.READY,
        memory_bytes=1,
        container_id="c" * 64,
        kernel_release="6.12",
        boot_id="guest-boot",
        shell_pid=70,
        ready_at=now,
        expires_at=now + timedelta(hours=1),
        **known,
    )
    spec = SandboxSpec(machines=(MachineSpec(name="house", kind="vm"),))
    handover.hand_over([start("ada", spec).pk])
    machine = Sandbox.objects.get(state=State.READY).machines.get()
    assert {name: getattr(machine, name) for name in known} == known
    ((_, event),) = said
    assert event["sandbox"]["machines"][0]["guest"]["emulated"] == "Emulated: no KVM."


def test_its_cost_in_queries_is_that_of_one(
    class_of_five: list[Sandbox], said: Events, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(11):
        handover.hand_over(ids(class_of_five))


def test_a_second_message_does_nothing(
    class_of_five: list[Sandbox], said: Events, dispatched: list[tuple[str, str]]
) -> None:
    dispatched.clear()
    handover.hand_over(ids(class_of_five))
    before = list(Sandbox.objects.order_by("pk").values())
    handover.hand_over(ids(class_of_five))
    handover.hand_over([])
    assert list(Sandbox.objects.order_by("pk").values()) == before
    assert len(said) == 5
    assert dispatched == []


def test_a_machine_that_is_not_as_it_was_made_goes_the_long_way(
    class_of_five: list[Sandbox],
    said: Events,
    dispatched: list[tuple[str, str]],
    fresh: set[str],
) -> None:
    dispatched.clear()
    unlucky = class_of_five[2]
    fresh.add(unlucky.warm_machines.get().pk)
    handover.hand_over(ids(class_of_five))
    assert dispatched == [("create", unlucky.pk)]
    assert Sandbox.objects.filter(state=State.READY).count() == 4
    unlucky.refresh_from_db()
    assert (unlucky.state, unlucky.claim, unlucky.attempts) == (State.REQUESTED, "", 0)


def test_a_class_that_takes_long_to_prove_is_not_taken_over(
    class_of_five: list[Sandbox],
    said: Events,
    dispatched: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An engine that takes fifteen seconds for each machine: the reaper looks in between."""
    monkeypatch.setattr(creation, "HEARTBEAT_SECONDS", 0)
    dispatched.clear()

    def slow(warm: WarmMachine) -> bool:
        starting = Sandbox.objects.filter(state=State.STARTING)
        starting.update(heartbeat_at=F("heartbeat_at") - timedelta(seconds=15))
        reaper._resume_stalled()
        return True

    monkeypatch.setattr(pool_keeper, "is_fresh", slow)
    handover.hand_over(ids(class_of_five))
    assert dispatched == [], "nobody was asked to take them over"
    assert {*Sandbox.objects.values_list("state", "attempts")} == {(State.READY, 1)}


def test_who_was_stopped_before_is_left_alone(class_of_five: list[Sandbox], said: Events) -> None:
    transitions.move(class_of_five[0].pk, State.STOPPING)
    handover.hand_over(ids(class_of_five))
    class_of_five[0].refresh_from_db()
    assert class_of_five[0].state == State.STOPPING
    assert Sandbox.objects.filter(state=State.READY).count() == 4


def test_who_is_stopped_meanwhile_stays_stopped(
    class_of_five: list[Sandbox], said: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the proof and the write."""
    leaver = class_of_five[1]

    def proven(warm: WarmMachine) -> bool:
        transitions.move(leaver.pk, State.STOPPING)
        return True

    monkeypatch.setattr(pool_keeper, "is_fresh", proven)
    handover.hand_over(ids(class_of_five))
    leaver.refresh_from_db()
    assert leaver.state == State.STOPPING
    assert not leaver.machines.get().ready
    assert leaver.pk not in [pk for pk, event in said if event["sandbox"]["state"] == "ready"]
    assert leaver.cleaned_at, "what the stop did not see is removed"


@pytest.mark.parametrize(
    "machine",
    [
        MachineSpec(name="laptop", kind="shell", setup="true"),
        MachineSpec(name="laptop", kind="shell", files_from="/srv/files"),
        MachineSpec(name="laptop", kind="docker", images=("alpine",)),
        MachineSpec(name="other", kind="shell"),
    ],
)
def test_what_needs_more_is_made_by_a_creation_of_its_own(
    machine: MachineSpec,
    class_of_five: list[Sandbox],
    dispatched: list[tuple[str, str]],
) -> None:
    late = start("late", SandboxSpec(machines=(machine,)))
    assert dispatched[-1] == ("create", late.pk)


@pytest.fixture
def broker() -> Iterator[list[list[str]]]:
    """Messages that a real `dispatch.hand_over` sends, and its queue is empty afterwards."""
    sent: list[list[str]] = []
    with patch("sandbox.dispatch._send", lambda task, ids: sent.append(ids)):
        yield sent


def test_ids_are_sent_by_a_thread_and_none_is_lost(broker: list[list[str]]) -> None:
    wanted = [f"id-{number}" for number in range(200)]
    for sandbox_id in wanted:
        dispatch.hand_over(sandbox_id)
    deadline = time.monotonic() + 20
    while sum(map(len, broker)) < len(wanted) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [sandbox_id for message in broker for sandbox_id in message] == wanted


def test_the_first_goes_at_once_and_a_class_goes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, none lost; each message costs a worker as much as several sandboxes in one."""
    sent: list[list[str]] = []
    monkeypatch.setattr(dispatch, "GATHER_SECONDS", 0.3)
    monkeypatch.setattr(dispatch, "_send", lambda task, pks: sent.append(pks))
    wait_for(lambda: time.monotonic() > dispatch._hand_over_sender._not_before)
    began = time.monotonic()
    dispatch.hand_over("alone")
    wait_for(lambda: bool(sent))
    asked = [f"one-{number}" for number in range(50)]
    for pk in asked:
        dispatch.hand_over(pk)
    wait_for(lambda: sum(map(len, sent)) == 51)
    assert sent[0] == ["alone"]
    assert [pk for message in sent[1:] for pk in message] == asked
    assert len(sent) <= 2 + (time.monotonic() - began) / 0.3


def wait_for(what: Any) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.005)
