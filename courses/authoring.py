"""A site for one author: what is wrong with the course, at its place, and its scripts at hand.

On only where `AUTHOR_COURSE` names a course folder (`manage.py author` sets it): scripts run on
the caller's own machines, but their text is for authors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings

from courses import folder as limits
from courses.blocks import Block, Slot, TaskBlock
from courses.catalogue import get_lesson
from courses.content import Course, Lesson
from courses.errors import NoScript, NotAuthoring, TaskNotFound
from courses.folder import CourseFolder, Fingerprint
from courses.lint import lint_course
from courses.problems import ContentError, ContentProblem
from courses.scripts import NEAR_MISS, SECOND_SOLUTION, SOLUTION, Script, scripts_of
from sandbox import machines

LINES_AROUND = 2
STEMS = (SOLUTION, SECOND_SOLUTION, NEAR_MISS)


@dataclass(frozen=True)
class Excerpt:
    """Lines of a file around a problem: (number, text, whether it is that line)."""

    problem: ContentProblem
    lines: tuple[tuple[int, str, bool], ...]


@dataclass(frozen=True)
class ProblemsBlock:
    """Problems, where they are in the page."""

    template: ClassVar[str] = "courses/blocks/author_problems.html"
    problems: tuple[Excerpt, ...]


@dataclass(frozen=True)
class ScriptsBlock:
    """The author's buttons below a task's card: its scripts by stem."""

    template: ClassVar[str] = "courses/blocks/author_scripts.html"
    task: str
    machine: str
    stems: tuple[str, ...]


def course_folder() -> CourseFolder | None:
    """The folder of the author's course, None on a site for others."""
    return CourseFolder(Path(settings.AUTHOR_COURSE)) if settings.AUTHOR_COURSE else None


def require(course: str) -> CourseFolder:
    """The author's course; raises NotAuthoring when there is none, or it is another one."""
    folder = course_folder()
    if folder is None or folder.root.name != course:
        raise NotAuthoring
    return folder


def version(folder: CourseFolder) -> str:
    """Changes with every save."""
    return hashlib.sha256(repr(folder.fingerprint()).encode()).hexdigest()[:16]


_kept: tuple[Fingerprint, tuple[ContentProblem, ...]] | None = None


def problems(folder: CourseFolder) -> tuple[ContentProblem, ...]:
    """What checkcourse says, errors first; kept until the next save."""
    global _kept
    fingerprint = folder.fingerprint()
    if _kept is None or _kept[0] != fingerprint:
        _, found = lint_course(folder.root)
        in_order = sorted(found, key=lambda problem: problem.level != "error")
        _kept = (fingerprint, tuple(in_order))
    return _kept[1]


def excerpts(folder: CourseFolder, found: Iterable[ContentProblem]) -> tuple[Excerpt, ...]:
    """The problems, each with the lines of its file around it."""
    return tuple(Excerpt(problem, _around(folder, problem)) for problem in found)


def with_tools(
    folder: CourseFolder, lesson: Lesson, blocks: Sequence[Block]
) -> list[Block | ProblemsBlock | ScriptsBlock]:
    """The page's blocks with the lesson's problems at their lines, and scripts below tasks."""
    after: dict[int, list[ContentProblem]] = {}
    for problem in _of_lesson(lesson.folder, problems(folder)):
        after.setdefault(_place(lesson, problem), []).append(problem)
    page: list[Block | ProblemsBlock | ScriptsBlock] = []
    for index, block in enumerate([None, *blocks], start=-1):
        if block is not None:
            page.append(block)
        if isinstance(block, TaskBlock):
            page.append(_scripts(folder, lesson, block))
        if index in after:
            page.append(ProblemsBlock(excerpts(folder, after[index])))
    return page


