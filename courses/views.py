"""The course pages."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from courses import author_pages, catalogue, certificates, offers, progress
from courses import search as finding
from courses.content import Course
from courses.errors import CourseNotFound, LessonNotFound
from courses.glossary import in_order
from courses.page import LearnerLesson, page_data
from courses.pictures import HEADERS


@require_safe
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """The list of courses, the flagship first."""
    rows, seen = progress.all_task_rows(request.user), progress.all_visits(request.user)
    cards = [
        _card(course, progress.summary(course, mine, opened), opened)
        for course in catalogue.courses()
        for mine, opened in [(rows.get(course.slug, {}), seen.get(course.slug, {}))]
    ]
    rows_of_list = [offers.row(card, first=index == 0) for index, card in enumerate(cards)]
    context = {"offers": rows_of_list, "at": _where_to_go_on(cards)}
    return render(request, "courses/home.html", context)


@require_safe
@ensure_csrf_cookie
def course(request: HttpRequest, course: str) -> HttpResponse:
    """A course with its lessons and how far the learner is."""
    try:
        found = catalogue.get_course(course)
    except CourseNotFound as error:
        if page := author_pages.instead_of(request, course):
            return page
        raise Http404(error.message) from None
    rows = progress.task_rows(request.user, found.slug)
    seen = progress.visits(request.user, found.slug)
    card = _card(found, progress.course_progress(found, rows, seen), seen)
    card["passed_tasks"], card["total_tasks"] = certificates.tasks_of(found, rows)
    return render(request, "courses/course.html", card | author_pages.of_course(found))


@require_safe
@ensure_csrf_cookie
def lesson(request: HttpRequest, course: str, lesson: str) -> HttpResponse:
    """A lesson with its machines."""
    try:
        found_course, found = catalogue.get_lesson(course, lesson)
    except (CourseNotFound, LessonNotFound) as error:
        if page := author_pages.instead_of(request, course, lesson):
            return page
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
        # Of a guest the files are not reached.
        "has_files": any(machine.kind != "vm" for machine in found.machines),
    }
    return render(request, "courses/lesson.html", context | author_pages.of_lesson(state))


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


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Lessons and words that hold what was asked for, over all courses."""
    query = request.GET.get("q", "").strip()[: finding.MAX_QUERY_LENGTH]
    found = finding.search(catalogue.courses(), query)
    return render(request, "courses/search.html", {"query": query, "found": found})


@require_safe
def glossary(request: HttpRequest, course: str) -> HttpResponse:
    """A course's words and what they mean."""
    try:
        found = catalogue.get_course(course)
    except CourseNotFound as error:
        raise Http404(error.message) from None
    lessons = {lesson.folder: lesson for lesson in found.lessons}
    terms = [(term, lessons.get(term.lesson or "")) for term in in_order(found.glossary)]
    return render(request, "courses/glossary.html", {"course": found, "terms": terms})


def _where_to_go_on(cards: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The course that was opened last and is unfinished, else the first that is."""
    open_cards = [card for card in cards if card["resume"] is not None]
    begun = [card for card in open_cards if card["last_at"] is not None]
    if begun:
        return max(begun, key=lambda card: card["last_at"])
    return open_cards[0] if open_cards else None


def _card(course: Course, found: progress.CourseProgress, seen: progress.Visits) -> dict[str, Any]:
    """A course as its page and the home page show it."""
    return {
        "course": course,
        "legs": found.legs,
        "resume": found.resume,
        "done": found.done,
        "total": found.total,
        "minutes_left": found.minutes_left,
        "last_at": max(seen.values(), default=None),
    }
