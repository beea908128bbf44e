"""Checking a task: run its check.sh on the learner's machine, keep and tell the verdict."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from courses.catalogue import get_lesson
from courses.content import Lesson, Task
from courses.errors import TaskNotFound
from courses.launch import opened_by
from courses.models import FEEDBACK_LENGTH, TaskProgress
from courses.progress import passed_tasks, task_rows
from sandbox import events, machines
from sandbox.errors import SandboxError
from sandbox.machines import ScriptResult

logger = logging.getLogger(__name__)

# A claim this much older than the check's own limit belongs to a worker that died.
CLAIM_GRACE_SECONDS = 15
POLL_SECONDS = 0.2
# The worker's answer while another check of the same task runs.
BUSY = {"busy": True}
SETUP_TIMEOUT_SECONDS = 60
_CONTROL = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


@dataclass(frozen=True)
class Verdict:
    """What a check found. `counted` is False when the check itself could not be made."""

    passed: bool
    feedback: str
    seconds: float
    counted: bool = True

    def as_answer(self) -> dict[str, Any]:
        """The API's JSON."""
        answer = asdict(self)
        del answer["counted"]
        return answer


def task_of(course: str, lesson: str, name: str) -> tuple[Lesson, Task]:
    """The lesson and its task; raises CourseNotFound, LessonNotFound or TaskNotFound."""
    _, found = get_lesson(course, lesson)
    task = found.task(name)
    if task is None:
        raise TaskNotFound
    return found, task


def missing_need(learner: Any, course: str, lesson: Lesson, task: Task) -> Task | None:
    """The first task that must be passed before this one and is not."""
    passed = passed_tasks(task_rows(learner, course, lesson.slug), lesson)
    return next(
        (other for other in lesson.tasks if other.name in task.needs and other.name not in passed),
        None,
    )


def held_back(need: Task) -> Verdict:
    """The answer for a task whose turn has not come; not a try."""
    text = f"First pass task {need.number}, “{need.title}”."
    return Verdict(False, text, 0.0, counted=False)


def check_now(sandbox: Any, lesson: Lesson, task: Task) -> Verdict | None:
    """Make the check and keep, tell and return its verdict; None while another one runs.

    For worker processes: blocks for up to the task's time-out.
    """
    row = _row(sandbox, task)
    if not _claim(row, task):
        return None
    try:
        verdict = run_check(sandbox, task)
    finally:
        TaskProgress.objects.filter(pk=row.pk).update(checking_since=None)
    if verdict.counted:
        passed_before = passed_tasks(
            task_rows(sandbox.learner, sandbox.course, sandbox.lesson), lesson
        )
        _keep(row, verdict)
        if verdict.passed:
            open_next(sandbox, lesson, task, passed_before)
    events.publish(sandbox.id, {"type": "task", "task": task.name, **verdict.as_answer()})
    return verdict


def run_check(sandbox: Any, task: Task) -> Verdict:
    """Run check.sh and judge it; nothing is kept. Engine trouble is a verdict, not counted."""
    try:
        result = machines.run_script(
            sandbox,
            task.machine,
            task.check,
            user=task.user,
            env=lab_environment(sandbox, task),
            timeout_seconds=task.timeout_seconds,
        )
    except SandboxError as error:
        logger.warning("check %s in sandbox %s: %s", task.name, sandbox.id, error, exc_info=True)
        return not_checked(error.message)
    return judge(result, task)


def not_checked(message: str, seconds: float = 0.0) -> Verdict:
    """The verdict of a check that could not be made; not a try."""
    return Verdict(False, f"Not checked: {message}", seconds, counted=False)


def judge(result: ScriptResult, task: Task) -> Verdict:
    """Exit status 0 passes; the last non-empty line of stdout is the feedback."""
    if result.timed_out:
        text = f"no answer within {task.timeout_seconds} s. Check again, or press Reset."
        return not_checked(text, result.seconds)
    passed = result.exit_code == 0
    feedback = last_line(result.stdout)
    if not feedback:
        feedback = "Passed." if passed else "Not there yet. Read the task once more."
    return Verdict(passed, feedback, result.seconds)


def last_line(output: str) -> str:
    """The last non-empty line as plain text, bounded, without terminal control codes."""
    for line in reversed(output.split("\n")):
        text = _CONTROL.sub("", line.rpartition("\r")[2] or line).strip()
        if text:
            return text if len(text) <= FEEDBACK_LENGTH else f"{text[: FEEDBACK_LENGTH - 1]}…"
    return ""


def lab_environment(sandbox: Any, task: Task) -> dict[str, str]:
    """All that a check is told about the platform."""
    return {
        "LAB_COURSE": sandbox.course,
        "LAB_LESSON": sandbox.lesson,
        "LAB_TASK": task.name,
        "LAB_MACHINE": task.machine,
    }


def wait_while_checking(sandbox: Any, task: Task, timeout_seconds: float) -> None:
    """Return when no check of this task runs any more, at the latest after the time-out."""
    deadline = time.monotonic() + timeout_seconds
    row = _row(sandbox, task)
    running = TaskProgress.objects.filter(pk=row.pk).exclude(_free(task))
    while running.exists() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _row(sandbox: Any, task: Task) -> TaskProgress:
    row, _ = TaskProgress.objects.get_or_create(
        learner=sandbox.learner, course=sandbox.course, lesson=sandbox.lesson, task=task.name
    )
    return row


def _free(task: Task) -> Q:
    """Rows of this task that no living worker checks."""
    stale = timezone.now() - timedelta(seconds=task.timeout_seconds + CLAIM_GRACE_SECONDS)
    return Q(checking_since=None) | Q(checking_since__lt=stale)


def _claim(row: TaskProgress, task: Task) -> bool:
    """Take the right to check. No row updated: another worker has it."""
    free = TaskProgress.objects.filter(_free(task), pk=row.pk)
    return bool(free.update(checking_since=timezone.now()))


def _keep(row: TaskProgress, verdict: Verdict) -> None:
    """Count the try. What was passed once stays passed, with the words it passed with."""
    rows = TaskProgress.objects.filter(pk=row.pk)
    now = timezone.now()
    changes: dict[str, Any] = {
        "state": TaskProgress.State.FAILING,
        "feedback": verdict.feedback,
        "seconds": verdict.seconds,
        "updated_at": now,
    }
    if verdict.passed:
        changes["state"] = TaskProgress.State.PASSED
        rows.filter(passed_at=None).update(passed_at=now)
        rows.update(tries=F("tries") + 1, **changes)
        return
    rows.update(tries=F("tries") + 1)
    rows.exclude(state=TaskProgress.State.PASSED).update(**changes)


def open_next(sandbox: Any, lesson: Lesson, task: Task, passed_before: frozenset[str]) -> None:
    """Run the set-up of the tasks that this verdict opened."""
    for opened in opened_by(lesson, passed_before, task):
        try:
            result = machines.run_script(
                sandbox,
                opened.machine,
                opened.setup or "",
                env=lab_environment(sandbox, opened),
                timeout_seconds=SETUP_TIMEOUT_SECONDS,
            )
        except SandboxError as error:
            logger.warning("set-up of %s in sandbox %s: %s", opened.name, sandbox.id, error)
            continue
        if result.exit_code != 0:
            logger.warning(
                "set-up of %s in sandbox %s: exit %s, %s",
                *(opened.name, sandbox.id, result.exit_code, result.stderr[-500:]),
            )