def course_problems(
    folder: CourseFolder, course: Course | None, lesson: str | None = None
) -> tuple[Excerpt, ...]:
    """Problems that have no lesson page to stand on; those of `lesson`, if it is named."""
    found: Iterable[ContentProblem] = problems(folder)
    if lesson is not None:
        found = [p for p in found if _lesson_name(p).partition("-")[2] == lesson] or [
            p for p in found if _lesson_name(p) == lesson
        ]
    elif course is not None:
        readable = {each.folder for each in course.lessons}
        found = [problem for problem in found if _lesson_name(problem) not in readable]
    return excerpts(folder, found)


def counts(folder: CourseFolder) -> dict[str, int]:
    """Errors and warnings by lesson folder."""
    found: dict[str, int] = {}
    for problem in problems(folder):
        found[_lesson_name(problem)] = found.get(_lesson_name(problem), 0) + 1
    return found


def scripts(course: str, lesson: str, task: str, stem: str) -> tuple[Lesson, list[Script]]:
    """The task's scripts of that stem; raises NotAuthoring, NoScript and what get_lesson does."""
    folder = require(course)
    _, found = get_lesson(course, lesson)
    row = found.task(task)
    if row is None:
        raise TaskNotFound
    try:
        texts = scripts_of(folder, found, row, stem) if stem in STEMS else []
    except ContentError as error:
        raise NoScript(str(error)) from None
    if not texts:
        raise NoScript
    return found, texts


def _scripts(folder: CourseFolder, lesson: Lesson, block: TaskBlock) -> ScriptsBlock:
    task = lesson.task(block.task.name)
    base = f"{lesson.folder}/tasks/{block.task.name}"
    files = folder.files(base) if task else []
    there = tuple(stem for stem in STEMS if any(f.split(".")[0] == stem for f in files))
    return ScriptsBlock(block.task.name, block.task.machine, there)


def _lesson_name(problem: ContentProblem) -> str:
    return problem.path.partition("/")[0] if "/" in problem.path else ""


def _of_lesson(name: str, found: Iterable[ContentProblem]) -> list[ContentProblem]:
    return [problem for problem in found if _lesson_name(problem) == name]


def _place(lesson: Lesson, problem: ContentProblem) -> int:
    """Index of the block behind which the problem is shown; -1 is the top of the page."""
    parts = problem.path.split("/")
    if parts[1:2] == ["tasks"] and len(parts) > 2:
        slot = Slot("task", parts[2])
        return lesson.body.index(slot) if slot in lesson.body else -1
    if parts[1:] != ["lesson.md"] or problem.line is None:
        return -1
    return sum(line <= problem.line for line in lesson.lines) - 1


def _around(folder: CourseFolder, problem: ContentProblem) -> tuple[tuple[int, str, bool], ...]:
    if problem.line is None:
        return ()
    try:
        text = folder.read_text(problem.path, limits.MAX_MARKDOWN_BYTES)
    except ContentError:
        return ()
    lines = text.split("\n")
    first = max(1, problem.line - LINES_AROUND)
    last = min(len(lines), problem.line + LINES_AROUND)
    return tuple(
        (number, lines[number - 1][:200], number == problem.line)
        for number in range(first, last + 1)
    )


def run_scripts(sandbox: Any, texts: Sequence[Script], timeout_seconds: int) -> dict[str, Any]:
    """Run the scripts as the learner, until one fails; worker processes only.

    Returns {"exit_code", "stdout", "stderr", "timed_out", "seconds"}, the exit code None for
    one that was stopped for time.
    """
    done: dict[str, Any] = {"stdout": "", "stderr": "", "seconds": 0.0}
    for script in texts:
        result = machines.run_script(
            sandbox,
            script.machine,
            f'cd "$HOME"\n{script.text}',
            user="learner",
            timeout_seconds=timeout_seconds,
        )
        done["stdout"] += result.stdout
        done["stderr"] += result.stderr
        done["seconds"] += result.seconds
        done |= {"exit_code": result.exit_code, "timed_out": result.timed_out}
        if result.exit_code != 0:
            break
    return done
