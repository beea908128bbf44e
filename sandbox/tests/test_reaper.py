"""What ends, what is taken over, what is put right, one tick at a time."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from sandbox import checks, creation, engine, events, hosts, reaper, transitions
from sandbox.errors import EngineDown
from sandbox.models import Host, Preview, Sandbox, State

Sent = list[tuple[str, str]]
pytestmark = pytest.mark.usefixtures("dispatched", "quiet_engine", "no_objects")


@pytest.fixture
def quiet_engine(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that answers the tick's look without an engine behind it."""
    monkeypatch.setattr(hosts, "refresh", lambda: Host.objects.get(pk=hosts.NAME))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(events, "publish", lambda _, event: said.append(event))
    return said


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


def ticked(sandbox: Sandbox) -> Sandbox:
    reaper.reap()
    sandbox.refresh_from_db()
    return sandbox


def test_a_sandbox_in_use_is_left_alone(make_sandbox: Any, dispatched: Sent) -> None:
    assert ticked(make_sandbox()).state == State.READY
    assert dispatched == []


def test_shortly_before_the_end_there_is_one_warning(
    make_sandbox: Any, published: list[dict[str, Any]]
) -> None:
    sandbox = make_sandbox(expires_at=ago(-60))
    assert ticked(sandbox).state == State.EXPIRING
    reaper.reap()
    warnings = [event for event in published if event["type"] == "warning"]
    assert [warning["code"] for warning in warnings] == ["expiring"]
    assert warnings[0]["hint"]


@pytest.mark.parametrize("state", [State.READY, State.EXPIRING])
def test_time_over_ends_it_and_says_why(make_sandbox: Any, dispatched: Sent, state: str) -> None:
    sandbox = ticked(make_sandbox(state, expires_at=ago(1)))
    assert (sandbox.state, sandbox.error_code) == (State.STOPPING, "expired")
    assert dispatched == [("destroy", sandbox.pk)]


def test_nobody_there_ends_it(make_sandbox: Any, dispatched: Sent, settings: Any) -> None:
    sandbox = make_sandbox(last_seen_at=ago(settings.SANDBOX_IDLE_SECONDS + 1))
    assert (ticked(sandbox).state, sandbox.error_code) == (State.STOPPING, "idle")
    assert dispatched == [("destroy", sandbox.pk)]


def test_a_lost_dispatch_is_repeated_but_not_with_every_tick(
    make_sandbox: Any, dispatched: Sent, settings: Any
) -> None:
    sandbox = make_sandbox(State.REQUESTED, heartbeat_at=ago(settings.SANDBOX_STALL_SECONDS + 1))
    ticked(sandbox)
    ticked(sandbox)
    assert dispatched == [("create", sandbox.pk)]


def test_a_silent_creation_is_offered_to_another_worker(
    make_sandbox: Any, dispatched: Sent, settings: Any
) -> None:
    silent = ago(settings.SANDBOX_STALL_SECONDS + 1)
    sandbox = make_sandbox(State.STARTING, heartbeat_at=silent, attempts=1, claim="dead")
    assert ticked(sandbox).state == State.STARTING
    assert dispatched == [("create", sandbox.pk)]


def test_a_creation_that_goes_on_is_left_alone(make_sandbox: Any, dispatched: Sent) -> None:
    sandbox = make_sandbox(State.STARTING, heartbeat_at=ago(5), attempts=1, claim="alive")
    assert ticked(sandbox).state == State.STARTING
    assert dispatched == []


def test_the_last_attempt_failed_and_is_cleaned_up(
    make_sandbox: Any, settings: Any, no_objects: list[str]
) -> None:
    silent = ago(settings.SANDBOX_STALL_SECONDS + 1)
    attempts = settings.SANDBOX_ATTEMPTS
    sandbox = make_sandbox(State.STARTING, heartbeat_at=silent, attempts=attempts, claim="dead")
    assert (ticked(sandbox).state, sandbox.error_code) == (State.FAILED, "machine_failed")
    assert no_objects == [sandbox.pk]


