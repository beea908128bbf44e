"""The courses this site offers, kept in memory and read again when a file has changed."""

from __future__ import annotations

import itertools
import logging
import os
import re
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from courses import languages
from courses.content import Course, Lesson, LoadedCourse
from courses.errors import CourseNotFound, LessonNotFound
from courses.folder import CourseFolder, Fingerprint, walk_one
from courses.loader import COURSE_FILE, load_course
from courses.pictures import picture_bytes
from courses.schema import SLUG_PATTERN

logger = logging.getLogger(__name__)

# Files that one look at all courses asks the disk about. A small library shows an edit with
# the next page; in a large one the courses take turns, a few pages later at the latest.
LOOKED_AT_ENTRIES = 500


@dataclass
class _Entry:
    fingerprint: Fingerprint
    loaded: LoadedCourse
    # Which look at all courses last compared it with the disk.
    looked_at: int = 0


_entries: dict[Path, _Entry] = {}
_loading = threading.Lock()
_looks = itertools.count(1)


def courses() -> list[Course]:
    """Every course that can be read, flagship first, in the reader's language."""
    folders = _folders(Path(settings.COURSES_PATH))
    look, left = next(_looks), LOOKED_AT_ENTRIES
    found = {}
    # The one that was not looked at for longest comes first; a new one at once.
    for folder in sorted(folders, key=_last_look):
        entry = _entries.get(folder)
        if entry is None or left > 0:
            entry = _current(folder, look)
            left -= len(entry.fingerprint)
        found[folder] = entry.loaded.course
    return sorted(
        (
            course.in_language(languages.wanted())
            for course in found.values()
            if course is not None and course.lessons
        ),
        key=lambda course: (not course.flagship, course.order, course.title),
    )


def course_languages() -> set[str]:
    """Every language that a course of this site is in, as far as they were read."""
    loaded = [entry.loaded.course for entry in list(_entries.values())]
    return {
        code
        for course in loaded
        if course is not None
        for code in (course.language.lower().partition("-")[0], *course.translations)
    }


def get_course(slug: str) -> Course:
    """The course of that slug in the reader's language; raises CourseNotFound."""
    root = Path(settings.COURSES_PATH)
    folder = root / slug
    if not re.match(SLUG_PATTERN, slug) or folder.is_symlink() or not _is_offered(folder):
        raise CourseNotFound()
    course = _current(folder).loaded.course if (folder / COURSE_FILE).is_file() else None
    if course is None or not course.lessons:
        raise CourseNotFound()
    return course.in_language(languages.wanted())


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


def _folders(root: Path) -> list[Path]:
    """The folders of courses, sorted; no links, which may lead anywhere."""
    entries = [entry for entry in walk_one(root) if entry.is_dir(follow_symlinks=False)]
    if not entries and not root.is_dir():
        logger.error("the courses folder %s can't be read", root)
    folders = [Path(e.path) for e in entries if os.path.isfile(f"{e.path}/{COURSE_FILE}")]
    return [folder for folder in folders if _is_offered(folder)]


def _is_offered(folder: Path) -> bool:
    """Everywhere every course; on the site of an author that one alone."""
    return not settings.AUTHOR_COURSE or folder == Path(settings.AUTHOR_COURSE)


def _last_look(folder: Path) -> int:
    entry = _entries.get(folder)
    return entry.looked_at if entry else 0


def _current(folder: Path, look: int = 0) -> _Entry:
    lenient = bool(settings.AUTHOR_COURSE) and folder == Path(settings.AUTHOR_COURSE)
    fingerprint = CourseFolder(folder).fingerprint()
    entry = _entries.get(folder)
    if entry is None or entry.fingerprint != fingerprint:
        # One thread reads; the others that noticed the edit wait and take what it made.
        with _loading:
            entry = _entries.get(folder)
            if entry is None or entry.fingerprint != fingerprint:
                entry = _Entry(fingerprint, load_course(folder, lenient=lenient), look)
                _entries[folder] = entry
                _log_problems(folder, entry.loaded)
    entry.looked_at = max(entry.looked_at, look)
    return entry


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
