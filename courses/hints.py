"""Revealing a task's hints one by one, and its solution after a try."""

from __future__ import annotations

from typing import Any

from django.db.models import F

from courses.content import Lesson, Task
from courses.errors import TaskNotFound, TryFirst
from courses.models import TaskProgress


def reveal_hint(learner: Any, course: str, lesson: Lesson, name: str) -> dict[str, Any]:
    """Show one more hint: {"shown", "total", "html"}; the last one again when all are shown.

    Raises TaskNotFound.
    """
    task = _task(lesson, name)
    total = len(task.hints_html)
    row, _ = TaskProgress.objects.get_or_create(
        learner=learner, course=course, lesson=lesson.slug, task=name
    )
    # Conditional, so that two clicks at once never count past the last hint.
    TaskProgress.objects.filter(pk=row.pk, hints_shown__lt=total).update(
        hints_shown=F("hints_shown") + 1
    )
    row.refresh_from_db(fields=["hints_shown"])
    shown = min(row.hints_shown, total)
    return {"shown": shown, "total": total, "html": task.hints_html[shown - 1] if shown else ""}


def reveal_solution(learner: Any, course: str, lesson: Lesson, name: str) -> str:
    """The solution as HTML. Raises TaskNotFound, and TryFirst before the first check."""
    task = _task(lesson, name)
    tried = TaskProgress.objects.filter(
        learner=learner, course=course, lesson=lesson.slug, task=name, tries__gt=0
    )
    if not tried.update(solution_shown=True):
        raise TryFirst
    return task.solution_html


def _task(lesson: Lesson, name: str) -> Task:
    task = lesson.task(name)
    if task is None:
        raise TaskNotFound
    return task