def test_a_living_worker_is_never_silent_for_as_long_as_a_stall() -> None:
    assert checks.SHORTEST_STALL_SECONDS > creation.HEARTBEAT_SECONDS


@pytest.mark.parametrize("attempts", [1, 2, 4])
@pytest.mark.parametrize(
    "stall_seconds", [checks.SHORTEST_STALL_SECONDS, 20, checks.LONGEST_STALL_SECONDS]
)
def test_nothing_is_left_to_a_dead_worker_for_a_minute(
    make_sandbox: Any, dispatched: Sent, settings: Any, attempts: int, stall_seconds: int
) -> None:
    """Each worker that takes it over dies at once; time passes by a tick, one tick in two is lost."""
    settings.SANDBOX_STALL_SECONDS, settings.SANDBOX_ATTEMPTS = stall_seconds, attempts
    between_seconds = 2 * settings.CELERY_BEAT_SCHEDULE["reap"]["schedule"]
    sandbox = make_sandbox(State.STARTING, attempts=1, claim="dead")
    for _ in range(attempts * 60):
        later = F("heartbeat_at") - timedelta(seconds=between_seconds)
        Sandbox.objects.filter(pk=sandbox.pk).update(heartbeat_at=later)
        sandbox.refresh_from_db()
        assert timezone.now() - sandbox.heartbeat_at < timedelta(seconds=60)
        dispatched.clear()
        if ticked(sandbox).state != State.STARTING:
            break
        if dispatched:
            assert transitions.claim(sandbox.pk)
    assert (sandbox.state, sandbox.attempts) == (State.FAILED, attempts)


