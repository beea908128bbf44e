"""Working beginnings for authors: a course, and a lesson that passes checkcourse and testcourse."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from courses.folder import MAX_META_BYTES, CourseFolder
from courses.loader import COURSE_FILE
from courses.problems import ContentError
from courses.schema import MAX_LESSONS, SLUG_PATTERN, CourseMeta, MachineKind
from courses.skeleton_lesson import lesson_files
from courses.yaml_reader import read_node, read_yaml

FIRST_LESSON = "first-steps"
_COURSE = """\
title: {title}
summary: Say in one or two sentences what people can do afterwards.
audience: Say who it is for, and what they should know.
language: en
licence: CC-BY-4.0
lessons: [01-{lesson}]
"""


class NotPossible(Exception):
    """The skeleton can't be written there; the message says what to do."""


def new_course(root: Path, title: str | None, kind: MachineKind) -> list[Path]:
    """Write a course with one lesson to `root`; returns the files. Raises NotPossible."""
    _check_slug(root.name)
    if root.exists():
        raise NotPossible(f"{root} exists. Choose another name, or add to it with newlesson.")
    text = _COURSE.format(title=quoted(title or titled(root.name)), lesson=FIRST_LESSON)
    written = _write(root, {COURSE_FILE: text})
    return written + _write(root / f"01-{FIRST_LESSON}", lesson_files("First steps", kind))


def new_lesson(root: Path, name: str, title: str | None, kind: MachineKind) -> list[Path]:
    """Write a lesson behind the others of the course in `root`, and list it in course.yaml.

    Returns the files. Raises NotPossible, before anything is written.
    """
    _check_slug(name)
    try:
        text = CourseFolder(root).read_text(COURSE_FILE, MAX_META_BYTES)
        meta = read_yaml(text, CourseMeta, COURSE_FILE)
    except ContentError as error:
        raise NotPossible(f"{root} is no course that can be read: {error}") from None
    if len(meta.lessons) == MAX_LESSONS:
        raise NotPossible(f"a course has at most {MAX_LESSONS} lessons. Begin another one.")
    folder = f"{_next_number(meta.lessons):02d}-{name}"
    known = {re.sub(r"^\d+-", "", lesson) for lesson in meta.lessons}
    if name in known or (root / folder).exists():
        raise NotPossible(f"the course has a lesson “{name}” already. Choose another name.")
    listed = with_lesson(text, folder)
    written = _write(root / folder, lesson_files(title or titled(name), kind))
    (root / COURSE_FILE).write_text(listed, encoding="utf-8")
    return [root / COURSE_FILE, *written]


def with_lesson(text: str, folder: str) -> str:
    """course.yaml with one lesson more, everything else as it was. Raises NotPossible."""
    node = read_node(text, COURSE_FILE)
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    listed = next((value for key, value in pairs if key.value == "lessons"), None)
    if isinstance(listed, yaml.SequenceNode):
        if listed.flow_style:
            place = listed.end_mark.index - 1
            changed = f"{text[:place].rstrip()}, {folder}{text[place:]}"
        else:
            lines = text.split("\n")
            indent = " " * listed.start_mark.column
            lines.insert(listed.value[-1].end_mark.line + 1, f"{indent}- {folder}")
            changed = "\n".join(lines)
        try:
            if read_yaml(changed, CourseMeta, COURSE_FILE).lessons[-1] == folder:
                return changed
        except ContentError:
            pass
    raise NotPossible(f"{COURSE_FILE} is written in an unusual way. Add {folder} to “lessons:”.")


def titled(name: str) -> str:
    """`two-words` → `Two words`."""
    return re.sub(r"^\d+-", "", name).replace("-", " ").capitalize()


def quoted(text: str) -> str:
    """Text as a YAML value on one line."""
    return yaml.safe_dump(text, allow_unicode=True, width=10_000).removesuffix("...\n").strip()


def _check_slug(name: str) -> None:
    if not re.match(SLUG_PATTERN, name) or len(name) > 57:
        raise NotPossible(f"“{name}” can't be part of an address. Use a-z, 0-9 and single hyphens.")


def _next_number(lessons: tuple[str, ...]) -> int:
    numbers = [int(match[0]) for lesson in lessons if (match := re.match(r"\d{1,4}", lesson))]
    return max(numbers, default=len(lessons)) + 1


def _write(folder: Path, files: dict[str, str]) -> list[Path]:
    written = []
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
