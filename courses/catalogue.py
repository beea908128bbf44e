"""The courses this site offers, kept in memory and read again when a file has changed."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from courses.content import Course, Lesson, LoadedCourse
from courses.errors import CourseNotFound, LessonNotFound
from courses.folder import CourseFolder, Fingerprint
from courses.loader import COURSE_FILE, load_course
from courses.pictures import picture_bytes

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Entry:
    fingerprint: Fingerprint
    loaded: LoadedCourse


_entries: dict[Path, _Entry] = {}
_loading = threading.Lock()


def courses() -> list[Course]:
    """Every course that can be read, flagship first."""
    root = Path(settings.COURSES_PATH)
    try:
        folders = [entry for entry in sorted(root.iterdir()) if not entry.is_symlink()]
    except OSError:
        logger.error("the courses folder %s can't be read", root)
        return []
    found = [_current(folder) for folder in folders if (folder / COURSE_FILE).is_file()]
    return sorted(
        (course for course in found if course is not None and course.lessons),
        key=lambda course: (not course.flagship, course.order, course.title),
    )


def get_course(slug: str) -> Course:
    """The course of that slug; raises CourseNotFound."""
    course = next((course for course in courses() if course.slug == slug), None)
    if course is None:
        raise CourseNotFound()
    return course


def get_lesson(course_slug: str, lesson_slug: str) -> tuple[Course, Lesson]:
    """The course and its lesson; raises CourseNotFound or LessonNotFound."""
    course = get_course(course_slug)
    lesson = course.lesson(lesson_slug)
    if lesson is None:
        raise LessonNotFound()
    return course, lesson


def get_picture(course_slug: str, lesson_slug: str, name: str) -> tuple[bytes, str] | None:
    """A lesson's picture and its content type; None if there is none of that name.

    Raises CourseNotFound or LessonNotFound.
    """
    _, lesson = get_lesson(course_slug, lesson_slug)
    picture = lesson.pictures.get(name)
    if picture is None:
        return None
    data = picture_bytes(CourseFolder(Path(settings.COURSES_PATH) / course_slug), picture)
    return None if data is None else (data, picture.content_type)


def _current(folder: Path) -> Course | None:
    fingerprint = CourseFolder(folder).fingerprint()
    entry = _entries.get(folder)
    if entry is None or entry.fingerprint != fingerprint:
        # One thread reads; the others that noticed the edit wait and take what it made.
        with _loading:
            entry = _entries.get(folder)
            if entry is None or entry.fingerprint != fingerprint:
                entry = _Entry(fingerprint, load_course(folder))
                _entries[folder] = entry
                _log_problems(folder, entry.loaded)
    return entry.loaded.course


def _log_problems(folder: Path, loaded: LoadedCourse) -> None:
    for problem in loaded.problems:
        logger.error("course %s, lesson refused: %s", folder.name, problem)


def lone_machines() -> Counter[tuple[str, str]]:
    """(kind, name) of machines that are alone in their lesson, and in how many lessons."""
    return Counter(
        (lesson.machines[0].kind, lesson.machines[0].name)
        for course in courses()
        for lesson in course.lessons
        if len(lesson.machines) == 1
    )
