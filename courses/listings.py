"""Courses, lessons and progress as the API's JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from courses import catalogue
from courses.blocks import Block, PredictBlock, QuizBlock, RevealBlock, TaskBlock
from courses.content import Course, Lesson
from courses.models import Prediction, TaskProgress
from courses.page import LearnerLesson, reveals_later
from courses.progress import (
    CourseProgress,
    LessonProgress,
    Rows,
    course_progress,
    task_rows,
    visits,
)


def lesson(learner: Any, course: Course, lesson: Lesson) -> dict[str, Any]:
    """The lesson with the learner's state; right answers only of what was answered."""
    state = LearnerLesson.of(learner, course, lesson)
    return {
        "course": course.slug,
        "slug": lesson.slug,
        "number": lesson.number,
        "title": lesson.title,
        "summary": lesson.summary,
        "minutes": lesson.minutes,
        "objectives": list(lesson.objectives),
        "machines": [asdict(machine) for machine in lesson.machines],
        "previews": [asdict(preview) for preview in lesson.previews],
        "layout": lesson.layout,
        "steps": [step(block) for block in state.blocks()],
        "tasks": [asdict(view) for view in state.tasks()],
        "quizzes": [asdict(state.quiz(name)) for name in lesson.quizzes],
        "predictions": [
            asdict(state.prediction(name, at_reveal=reveals_later(lesson, name)))
            for name in lesson.predictions
        ],
    }


def step(block: Block) -> dict[str, Any]:
    """One block; tasks, quizzes and predictions by name, as they are listed beside the steps."""
    kind = type(block).__name__.removesuffix("Block").lower()
    if isinstance(block, TaskBlock):
        return {"type": kind, "content": {"name": block.task.name}}
    if isinstance(block, QuizBlock):
        return {"type": kind, "content": {"name": block.quiz.name}}
    if isinstance(block, PredictBlock | RevealBlock):
        return {"type": kind, "content": {"name": block.prediction.name}}
    return {"type": kind, "content": asdict(block)}


def progress(learner: Any) -> dict[str, Any]:
    """How far the learner is, in every course."""
    return {"courses": [_course(learner, course) for course in catalogue.courses()]}


def kept(lesson: Lesson, row: Prediction) -> dict[str, Any]:
    """A kept guess, with the outcome unless the lesson comes back to it later."""
    outcome = lesson.predictions[row.prediction].outcome_html
    later = reveals_later(lesson, row.prediction)
    return {
        "value": lesson.predictions[row.prediction].to_show(row.value),
        "kept_at": row.kept_at,
        "outcome_html": None if later else outcome,
    }


def _course(learner: Any, course: Course) -> dict[str, Any]:
    rows = task_rows(learner, course.slug)
    found: CourseProgress = course_progress(course, rows, visits(learner, course.slug))
    return {
        "slug": course.slug,
        "title": course.title,
        "done": found.done,
        "total": found.total,
        "minutes_left": found.minutes_left,
        "lessons": [_lesson(leg, rows) for leg in found.legs],
    }


def _lesson(leg: LessonProgress, rows: Rows) -> dict[str, Any]:
    return {
        "slug": leg.lesson.slug,
        "title": leg.lesson.title,
        "state": leg.state,
        "passed": leg.passed,
        "total": leg.total,
        "tasks": [
            _task(task.name, task.title, rows.get((leg.lesson.slug, task.name)))
            for task in leg.lesson.tasks
        ],
    }


def _task(name: str, title: str, row: TaskProgress | None) -> dict[str, Any]:
    row = row or TaskProgress()
    return {
        "name": name,
        "title": title,
        "state": row.state,
        "tries": row.tries,
        "passed_at": row.passed_at,
    }
