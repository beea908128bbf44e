"""Asking a worker to check a task, from a request."""

from __future__ import annotations

from typing import Any

from courses import verdicts
from courses.tasks import run_check
from sandbox import lifecycle, replies
from sandbox.errors import SandboxNotReady

# How much longer than the check itself a request waits for the worker.
MARGIN_SECONDS = 2
USABLE_STATES = frozenset({"ready", "expiring"})


def request_check(learner: Any, sandbox_id: str, task_name: str) -> dict[str, Any] | None:
    """The verdict as JSON; None when it is still to come, by an event.

    A second check of the same task waits for the one that runs and then runs itself, as the
    learner may have gone on meanwhile; when a third is faster, its event tells.
    Raises SandboxNotFound, SandboxNotReady, TaskNotFound.
    """
    sandbox = lifecycle.get_for(learner, sandbox_id)
    lesson, task = verdicts.task_of(sandbox.course, sandbox.lesson, task_name)
    if sandbox.state not in USABLE_STATES:
        raise SandboxNotReady
    if need := verdicts.missing_need(learner, sandbox.course, lesson, task):
        return verdicts.held_back(need).as_answer()
    timeout_seconds = task.timeout_seconds + MARGIN_SECONDS
    question = (learner.pk, sandbox_id, task_name)
    answer = replies.ask(run_check, *question, timeout_seconds=timeout_seconds)
    if answer == verdicts.BUSY:
        verdicts.wait_while_checking(sandbox, task, timeout_seconds)
        answer = replies.ask(run_check, *question, timeout_seconds=timeout_seconds)
    return None if answer == verdicts.BUSY else answer
