"""States: what may follow what, and who wins."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from sandbox import transitions
from sandbox.models import LIVE, TRANSITIONS, Sandbox, State

ALLOWED = {
    ("requested", "queued"), ("requested", "starting"), ("requested", "stopping"),
    ("requested", "failed"), ("queued", "starting"), ("queued", "stopping"), ("queued", "failed"),
    ("starting", "ready"), ("starting", "stopping"), ("starting", "failed"),
    ("starting", "requested"),
    ("ready", "expiring"), ("ready", "stopping"), ("ready", "failed"), ("ready", "requested"),
    ("expiring", "ready"), ("expiring", "stopping"), ("expiring", "failed"),
    ("expiring", "requested"), ("stopping", "gone"), ("stopping", "failed"),
    ("failed", "stopping"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "target"), list(product(State.values, State.values)))
def test_only_allowed_changes_happen(make_sandbox: Any, source: str, target: str) -> None:
    sandbox = make_sandbox(source)
    moved = transitions.move(sandbox.pk, target)
    sandbox.refresh_from_db()
    assert moved is ((source, target) in ALLOWED)
    assert sandbox.state == (target if moved else source)


def test_nothing_follows_gone() -> None:
    assert TRANSITIONS[State.GONE] == frozenset()


def test_every_live_state_can_be_stopped() -> None:
    assert all(State.STOPPING in TRANSITIONS[state] for state in LIVE)


def test_only_from_narrows_what_is_allowed(make_sandbox: Any) -> None:
    sandbox = make_sandbox(State.EXPIRING)
    assert not transitions.move(sandbox.pk, State.STOPPING, only_from=[State.READY])


def test_an_unknown_sandbox_moves_nowhere(db: None) -> None:
    assert not transitions.move("nobody", State.STOPPING)


@pytest.mark.django_db(transaction=True)
def test_a_claim_is_won_once(make_sandbox: Any) -> None:
    sandbox = make_sandbox(State.REQUESTED)

    def claim(_: int) -> str | None:
        try:
            return transitions.claim(sandbox.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        won = [token for token in threads.map(claim, range(8)) if token]
    sandbox.refresh_from_db()
    assert len(won) == 1
    assert (sandbox.claim, sandbox.attempts, sandbox.state) == (won[0], 1, State.STARTING)


@pytest.mark.parametrize("state", [s for s in State.values if s not in ("requested", "starting")])
def test_nothing_else_can_be_claimed(make_sandbox: Any, state: str) -> None:
    assert transitions.claim(make_sandbox(state).pk) is None


def starting(make_sandbox: Any, silent_seconds: int, attempts: int = 1) -> Sandbox:
    beat = timezone.now() - timedelta(seconds=silent_seconds)
    return make_sandbox(State.STARTING, heartbeat_at=beat, attempts=attempts, claim="old")


def test_a_creation_that_lives_is_not_taken_over(make_sandbox: Any) -> None:
    assert transitions.claim(starting(make_sandbox, 3).pk) is None


def test_a_silent_creation_is_taken_over_and_the_old_worker_finds_out(make_sandbox: Any) -> None:
    sandbox = starting(make_sandbox, 60)
    token = transitions.claim(sandbox.pk)
    assert token
    with pytest.raises(transitions.ClaimLost):
        transitions.beat(sandbox.pk, "old")
    with pytest.raises(transitions.ClaimLost):
        transitions.stage(sandbox.pk, "old", "started")
    with pytest.raises(transitions.ClaimLost):
        transitions.ready(sandbox.pk, "old")
    transitions.ready(sandbox.pk, token)


def test_a_creation_without_attempts_left_is_not_taken_over(make_sandbox: Any) -> None:
    assert transitions.claim(starting(make_sandbox, 60, attempts=2).pk) is None


@pytest.mark.parametrize("state", [State.STOPPING, State.GONE, State.FAILED])
def test_a_stop_takes_the_claim_away(make_sandbox: Any, state: str) -> None:
    sandbox = make_sandbox(state, claim="mine")
    for lost in (transitions.beat, transitions.ready):
        with pytest.raises(transitions.ClaimLost):
            lost(sandbox.pk, "mine")
    sandbox.refresh_from_db()
    assert sandbox.state == state


def test_stages_add_up_with_their_seconds(make_sandbox: Any) -> None:
    began = timezone.now() - timedelta(seconds=2)
    sandbox = make_sandbox(State.STARTING, claim="mine", started_at=began)
    transitions.stage(sandbox.pk, "mine", "network")
    transitions.stage(sandbox.pk, "mine", "created")
    sandbox.refresh_from_db()
    assert [stage["name"] for stage in sandbox.stages] == ["network", "created"]
    assert all(2 <= stage["seconds"] < 10 for stage in sandbox.stages)


def test_ready_starts_the_lifetime(make_sandbox: Any, settings: Any) -> None:
    settings.SANDBOX_LIFETIME_SECONDS = 100
    began = timezone.now() - timedelta(seconds=1)
    sandbox = make_sandbox(State.STARTING, claim="mine", started_at=began, expires_at=None)
    transitions.ready(sandbox.pk, "mine")
    sandbox.refresh_from_db()
    left = (sandbox.expires_at - timezone.now()).total_seconds()
    assert sandbox.state == State.READY
    assert 95 < left <= 100
    assert 1 <= sandbox.ready_seconds < 5
