"""Checks: what counts as passed, what is kept, what is told, and no two at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from courses import verdicts
from courses.models import TaskProgress
from sandbox.errors import EngineDown
from sandbox.machines import ScriptResult

pytestmark = pytest.mark.django_db


def result(exit_code=0, stdout="fine\n", stderr="", timed_out=False):
    return ScriptResult(exit_code, stdout, stderr, timed_out, 0.25)


@pytest.fixture
def told(monkeypatch):
    """Events that were published."""
    events = []
    monkeypatch.setattr(
        verdicts.events, "publish", lambda sandbox_id, event: events.append((sandbox_id, event))
    )
    return events


@pytest.fixture
def machine(monkeypatch):
    """A machine that answers with what a test puts into `answers`, and remembers its calls."""

    class Machine:
        def __init__(self):
            self.answers = [result()]
            self.calls = []

        def run(self, sandbox, name, script, **options):
            self.calls.append((name, script, options))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

    fake = Machine()
    monkeypatch.setattr(verdicts.machines, "run_script", fake.run)
    return fake


@pytest.fixture
def check(sandbox, hull, told, machine):
    """Check a task by name."""
    return lambda name="float": verdicts.check_now(sandbox, hull, hull.task(name))


def row(task="float"):
    return TaskProgress.objects.get(task=task)


def test_pass_is_kept_and_told(check, sandbox, told, machine):
    machine.answers = [result(stdout="one\nIt floats.\n\n")]
    assert check() == verdicts.Verdict(True, "It floats.", 0.25)
    kept = row()
    assert (kept.state, kept.tries, kept.feedback) == ("passed", 1, "It floats.")
    assert kept.passed_at is not None
    assert told == [
        (
            sandbox.pk,
            {
                "type": "task",
                "task": "float",
                "passed": True,
                "feedback": "It floats.",
                "seconds": 0.25,
            },
        )
    ]


def test_check_gets_nothing_but_lab_variables(check, machine):
    check()
    name, script, options = machine.calls[0]
    assert (name, script) == ("laptop", "echo fine\n")
    assert options["env"] == {
        "LAB_COURSE": "boats",
        "LAB_LESSON": "hull",
        "LAB_TASK": "float",
        "LAB_MACHINE": "laptop",
    }
    assert (options["user"], options["timeout_seconds"]) == ("root", 5)


def test_failure_is_kept(check, machine):
    machine.answers = [result(1, "Write the file first.\n")]
    assert check().passed is False
    assert (row().state, row().tries, row().feedback) == ("failing", 1, "Write the file first.")


def test_passed_stays_passed_and_the_answer_says_it_fails_now(check, machine, told):
    check()
    first_pass = row().passed_at
    machine.answers = [result(1, "It sank.\n")]
    assert check().passed is False
    assert (row().state, row().feedback, row().tries) == ("passed", "fine", 2)
    assert row().passed_at == first_pass
    assert told[-1][1]["passed"] is False


def test_time_out_is_told_honestly_and_is_no_try(check, machine):
    machine.answers = [result(None, timed_out=True)]
    verdict = check()
    assert "no answer within 5 s" in verdict.feedback
    assert (row().tries, row().state) == (0, "open")


def test_engine_trouble_is_told_honestly_and_is_no_try(check, machine, told):
    machine.answers = [EngineDown()]
    verdict = check()
    assert (verdict.passed, verdict.counted) == (False, False)
    assert "Docker engine" in verdict.feedback
    assert row().tries == 0
    assert told[-1][1]["passed"] is False


def test_claim_is_given_back_after_trouble(check, machine):
    machine.answers = [RuntimeError("boom")]
    with pytest.raises(RuntimeError):
        check()
    assert row().checking_since is None


def test_second_check_does_not_start_beside_a_running_one(check, machine, sandbox, hull):
    verdicts._row(sandbox, hull.task("float"))
    TaskProgress.objects.update(checking_since=timezone.now())
    assert check() is None
    assert machine.calls == []


def test_check_of_another_task_is_not_held_up(check, sandbox, hull):
    verdicts._row(sandbox, hull.task("float"))
    TaskProgress.objects.update(checking_since=timezone.now())
    assert check("sink") is not None


def test_claim_of_a_dead_worker_is_taken_over(check, sandbox, hull):
    verdicts._row(sandbox, hull.task("float"))
    TaskProgress.objects.update(checking_since=timezone.now() - timedelta(seconds=60))
    assert check().passed is True


def test_passing_opens_the_next_task_once(check, machine):
    check()
    assert [call[1] for call in machine.calls] == ["echo fine\n", "echo later\n"]
    check()
    assert len(machine.calls) == 3


def test_failing_set_up_of_the_next_task_does_not_spoil_the_verdict(check, machine):
    machine.answers = [result(), result(1, stderr="no")]
    assert check().passed is True


def test_missing_need_is_named_until_it_is_passed(check, learner, hull):
    need = verdicts.missing_need(learner, "boats", hull, hull.task("sink"))
    assert verdicts.held_back(need).feedback == "First pass task 1, “Make it float”."
    check()
    assert verdicts.missing_need(learner, "boats", hull, hull.task("sink")) is None


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("", ""),
        ("\n \n", ""),
        ("a\n  b  \n\n", "b"),
        ("\x1b[31mred\x1b[0m\n", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("10%\r100%", "100%"),
        ("done\r\n", "done"),
        ("<b>x</b>", "<b>x</b>"),
        ("x" * 1000, "x" * 299 + "…"),
        ("a\x00b\x08", "ab"),
    ],
)
def test_feedback_is_the_last_line_as_plain_text(output, line):
    assert verdicts.last_line(output) == line


def test_silent_check_gets_words(hull):
    assert verdicts.judge(result(0, ""), hull.tasks[0]).feedback == "Passed."
    assert verdicts.judge(result(3, ""), hull.tasks[0]).feedback


def test_check_that_comes_while_one_runs_gets_nothing(sandbox, hull, told, monkeypatch):
    inner = []

    def meanwhile(*args, **options):
        inner.append(verdicts.check_now(sandbox, hull, hull.task("sink")))
        return result()

    monkeypatch.setattr(verdicts.machines, "run_script", meanwhile)
    assert verdicts.check_now(sandbox, hull, hull.task("sink")).passed is True
    assert inner == [None]
    assert row("sink").tries == 1


def test_waiting_ends_when_the_running_check_does(sandbox, hull, monkeypatch):
    task = hull.task("sink")
    verdicts._row(sandbox, task)
    TaskProgress.objects.update(checking_since=timezone.now())
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            TaskProgress.objects.update(checking_since=None)

    monkeypatch.setattr(verdicts.time, "sleep", sleep)
    verdicts.wait_while_checking(sandbox, task, 60)
    assert len(slept) == 3
