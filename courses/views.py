"""The course pages."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from courses import catalogue, progress
from courses.content import Course
from courses.errors import CourseNotFound, LessonNotFound
from courses.page import LearnerLesson, page_data
from courses.pictures import HEADERS


@require_safe
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """The list of courses, the flagship first."""
    cards = [_card(request.user, course) for course in catalogue.courses()]
    return render(request, "courses/home.html", {"courses": cards})


@require_safe
@ensure_csrf_cookie
def course(request: HttpRequest, course: str) -> HttpResponse:
    """A course with its lessons and how far the learner is."""
    try:
        found = catalogue.get_course(course)
    except CourseNotFound as error:
        raise Http404(error.message) from None
    return render(request, "courses/course.html", _card(request.user, found))


@require_safe
@ensure_csrf_cookie
def lesson(request: HttpRequest, course: str, lesson: str) -> HttpResponse:
    """A lesson with its machines."""
    try:
        found_course, found = catalogue.get_lesson(course, lesson)
    except (CourseNotFound, LessonNotFound) as error:
        raise Http404(error.message) from None
    if lesson != found.slug:
        return redirect("lesson", course, found.slug)
    learner = request.user
    progress.record_visit(learner, course, found.slug)
    rows = progress.task_rows(learner, course)
    seen = progress.visits(learner, course)
    state = LearnerLesson.of(learner, found_course, found, rows)
    context = {
        "course": found_course,
        "lesson": found,
        "blocks": state.blocks(),
        "progress": progress.course_progress(found_course, rows, seen, now=found).legs,
        "page_data": page_data(learner, state),
    }
    return render(request, "courses/lesson.html", context)


@require_safe
def picture(request: HttpRequest, course: str, lesson: str, name: str) -> HttpResponse:
    """A picture of a lesson, for `<img>`; its address changes with its content."""
    try:
        found = catalogue.get_picture(course, lesson, name)
    except (CourseNotFound, LessonNotFound) as error:
        raise Http404(error.message) from None
    if found is None:
        raise Http404("The lesson has no such picture.")
    data, content_type = found
    answer = HttpResponse(data, content_type=content_type, headers=HEADERS)
    answer["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


def _card(learner: Any, course: Course) -> dict[str, Any]:
    """A course as its page and the home page show it."""
    rows = progress.task_rows(learner, course.slug)
    found = progress.course_progress(course, rows, progress.visits(learner, course.slug))
    return {
        "course": course,
        "legs": found.legs,
        "resume": found.resume,
        "done": found.done,
        "total": found.total,
        "minutes_left": found.minutes_left,
    }
