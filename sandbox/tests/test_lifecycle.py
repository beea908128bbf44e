"""Start, stop, extend, reset: what callers get, also when they hurry."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from classroom.models import User
from sandbox import hosts, lifecycle
from sandbox.errors import (
    EngineDown,
    NoExtensionsLeft,
    OutOfCapacity,
    SandboxLive,
    SandboxNotFound,
    SandboxNotReady,
    TooManyStarts,
)
from sandbox.models import LIVE, Host, Sandbox, State
from sandbox.specs import SandboxSpec

Sent = list[tuple[str, str]]
pytestmark = pytest.mark.usefixtures("dispatched", "fresh_rates")


def start(learner: User, spec: SandboxSpec, lesson: str = "lesson") -> Sandbox:
    return lifecycle.request_start(learner, spec, course="course", lesson=lesson, address="::1")


@pytest.mark.django_db(transaction=True)
def test_start_makes_a_row_with_its_machines_and_dispatches_once(
    learner: User, spec: SandboxSpec, host: Host, dispatched: Sent
) -> None:
    sandbox = start(learner, spec)
    assert sandbox.state == State.REQUESTED
    assert [machine.name for machine in sandbox.machines.all()] == ["laptop"]
    assert dispatched == [("create", sandbox.pk)]


@pytest.mark.django_db(transaction=True)
def test_start_again_gives_the_same_sandbox(
    learner: User, spec: SandboxSpec, host: Host, dispatched: Sent
) -> None:
    assert start(learner, spec).pk == start(learner, spec).pk
    assert len(dispatched) == 1


@pytest.mark.django_db(transaction=True)
def test_eight_tabs_at_once_get_one_sandbox(
    learner: User, spec: SandboxSpec, host: Host, dispatched: Sent, settings: Any
) -> None:
    settings.START_RATE_LEARNER = "100/minute"

    def tab(_: int) -> str:
        try:
            return start(learner, spec).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(tab, range(8)))
    assert len(ids) == 1
    assert Sandbox.objects.count() == 1
    assert len(dispatched) == 1


@pytest.mark.django_db(transaction=True)
def test_two_lessons_at_once_give_one_sandbox_and_one_refusal(
    learner: User, spec: SandboxSpec, host: Host
) -> None:
    def tab(lesson: str) -> str:
        try:
            return start(learner, spec, lesson).lesson
        except SandboxLive as error:
            return f"live {error.details['lesson']}"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        got = sorted(threads.map(tab, ["a", "b"]))
    assert got in (["a", "live a"], ["b", "live b"])


def test_another_lesson_is_refused_with_the_live_ones_id(
    make_sandbox: Any, learner: User, spec: SandboxSpec, host: Host
) -> None:
    live = make_sandbox()
    with pytest.raises(SandboxLive) as caught:
        start(learner, spec, "other")
    assert caught.value.details == {"sandbox_id": live.pk, "course": "course", "lesson": "lesson"}


@pytest.mark.parametrize("state", [State.STOPPING, State.GONE, State.FAILED])
def test_an_ended_sandbox_does_not_stand_in_the_way(
    make_sandbox: Any, learner: User, spec: SandboxSpec, host: Host, state: str
) -> None:
    ended = make_sandbox(state)
    assert start(learner, spec).pk != ended.pk
    assert lifecycle.latest_for(learner, "course", "lesson").pk != ended.pk


def test_without_a_worker_start_is_refused(learner: User, spec: SandboxSpec) -> None:
    with pytest.raises(EngineDown) as caught:
        start(learner, spec)
    assert "worker" in caught.value.message


def test_a_worker_that_went_silent_counts_as_none(
    learner: User, spec: SandboxSpec, host: Host
) -> None:
    Host.objects.update(seen_at=timezone.now() - timedelta(seconds=hosts.STALE_SECONDS + 1))
    with pytest.raises(EngineDown):
        start(learner, spec)


def test_the_hosts_problem_is_said(learner: User, spec: SandboxSpec, host: Host) -> None:
    Host.objects.update(problem="Machine images are missing: x.", hint="Run ./start.")
    with pytest.raises(EngineDown) as caught:
        start(learner, spec)
    assert (caught.value.message, caught.value.hint) == (
        "Machine images are missing: x.",
        "Run ./start.",
    )


def test_a_live_sandbox_is_given_even_without_an_engine(
    make_sandbox: Any, learner: User, spec: SandboxSpec
) -> None:
    live = make_sandbox()
    assert start(learner, spec).pk == live.pk


def test_too_many_starts_are_refused(
    learner: User, spec: SandboxSpec, host: Host, settings: Any
) -> None:
    settings.START_RATE_LEARNER = "2/minute"
    for _ in range(2):
        lifecycle.destroy_now(start(learner, spec))
    with pytest.raises(TooManyStarts) as caught:
        start(learner, spec)
    assert caught.value.retry_after_seconds


def test_a_full_host_queues_and_a_full_queue_refuses(
    spec: SandboxSpec, host: Host, settings: Any
) -> None:
    room_for_one(settings)
    settings.SANDBOX_QUEUE_LIMIT = 2
    people = [User.objects.create_user(f"p{number}") for number in range(4)]
    got = [start(person, spec) for person in people[:3]]
    assert [sandbox.state for sandbox in got] == [State.REQUESTED, State.QUEUED, State.QUEUED]
    assert [lifecycle.snapshot(s)["queue_position"] for s in got] == [1, 1, 2]
    with pytest.raises(OutOfCapacity) as caught:
        start(people[3], spec)
    assert caught.value.retry_after_seconds


def test_machines_that_can_never_fit_are_refused_and_block_nobody(
    learner: User, spec: SandboxSpec, host: Host
) -> None:
    Host.objects.update(memory_bytes=100 * 1024**2)
    with pytest.raises(OutOfCapacity) as caught:
        start(learner, spec)
    assert "more memory" in caught.value.message
    assert not Sandbox.objects.exists()


def room_for_one(settings: Any) -> None:
    Host.objects.update(memory_bytes=300 * 1024**2)
    settings.SANDBOX_MEMORY_PERCENT = 100


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_objects")
def test_the_first_in_the_queue_starts_when_one_ends(
    spec: SandboxSpec, host: Host, settings: Any, dispatched: Sent
) -> None:
    room_for_one(settings)
    first, second, third = [
        start(User.objects.create_user(f"p{number}"), spec) for number in range(3)
    ]
    dispatched.clear()
    lifecycle.destroy_now(first)
    second.refresh_from_db()
    third.refresh_from_db()
    assert (second.state, third.state) == (State.REQUESTED, State.QUEUED)
    assert dispatched == [("create", second.pk)]
    assert lifecycle.snapshot(third)["queue_position"] == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", LIVE)
def test_stop_ends_any_live_sandbox_once(make_sandbox: Any, dispatched: Sent, state: str) -> None:
    sandbox = make_sandbox(state)
    lifecycle.request_stop(sandbox)
    lifecycle.request_stop(sandbox)
    sandbox.refresh_from_db()
    assert sandbox.state == State.STOPPING
    assert dispatched == [("destroy", sandbox.pk)]


def test_stop_of_an_ended_sandbox_changes_nothing(make_sandbox: Any, dispatched: Sent) -> None:
    sandbox = make_sandbox(State.GONE)
    lifecycle.request_stop(sandbox)
    sandbox.refresh_from_db()
    assert sandbox.state == State.GONE
    assert dispatched == []


def test_extend_adds_time_up_to_the_limit(make_sandbox: Any, settings: Any) -> None:
    settings.SANDBOX_EXTENSIONS = 2
    sandbox = make_sandbox(State.EXPIRING)
    before = sandbox.expires_at
    extended = lifecycle.extend(sandbox)
    assert extended.state == State.READY
    assert extended.expires_at == before + timedelta(seconds=settings.SANDBOX_EXTEND_SECONDS)
    assert lifecycle.snapshot(lifecycle.extend(sandbox))["extensions_left"] == 0
    with pytest.raises(NoExtensionsLeft):
        lifecycle.extend(sandbox)


@pytest.mark.parametrize("state", [s for s in State.values if s not in ("ready", "expiring")])
def test_what_is_not_ready_can_neither_be_extended_nor_reset(make_sandbox: Any, state: str) -> None:
    sandbox = make_sandbox(state)
    with pytest.raises(SandboxNotReady):
        lifecycle.extend(sandbox)
    with pytest.raises(SandboxNotReady):
        lifecycle.request_reset(sandbox)


@pytest.mark.django_db(transaction=True)
def test_reset_keeps_the_sandbox_and_forgets_its_machines(
    make_sandbox: Any, dispatched: Sent
) -> None:
    sandbox = make_sandbox(stages=[{"name": "old", "seconds": 1.0}], attempts=2)
    again = lifecycle.request_reset(sandbox)
    machine = again.machines.get()
    assert (again.pk, again.state, again.rebuild) == (sandbox.pk, State.REQUESTED, True)
    assert (again.stages, again.attempts, again.ready_seconds) == ([], 0, None)
    assert (machine.ready, machine.container_id, machine.shell_pid) == (False, "", None)
    assert dispatched == [("create", sandbox.pk)]


def test_a_stranger_finds_nothing(make_sandbox: Any, learner: User, stranger: User) -> None:
    sandbox = make_sandbox()
    assert lifecycle.get_for(learner, sandbox.pk) == sandbox
    with pytest.raises(SandboxNotFound):
        lifecycle.get_for(stranger, sandbox.pk)
    assert lifecycle.live_sandbox(stranger) is None


@pytest.mark.django_db(transaction=True)
def test_start_survives_a_broker_that_is_away(
    learner: User, spec: SandboxSpec, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kombu.exceptions import OperationalError

    def refuse(*_: Any) -> None:
        raise OperationalError("away")

    monkeypatch.setattr("sandbox.dispatch.current_app.send_task", refuse)
    assert start(learner, spec).state == State.REQUESTED, "the reaper dispatches it again"
