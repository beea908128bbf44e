"""Reading a course folder into frozen objects.

Nothing a course contains can make this raise: every fault becomes a ContentProblem, a
lesson with a fault is left out, and the others are kept.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from courses import folder as limits
from courses.content import Course, Lesson, LoadedCourse
from courses.folder import CourseFolder
from courses.glossary import GLOSSARY_FILE, Term, read_glossary
from courses.lesson_loader import LessonReader
from courses.links import LinkTable, slug_of
from courses.problems import ContentError, ContentProblem
from courses.schema import SLUG_PATTERN, CourseMeta
from courses.translations import linked, read_translations
from courses.yaml_reader import read_yaml

COURSE_FILE = "course.yaml"


def load_course(root: Path, *, lenient: bool = False) -> LoadedCourse:
    """Read the course in the folder `root`; its slug is the folder's name.

    For its author (`lenient`), lessons with faults are kept as far as they can be read.
    """
    folder = CourseFolder(root)
    try:
        meta = read_yaml(
            folder.read_text(COURSE_FILE, limits.MAX_META_BYTES), CourseMeta, COURSE_FILE
        )
        _check_name(root.name)
    except ContentError as error:
        return LoadedCourse(None, error.problems)
    terms, problems = _glossary(folder, meta)
    lessons, lesson_problems = _lessons(folder, meta, terms, lenient)
    problems += lesson_problems
    course = Course(
        slug=root.name,
        title=meta.title,
        summary=meta.summary,
        audience=meta.audience,
        language=meta.language,
        licence=meta.licence,
        flagship=meta.flagship,
        order=meta.order,
        lessons=linked(lessons),
        glossary=terms,
    )
    translations, found = read_translations(folder, meta, course)
    return LoadedCourse(replace(course, translations=translations), (*problems, *found))


def link_table(root: Path, meta: CourseMeta) -> LinkTable:
    """The links that work between the lessons of the course in `root`."""
    return LinkTable(root.name, meta.lessons)


def _check_name(name: str) -> None:
    if not re.match(SLUG_PATTERN, name) or len(name) > 60:
        message = f"the folder's name “{name[:80]}” can't be part of an address"
        raise ContentError([ContentProblem(COURSE_FILE, None, message, "use a-z, 0-9 and hyphens")])


def _glossary(
    folder: CourseFolder, meta: CourseMeta
) -> tuple[tuple[Term, ...], list[ContentProblem]]:
    """The course's words; with a fault in them the course has none, and its lessons stay."""
    try:
        return read_glossary(folder, meta, GLOSSARY_FILE), []
    except ContentError as error:
        return (), list(error.problems)


def _lessons(
    folder: CourseFolder, meta: CourseMeta, terms: tuple[Term, ...], lenient: bool
) -> tuple[list[Lesson], list[ContentProblem]]:
    links = link_table(folder.root, meta)
    lessons: list[Lesson] = []
    problems: list[ContentProblem] = []
    for number, name in enumerate(meta.lessons, start=1):
        if slug_of(name) in {slug_of(earlier) for earlier in meta.lessons[: number - 1]}:
            message = f"“{name}” has the same address as an earlier lesson"
            problems.append(ContentProblem(COURSE_FILE, None, message, "rename its folder"))
            continue
        reader = LessonReader(folder, name, number, links, terms, meta.language, lenient)
        try:
            lessons.append(reader.read())
            problems.extend(reader.problems)
        except ContentError as error:
            problems.extend(error.problems)
    return lessons, problems
