"""Certificates: who may have one, making it, and the public page that proves it."""

from __future__ import annotations

import re
import secrets
from typing import Any

from courses.content import Course
from courses.errors import NotAName, NotFinished
from courses.models import Certificate
from courses.progress import Rows, passed_tasks, task_rows

# 100 bits in letters and digits that are not taken for each other: nobody finds one by trying.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 5
CODE = re.compile(rf"^[{_ALPHABET}]{{{_GROUP}}}(-[{_ALPHABET}]{{{_GROUP}}}){{{_GROUPS - 1}}}$")
_SPACE = re.compile(r"\s+")


def tasks_of(course: Course, rows: Rows) -> tuple[int, int]:
    """(passed, all) tasks of the course."""
    passed = sum(len(passed_tasks(rows, lesson)) for lesson in course.lessons)
    return passed, sum(len(lesson.tasks) for lesson in course.lessons)


def is_finished(course: Course, rows: Rows) -> bool:
    """Whether every task is passed; a course without tasks has no certificate."""
    passed, total = tasks_of(course, rows)
    return total > 0 and passed == total


def of(learner: Any, course: str) -> Certificate | None:
    """The learner's certificate of the course, if there is one."""
    if not learner.is_authenticated:
        return None
    return Certificate.objects.filter(learner=learner, course=course).first()


def find(code: str) -> Certificate | None:
    """The certificate with that code, for anybody."""
    return Certificate.objects.filter(code=code).first() if CODE.match(code) else None


def issue(learner: Any, course: Course, name: str) -> Certificate:
    """Make the learner's certificate; the one that is there already stays as it is.

    Raises NotFinished while a task is open, and NotAName.
    """
    rows = task_rows(learner, course.slug)
    if not is_finished(course, rows):
        raise NotFinished
    row, _ = Certificate.objects.get_or_create(
        learner=learner,
        course=course.slug,
        defaults={
            "code": _code(),
            "name": clean_name(name),
            "course_title": course.title,
            "tasks": tasks_of(course, rows)[1],
            "minutes": course.minutes,
        },
    )
    return row


def withdraw(learner: Any, course: str) -> None:
    """Take the certificate back: its address answers no more, and another one can be made."""
    Certificate.objects.filter(learner=learner, course=course).delete()


def clean_name(name: str) -> str:
    """The name on one line; raises NotAName when nothing readable is left or it is too long."""
    cleaned = _SPACE.sub(" ", "".join(c if c.isprintable() else " " for c in name)).strip()
    if not 1 <= len(cleaned) <= 80 or not any(c.isalnum() for c in cleaned):
        raise NotAName
    return cleaned


def _code() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)
