"""The courses' part of the JSON API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from courses import api_schemas as schemas
from courses import catalogue, checks, hints, launch, listings, predictions, quizzes
from sandbox import lifecycle
from sandbox.api import SandboxOut

router = Router(tags=["courses"])
ERRORS = dict.fromkeys((401, 404), schemas.ErrorAnswer)
LESSON = "/courses/{course}/lessons/{lesson}"


@router.get("/courses", response=list[schemas.CourseOut], auth=None)
def list_courses(request: HttpRequest) -> Any:
    """Every course with its lessons, the flagship first."""
    return catalogue.courses()


@router.get(LESSON, response={200: schemas.LessonOut, 404: schemas.ErrorAnswer}, auth=None)
def get_lesson(request: HttpRequest, course: str, lesson: str) -> Any:
    """A lesson with its steps, tasks and quizzes, and the caller's state; no answers."""
    return listings.lesson(request.user, *catalogue.get_lesson(course, lesson))


@router.get("/progress", response={200: schemas.ProgressOut, 401: schemas.ErrorAnswer})
def get_progress(request: HttpRequest) -> Any:
    """How far the caller is in every course."""
    return listings.progress(request.user)


@router.post(
    "/sandboxes",
    response={202: SandboxOut, **ERRORS, (409, 429, 503): schemas.ErrorAnswer},
    tags=["sandboxes"],
)
def start_sandbox(request: HttpRequest, payload: schemas.StartIn) -> Any:
    """Start a lesson's machines; a second call for the same lesson answers with the live ones."""
    course, lesson = catalogue.get_lesson(payload.course, payload.lesson)
    sandbox = launch.start(request.user, course, lesson, request.META.get("REMOTE_ADDR", ""))
    return Status(202, lifecycle.snapshot(sandbox))


@router.post(
    "/sandboxes/{sandbox_id}/tasks/{task}/check",
    response={
        200: schemas.VerdictOut,
        202: schemas.PendingOut,
        **ERRORS,
        409: schemas.ErrorAnswer,
    },
    tags=["sandboxes"],
)
def check_task(request: HttpRequest, sandbox_id: str, task: str) -> Any:
    """Check a task on the caller's machines; 202 when the verdict will come as an event."""
    verdict = checks.request_check(request.user, sandbox_id, task)
    return verdict if verdict is not None else Status(202, {"pending": True})


@router.post(
    f"{LESSON}/quizzes/{{quiz}}",
    response={200: schemas.GradedOut, **ERRORS, 422: schemas.ErrorAnswer},
)
def answer_quiz(
    request: HttpRequest, course: str, lesson: str, quiz: str, payload: schemas.QuizIn
) -> Any:
    """Grade an answer; every choice comes back with its explanation."""
    found_course, found = catalogue.get_lesson(course, lesson)
    return quizzes.answer(request.user, found_course.slug, found, quiz, payload.answers)


@router.post(
    f"{LESSON}/predictions/{{prediction}}",
    response={200: schemas.KeptOut, **ERRORS, 422: schemas.ErrorAnswer},
)
def keep_prediction(
    request: HttpRequest, course: str, lesson: str, prediction: str, payload: schemas.PredictionIn
) -> Any:
    """Keep a guess; the first one stays."""
    found_course, found = catalogue.get_lesson(course, lesson)
    row = predictions.keep(request.user, found_course.slug, found, prediction, payload.value)
    return listings.kept(found, row)


@router.post(f"{LESSON}/tasks/{{task}}/hints", response={200: schemas.HintOut, **ERRORS})
def reveal_hint(request: HttpRequest, course: str, lesson: str, task: str) -> Any:
    """Show the task's next hint."""
    found_course, found = catalogue.get_lesson(course, lesson)
    return hints.reveal_hint(request.user, found_course.slug, found, task)


@router.post(
    f"{LESSON}/tasks/{{task}}/solution",
    response={200: schemas.SolutionOut, **ERRORS, 403: schemas.ErrorAnswer},
)
def reveal_solution(request: HttpRequest, course: str, lesson: str, task: str) -> Any:
    """Show a solution; after the first try only."""
    found_course, found = catalogue.get_lesson(course, lesson)
    return {"html": hints.reveal_solution(request.user, found_course.slug, found, task)}