def test_a_slow_worker_that_beats_in_the_last_moment_is_not_failed(
    make_sandbox: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = ago(settings.SANDBOX_STALL_SECONDS + 1)
    sandbox = make_sandbox(State.STARTING, heartbeat_at=silent, attempts=2, claim="slow")
    real = reaper.creation.fail

    def beaten(*args: Any, **only: Any) -> bool:
        Sandbox.objects.filter(pk=sandbox.pk).update(heartbeat_at=timezone.now())
        return real(*args, **only)

    monkeypatch.setattr(reaper.creation, "fail", beaten)
    assert ticked(sandbox).state == State.STARTING


def test_a_stuck_stop_is_repeated(make_sandbox: Any, dispatched: Sent) -> None:
    sandbox = make_sandbox(State.STOPPING, heartbeat_at=ago(reaper.STUCK_STOP_SECONDS + 1))
    ticked(sandbox)
    ticked(sandbox)
    assert dispatched == [("destroy", sandbox.pk)]


def test_who_waits_gets_in_when_there_is_room(make_sandbox: Any, dispatched: Sent) -> None:
    sandbox = make_sandbox(State.QUEUED)
    assert ticked(sandbox).state == State.REQUESTED
    assert dispatched == [("create", sandbox.pk)]


# the clock


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_clock_that_was_set_moves_every_deadline(make_sandbox: Any, jump: float) -> None:
    sandbox = make_sandbox()
    preview = Preview.objects.create(
        token="t", sandbox=sandbox, machine="laptop", port=80, expires_at=sandbox.expires_at
    )
    host = Host.objects.get()
    host.clock_boot, host.clock_wall = 1000.0, 50_000.0
    host.save()
    assert reaper.shift_if_clock_jumped(host, 1005.0, 50_005.0 + jump) == jump
    moved = Sandbox.objects.get()
    delta = timedelta(seconds=jump)
    for name in ("expires_at", "last_seen_at", "heartbeat_at", "started_at", "created_at"):
        assert getattr(moved, name) == getattr(sandbox, name) + delta, name
    preview.refresh_from_db()
    assert preview.expires_at == sandbox.expires_at + delta


def test_two_ticks_that_see_the_same_jump_move_the_deadlines_once(make_sandbox: Any) -> None:
    sandbox = make_sandbox()
    host = Host.objects.get()
    host.clock_boot, host.clock_wall = 1000.0, 50_000.0
    host.save()
    assert reaper.shift_if_clock_jumped(host, 1005.0, 53_605.0) == 3600.0
    assert reaper.shift_if_clock_jumped(host, 1005.1, 53_605.1) == 0.0
    assert Sandbox.objects.get().expires_at == sandbox.expires_at + timedelta(hours=1)


def test_a_stop_that_is_stuck_is_still_repeated_after_a_jump_back(make_sandbox: Any) -> None:
    sandbox = make_sandbox(State.STOPPING)
    host = Host.objects.get()
    host.clock_boot, host.clock_wall = 0.0, 10_000.0
    host.save()
    reaper.shift_if_clock_jumped(host, 5.0, 5.0)
    assert Sandbox.objects.get().heartbeat_at < sandbox.heartbeat_at


@pytest.mark.parametrize(
    ("boot", "wall"),
    [(1005.0, 50_005.0), (1005.0, 50_006.5), (40.0, 99_999.0), (5000.0, 54_000.0)],
)
def test_time_that_passes_a_drift_a_reboot_and_a_sleep_move_nothing(
    make_sandbox: Any, boot: float, wall: float
) -> None:
    sandbox = make_sandbox()
    host = Host.objects.get()
    host.clock_boot, host.clock_wall = 1000.0, 50_000.0
    host.save()
    assert reaper.shift_if_clock_jumped(host, boot, wall) == 0.0
    assert Sandbox.objects.get().expires_at == sandbox.expires_at


def test_the_next_tick_compares_with_this_one(make_sandbox: Any) -> None:
    make_sandbox()
    reaper.reap()
    host = Host.objects.get()
    assert host.clock_boot is not None
    assert reaper.shift_if_clock_jumped(host, host.clock_boot + 5, host.clock_wall + 5) == 0.0


# database against engine


def labelled(sandbox_id: str) -> tuple[str, str, str, dict[str, str]]:
    return ("container", "c" * 64, "name", {"slipway.sandbox": sandbox_id})


def test_objects_without_a_live_row_are_removed(
    make_sandbox: Any, no_objects: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    live, gone = make_sandbox(), make_sandbox(State.GONE)
    found = [labelled("unknown"), labelled(live.pk), labelled(gone.pk)]
    monkeypatch.setattr(engine, "objects_labelled", lambda _: found)
    monkeypatch.setattr("sandbox.assembly.runs", lambda _: True)
    reaper.reconcile()
    assert sorted(no_objects) == sorted(["unknown", gone.pk])


def test_a_row_whose_machine_is_gone_fails(
    make_sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = make_sandbox()
    monkeypatch.setattr(engine, "objects_labelled", lambda _: [])
    monkeypatch.setattr(engine, "inspect_container", lambda _: None)
    reaper.reconcile()
    sandbox.refresh_from_db()
    assert (sandbox.state, sandbox.error_code) == (State.FAILED, "machine_died")


def test_an_engine_that_is_away_condemns_nobody(
    make_sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: str) -> None:
        raise EngineDown

    sandbox = make_sandbox()
    monkeypatch.setattr(engine, "objects_labelled", away)
    monkeypatch.setattr(engine, "inspect_container", away)
    reaper.reconcile()
    reaper.verify(sandbox.pk)
    sandbox.refresh_from_db()
    assert sandbox.state == State.READY


def test_a_reset_in_the_same_moment_is_not_failed(
    make_sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = make_sandbox()

    def runs(_: Sandbox) -> bool:
        Sandbox.objects.update(state=State.REQUESTED)
        return False

    monkeypatch.setattr("sandbox.assembly.runs", runs)
    reaper.verify(sandbox.pk)
    sandbox.refresh_from_db()
    assert sandbox.state == State.REQUESTED
