"""How far a learner is: per task, lesson and course."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from courses.content import Course, Lesson, Machine, Task
from courses.models import LessonVisit, TaskProgress

Rows = Mapping[tuple[str, str], TaskProgress]
Visits = Mapping[str, datetime]


@dataclass(frozen=True)
class LessonProgress:
    """A lesson and how many of its tasks are passed; state is open, now or done."""

    lesson: Lesson
    state: str
    passed: int
    total: int

    @property
    def machines(self) -> tuple[Machine, ...]:
        return self.lesson.machines

    @property
    def minutes_left(self) -> int:
        """The author's minutes for the part that is not done, in proportion to its tasks."""
        if self.state == "done":
            return 0
        share = (self.total - self.passed) / self.total if self.total else 1.0
        return max(1, round(self.lesson.minutes * share))


@dataclass(frozen=True)
class Resume:
    """Where to go on: the lesson, its next task (if any) and the minutes left in it."""

    lesson: Lesson
    task: Task | None
    minutes_left: int


@dataclass(frozen=True)
class CourseProgress:
    """All lessons of a course for one learner; `done` of `total` lessons are finished."""

    legs: tuple[LessonProgress, ...]
    resume: Resume | None

    @property
    def done(self) -> int:
        return sum(leg.state == "done" for leg in self.legs)

    @property
    def total(self) -> int:
        return len(self.legs)

    @property
    def minutes_left(self) -> int:
        return sum(leg.minutes_left for leg in self.legs)


def task_rows(
    learner: Any, course: str, lesson: str | None = None
) -> dict[tuple[str, str], TaskProgress]:
    """The learner's rows by (lesson, task); empty for an anonymous visitor."""
    if not learner.is_authenticated:
        return {}
    rows = TaskProgress.objects.filter(learner=learner, course=course)
    if lesson is not None:
        rows = rows.filter(lesson=lesson)
    return {(row.lesson, row.task): row for row in rows}


def visits(learner: Any, course: str) -> dict[str, datetime]:
    """When the learner last opened each lesson of the course."""
    if not learner.is_authenticated:
        return {}
    found = LessonVisit.objects.filter(learner=learner, course=course)
    return dict(found.values_list("lesson", "last_at"))


def all_task_rows(learner: Any) -> dict[str, dict[tuple[str, str], TaskProgress]]:
    """The learner's rows by course, then (lesson, task): one query for a page of all courses."""
    found: dict[str, dict[tuple[str, str], TaskProgress]] = {}
    if learner.is_authenticated:
        for row in TaskProgress.objects.filter(learner=learner):
            found.setdefault(row.course, {})[row.lesson, row.task] = row
    return found


def all_visits(learner: Any) -> dict[str, dict[str, datetime]]:
    """When the learner last opened each lesson, by course."""
    found: dict[str, dict[str, datetime]] = {}
    if learner.is_authenticated:
        rows = LessonVisit.objects.filter(learner=learner)
        for course, lesson, last_at in rows.values_list("course", "lesson", "last_at"):
            found.setdefault(course, {})[lesson] = last_at
    return found


def record_visit(learner: Any, course: str, lesson: str) -> None:
    """Note that the learner opened the lesson; nothing is kept of anonymous visitors."""
    if not learner.is_authenticated:
        return
    key = {"learner": learner, "course": course, "lesson": lesson}
    now = timezone.now()
    # Nearly always the row is there: one UPDATE instead of a transaction of three queries.
    if not LessonVisit.objects.filter(**key).update(last_at=now):
        LessonVisit.objects.get_or_create(**key, defaults={"last_at": now})


def course_progress(
    course: Course, rows: Rows, seen: Visits, now: Lesson | None = None
) -> CourseProgress:
    """The course from the learner's rows and visits.

    `now` is the lesson at hand; without one it is where the learner should go on.
    """
    current = now or _lesson_to_resume(course, rows, seen)
    legs = tuple(_leg(lesson, rows, seen, current) for lesson in course.lessons)
    resume = None
    if current is not None:
        leg = next(leg for leg in legs if leg.lesson.slug == current.slug)
        resume = Resume(current, _next_task(current, rows), leg.minutes_left)
    return CourseProgress(legs, resume)


def summary(course: Course, rows: Rows, seen: Visits) -> CourseProgress:
    """`course_progress` for a list of courses: of one that nobody touched, only its beginning."""
    if rows or seen:
        return course_progress(course, rows, seen)
    first = course.lessons[0]
    leg = LessonProgress(first, "now", 0, len(first.tasks))
    untouched = tuple(LessonProgress(lesson, "open", 0, 0) for lesson in course.lessons[1:])
    return CourseProgress((leg, *untouched), Resume(first, _next_task(first, rows), first.minutes))


def is_done(lesson: Lesson, rows: Rows, seen: Visits) -> bool:
    """All tasks passed; a lesson without tasks is done once it was opened."""
    if not lesson.tasks:
        return lesson.slug in seen
    return _passed(lesson, rows) == len(lesson.tasks)


def _leg(lesson: Lesson, rows: Rows, seen: Visits, current: Lesson | None) -> LessonProgress:
    if current is not None and lesson.slug == current.slug:
        state = "now"
    else:
        state = "done" if is_done(lesson, rows, seen) else "open"
    return LessonProgress(lesson, state, _passed(lesson, rows), len(lesson.tasks))


def _passed(lesson: Lesson, rows: Rows) -> int:
    return sum(_is_passed(rows.get((lesson.slug, task.name))) for task in lesson.tasks)


def _is_passed(row: TaskProgress | None) -> bool:
    return row is not None and row.state == TaskProgress.State.PASSED


def _lesson_to_resume(course: Course, rows: Rows, seen: Visits) -> Lesson | None:
    """The lesson opened last if it is unfinished, else the first unfinished one."""
    unfinished = [lesson for lesson in course.lessons if not is_done(lesson, rows, seen)]
    opened = [lesson for lesson in unfinished if lesson.slug in seen]
    if opened:
        return max(opened, key=lambda lesson: seen[lesson.slug])
    return unfinished[0] if unfinished else None


def _next_task(lesson: Lesson, rows: Rows) -> Task | None:
    return next(
        (task for task in lesson.tasks if not _is_passed(rows.get((lesson.slug, task.name)))), None
    )


def passed_tasks(rows: Rows, lesson: Lesson) -> frozenset[str]:
    """Names of the lesson's tasks that the learner has passed."""
    return frozenset(
        task.name for task in lesson.tasks if _is_passed(rows.get((lesson.slug, task.name)))
    )
