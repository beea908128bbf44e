"""The check endpoint: owner, stranger, states, waiting."""

import pytest

from courses import checks, tasks, verdicts
from courses.models import TaskProgress
from sandbox.machines import ScriptResult
from sandbox.models import Sandbox, State

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(monkeypatch):
    """A worker in this process: asking runs the task at once."""
    answers = []
    monkeypatch.setattr(tasks.replies, "answer", lambda reply_to, payload: answers.append(payload))
    monkeypatch.setattr(verdicts.events, "publish", lambda sandbox_id, event: None)
    monkeypatch.setattr(
        verdicts.machines,
        "run_script",
        lambda *args, **options: ScriptResult(0, "fine\n", "", False, 0.1),
    )

    def ask(task, *args, timeout_seconds):
        task("reply", *args)
        return answers[-1]

    monkeypatch.setattr(checks.replies, "ask", ask)
    return answers


def check(client, sandbox, task="float"):
    return client.post(f"/api/v1/sandboxes/{sandbox.pk}/tasks/{task}/check")


def test_owner_gets_the_verdict(own, sandbox, worker):
    said = check(own, sandbox)
    assert said.status_code == 200
    assert said.json() == {"passed": True, "feedback": "fine", "seconds": 0.1}


def test_stranger_gets_404(stranger, sandbox, worker):
    assert check(stranger, sandbox).status_code == 404
    assert worker == []
    assert not TaskProgress.objects.exists()


def test_visitor_gets_404(client, sandbox, worker):
    assert check(client, sandbox).status_code == 404


def test_missing_task_is_404(own, sandbox, worker):
    assert check(own, sandbox, "nope").status_code == 404


def test_wrong_method_is_405(own, sandbox):
    assert own.get(f"/api/v1/sandboxes/{sandbox.pk}/tasks/float/check").status_code == 405


def test_machines_that_are_not_ready_are_409(own, sandbox, worker):
    Sandbox.objects.update(state=State.STARTING)
    said = check(own, sandbox)
    assert (said.status_code, said.json()["error"]["code"]) == (409, "sandbox_not_ready")


def test_need_is_named_and_nothing_runs(own, sandbox, worker):
    said = check(own, sandbox, "sink").json()
    assert (said["passed"], said["feedback"]) == (False, "First pass task 1, “Make it float”.")
    assert worker == []


def test_no_answer_in_time_is_202(own, sandbox, monkeypatch):
    waited = []

    def ask(task, *args, timeout_seconds):
        waited.append(timeout_seconds)

    monkeypatch.setattr(checks.replies, "ask", ask)
    said = check(own, sandbox)
    assert (said.status_code, said.json()) == (202, {"pending": True})
    assert waited == [7]


def test_busy_check_is_waited_for_and_then_made(own, sandbox, worker, monkeypatch):
    answers = [verdicts.BUSY, {"passed": True, "feedback": "x", "seconds": 0.1}]
    monkeypatch.setattr(checks.replies, "ask", lambda *args, **options: answers.pop(0))
    monkeypatch.setattr(verdicts, "wait_while_checking", lambda *args: None)
    assert check(own, sandbox).json()["passed"] is True
    assert answers == []


def test_sandbox_stopped_meanwhile_is_told_honestly(own, sandbox, worker, learner):
    Sandbox.objects.all().delete()
    tasks.run_check("reply", learner.pk, sandbox.pk, "float")
    assert worker[-1]["passed"] is False
    assert worker[-1]["feedback"].startswith("Not checked: ")
