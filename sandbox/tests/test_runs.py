"""Runs: asked for, taken one at a time, kept with the learner, summed up over a lesson."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from classroom.models import User
from sandbox import experiments, runs
from sandbox.errors import MachineDied, RunLive, SandboxNotReady
from sandbox.measured import Run
from sandbox.models import Sandbox
from sandbox.values import SECONDS, taker

Made = Any


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Events that would go to browsers."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr("sandbox.events.publish", lambda _id, event: sent.append(event))
    return sent


@pytest.fixture
def sandbox(make_sandbox: Made, silent: Any) -> Sandbox:
    return make_sandbox()


def finished(learner: User, sides: dict[str, dict[str, Any]], what: str = "race") -> Run:
    return Run.objects.create(
        learner=learner, course="course", lesson="lesson", what=what, state="done",
        outcome={"sides": sides},
    )  # fmt: skip


def test_a_request_goes_to_a_worker_after_the_commit(
    sandbox: Sandbox, dispatched: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        run = runs.request(sandbox, "race")
        assert dispatched == []
    assert dispatched == [("experiment", run.pk)]


def test_a_second_run_on_the_same_machines_is_refused(sandbox: Sandbox) -> None:
    runs.request(sandbox, "race")
    with pytest.raises(RunLive):
        runs.request(sandbox, "measure")


def test_machines_that_are_not_ready_are_not_measured(make_sandbox: Made, silent: Any) -> None:
    with pytest.raises(SandboxNotReady):
        runs.request(make_sandbox("starting"), "measure")


def test_a_run_is_claimed_once(sandbox: Sandbox) -> None:
    run = runs.request(sandbox, "race")
    assert runs.claim(run.pk) is not None
    assert runs.claim(run.pk) is None


@pytest.fixture
def three_waiting(make_sandbox: Made, silent: Any, settings: Any) -> list[Run]:
    """Three races of three learners where two may go on at once."""
    settings.SANDBOX_RUNS_IN_FLIGHT = 2
    learners = [User.objects.create_user(f"learner-{n}") for n in range(3)]
    return [runs.request(make_sandbox(learner=each), "race") for each in learners]


def test_loading_runs_go_few_at_a_time_and_in_order(three_waiting: list[Run]) -> None:
    first, second, third = three_waiting
    assert runs.claim(third.pk) is None, "two are before it"
    held = runs.claim(first.pk)
    assert runs.claim(second.pk) is not None
    assert runs.claim(third.pk) is None
    runs.finish(held, values=[], outcome={})
    assert runs.claim(third.pk) is not None


def test_a_plain_measurement_needs_no_turn(three_waiting: list[Run], make_sandbox: Made) -> None:
    for each in three_waiting:
        runs.claim(each.pk)
    other = make_sandbox(learner=User.objects.create_user("other"))
    assert runs.claim(runs.request(other, "measure").pk) is not None


def test_a_run_whose_worker_went_away_is_given_up(sandbox: Sandbox) -> None:
    run = runs.claim(runs.request(sandbox, "race").pk)
    late = timezone.now() - timedelta(seconds=runs.LONGEST_SECONDS + 1)
    Run.objects.filter(pk=run.pk).update(started_at=late)
    runs.sweep()
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", runs.TOO_LONG)
    # What the worker brings afterwards changes nothing.
    runs.finish(run, values=[], outcome={"late": True})
    run.refresh_from_db()
    assert run.state == "failed"


def test_a_run_ends_with_its_machines(sandbox: Sandbox) -> None:
    run = runs.request(sandbox, "race")
    Sandbox.objects.filter(pk=sandbox.pk).update(state="gone")
    runs.sweep()
    run.refresh_from_db()
    assert run.state == "failed"


def test_a_worker_keeps_values_and_outcome(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, silent: list[dict[str, Any]],
    dispatched: Any,
) -> None:  # fmt: skip
    value = taker("vm", emulated=True)("seconds", 1.5, SECONDS, "with a watch")
    monkeypatch.setattr("sandbox.race.race", lambda _sandbox, say: ([value], {"sides": {}}))
    run = runs.request(sandbox, "race")
    experiments.carry_out(run.pk)
    run.refresh_from_db()
    assert run.state == "done"
    kept = run.values[0]
    assert (kept["value"], kept["unit"], kept["how"]) == (1.5, "s", "with a watch")
    assert kept["emulated"] is True
    assert kept["taken_at"]
    assert [event["state"] for event in silent if event["type"] == "measure"] == ["running", "done"]


def test_a_machine_that_dies_ends_the_run_with_its_words(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, dispatched: Any
) -> None:
    def dies(_sandbox: Sandbox) -> None:
        raise MachineDied

    monkeypatch.setattr("sandbox.measure.measure", dies)
    run = runs.request(sandbox, "measure")
    experiments.carry_out(run.pk)
    run.refresh_from_db()
    assert run.state == "failed"
    assert MachineDied.message in run.error


def test_a_sandbox_without_a_vm_cannot_race(sandbox: Sandbox, dispatched: Any) -> None:
    run = runs.request(sandbox, "race")
    experiments.carry_out(run.pk)
    run.refresh_from_db()
    assert "virtual machine" in run.error


def test_medians_weigh_each_learner_once(learner: User, stranger: User) -> None:
    for seconds in (1.0, 1.0, 1.0, 9.0):
        finished(learner, {"vm": {"seconds": seconds, "emulated": True}})
    finished(stranger, {"vm": {"seconds": 3.0, "emulated": True}, "container": {"seconds": 0.3}})
    found = runs.medians("course", "lesson", "race")
    assert (found["learners"], found["runs"]) == (2, 5)
    assert found["sides"] == {"vm": {"seconds": 2.0}, "container": {"seconds": 0.3}}
    assert runs.medians("course", "other", "race")["learners"] == 0


def test_old_samples_are_dropped_and_races_kept(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "SAMPLES_KEPT", 2)
    for what in ("race", "measure", "measure", "measure"):
        run = runs.claim(runs.request(sandbox, what).pk)
        runs.finish(run, values=[], outcome={})
    assert sorted(Run.objects.values_list("what", flat=True)) == ["measure", "measure", "race"]


def test_api_starts_a_run_of_ones_own(sandbox: Sandbox, client: Client, dispatched: Any) -> None:
    client.force_login(sandbox.learner)
    path = f"/api/v1/sandboxes/{sandbox.pk}/runs"
    answer = client.post(path, {"what": "race"}, content_type="application/json")
    assert answer.status_code == 202
    assert answer.json()["state"] == "waiting"
    again = client.post(path, {"what": "race"}, content_type="application/json")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "run_live")
    odd = client.post(path, {"what": "burn"}, content_type="application/json")
    assert odd.status_code == 422


def test_stranger_cannot_start_a_run(sandbox: Sandbox, stranger: User, client: Client) -> None:
    client.force_login(stranger)
    path = f"/api/v1/sandboxes/{sandbox.pk}/runs"
    assert client.post(path, {"what": "race"}, content_type="application/json").status_code == 404


def test_api_lists_ones_own_runs_only(learner: User, stranger: User, client: Client) -> None:
    mine = finished(learner, {"vm": {"seconds": 2.0}})
    finished(stranger, {"vm": {"seconds": 4.0}})
    client.force_login(learner)
    found = client.get("/api/v1/runs?course=course&lesson=lesson&what=race").json()
    assert [run["run"] for run in found["mine"]] == [mine.pk]
    assert found["medians"]["sides"]["vm"]["seconds"] == 3.0
    client.logout()
    assert client.get("/api/v1/runs?course=c&lesson=l&what=race").status_code == 401
