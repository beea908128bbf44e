"""What the pages show an author more than a learner; nothing at all on a site for others."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from courses import authoring, catalogue
from courses.content import Course
from courses.errors import CourseNotFound, NotAuthoring
from courses.page import LearnerLesson


def of_course(course: Course) -> dict[str, Any]:
    """For the course page: problems that stand on no lesson's page, and how many each has."""
    folder = authoring.course_folder()
    if folder is None or folder.root.name != course.slug:
        return {}
    return {
        "author": {"course": course.slug, "version": authoring.version(folder)},
        "author_problems": authoring.course_problems(folder, course),
        "author_counts": [
            (lesson, count)
            for lesson in course.lessons
            if (count := authoring.counts(folder).get(lesson.folder, 0))
        ],
    }


def of_lesson(state: LearnerLesson) -> dict[str, Any]:
    """For the lesson page: its blocks with the problems between them and the author's buttons."""
    folder = authoring.course_folder()
    if folder is None or folder.root.name != state.course.slug:
        return {}
    return {
        "author": {"course": state.course.slug, "version": authoring.version(folder)},
        "blocks": authoring.with_tools(folder, state.lesson, state.blocks()),
    }


def instead_of(request: HttpRequest, course: str, lesson: str | None = None) -> HttpResponse | None:
    """The page of a course or lesson that can't be read: what is wrong with it.

    None where nothing is known of it, so that it stays a missing page.
    """
    try:
        folder = authoring.require(course)
    except NotAuthoring:
        return None
    try:
        catalogue.get_course(course)
    except CourseNotFound:
        lesson = None
    problems = authoring.course_problems(folder, None, lesson)
    if not problems:
        return None
    context = {
        "author": {"course": course, "version": authoring.version(folder)},
        "author_problems": problems,
        "name": lesson or course,
    }
    return render(request, "courses/author.html", context)
