"""Celery tasks of the courses app."""

from __future__ import annotations

from celery import shared_task
from django.contrib.auth import get_user_model

from courses import authoring, verdicts
from sandbox import lifecycle, replies
from sandbox.errors import SandboxError


@shared_task(name="courses.tasks.run_check")
def run_check(reply_to: str, learner_id: int, sandbox_id: str, task_name: str) -> None:
    """Check a task and answer with its verdict, or BUSY while another check of it runs."""
    learner = get_user_model().objects.get(pk=learner_id)
    try:
        sandbox = lifecycle.get_for(learner, sandbox_id)
        lesson, task = verdicts.task_of(sandbox.course, sandbox.lesson, task_name)
        verdict = verdicts.check_now(sandbox, lesson, task)
    except SandboxError as error:
        # Stopped, or edited away, between the request and now.
        verdict = verdicts.not_checked(error.message)
    replies.answer(reply_to, verdict.as_answer() if verdict else verdicts.BUSY)


@shared_task(name="courses.tasks.run_author_script")
def run_author_script(
    reply_to: str, learner_id: int, sandbox_id: str, task: str, stem: str, timeout_seconds: int
) -> None:
    """Run an author's script of a task on the author's machines and answer with its outcome."""
    learner = get_user_model().objects.get(pk=learner_id)
    try:
        sandbox = lifecycle.get_for(learner, sandbox_id)
        _, scripts = authoring.scripts(sandbox.course, sandbox.lesson, task, stem)
        outcome = authoring.run_scripts(sandbox, scripts, timeout_seconds)
    except SandboxError as error:
        # Stopped, or edited away, between the request and now.
        outcome = {"exit_code": None, "stdout": "", "stderr": error.message}
        outcome |= {"timed_out": False, "seconds": 0.0}
    replies.answer(reply_to, outcome)
