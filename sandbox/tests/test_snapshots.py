"""A sandbox as browsers and tools see it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from classroom.models import User
from sandbox.models import State
from sandbox.snapshots import snapshot

FIELDS = {
    "id", "course", "lesson", "state", "queue_position", "stage", "stages", "ready_seconds",
    "expires_at", "wait_seconds", "seconds_left", "extensions_left", "machines", "recording", "previews",
    "error",
}  # fmt: skip
MACHINE_FIELDS = {
    "name", "kind", "state", "kernel_release", "boot_id", "image", "notice", "terminal", "terminals", "guest",
}  # fmt: skip


def test_the_fields_are_those_of_the_contract(make_sandbox: Any) -> None:
    shown = snapshot(make_sandbox())
    assert shown.keys() == FIELDS
    assert shown["machines"][0].keys() == MACHINE_FIELDS
    assert shown["machines"][0]["terminal"] == "main"
    assert shown["machines"][0]["terminals"] == [{"name": "main", "title": "main"}]


def test_a_ready_sandbox_says_how_long_it_has(make_sandbox: Any) -> None:
    shown = snapshot(make_sandbox(expires_at=timezone.now() + timedelta(seconds=90)))
    assert 85 <= shown["seconds_left"] <= 90
    assert shown["machines"][0]["state"] == "ready"


def test_time_left_is_never_negative(make_sandbox: Any) -> None:
    assert snapshot(make_sandbox(expires_at=timezone.now() - timedelta(60)))["seconds_left"] == 0


@pytest.mark.parametrize("state", [State.REQUESTED, State.STARTING, State.GONE])
def test_what_is_not_up_has_no_time_left(make_sandbox: Any, state: str) -> None:
    shown = snapshot(make_sandbox(state))
    assert shown["seconds_left"] is None
    assert shown["machines"][0]["state"] == state


def test_the_queue_counts_from_one(make_sandbox: Any) -> None:
    people = [User.objects.create_user(f"p{number}") for number in range(3)]
    waiting = [make_sandbox(State.QUEUED, learner=person) for person in people]
    assert [snapshot(sandbox)["queue_position"] for sandbox in waiting] == [1, 2, 3]


def test_the_latest_stage_is_named(make_sandbox: Any) -> None:
    stages = [{"name": "created", "seconds": 0.1}, {"name": "started", "seconds": 0.4}]
    assert snapshot(make_sandbox(State.STARTING, stages=stages))["stage"] == "started"


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        (State.QUEUED, "waiting for room"),
        (State.REQUESTED, "waiting for a worker"),
        (State.STARTING, "starting"),
        (State.READY, None),
    ],
)
def test_what_waits_says_what_for(make_sandbox: Any, state: str, stage: str | None) -> None:
    assert snapshot(make_sandbox(state))["stage"] == stage


def test_an_error_has_code_message_and_hint(make_sandbox: Any) -> None:
    sandbox = make_sandbox(
        State.FAILED, error_code="machine_died", error_message="It died.", error_hint="Start."
    )
    assert snapshot(sandbox)["error"] == {
        "code": "machine_died",
        "message": "It died.",
        "hint": "Start.",
    }
    assert snapshot(make_sandbox())["error"] is None
