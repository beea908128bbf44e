"""Linting a course without an engine: everything the loader finds, and what only authors need.

The site shows a lesson in spite of what is added here; an author should mend it all.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Literal

from courses import folder as limits
from courses import markdown
from courses.blocks import PictureBlock
from courses.content import Course, Lesson, LoadedCourse, Task
from courses.directives import image_lines
from courses.folder import CourseFolder, walk
from courses.frontmatter import split
from courses.links import LinkTable
from courses.loader import COURSE_FILE, load_course
from courses.problems import ContentError, ContentProblem
from courses.schema import CourseMeta
from courses.scripts import NEAR_MISS, SECOND_SOLUTION, SOLUTION, scripts_of
from courses.yaml_reader import read_yaml

BASH_TIMEOUT_SECONDS = 10
SCRIPTS_AT_ONCE = 4
# What testcourse runs for each task.
_PROOFS = (
    (SOLUTION, "solution"),
    (SECOND_SOLUTION, "second way to solve it"),
    (NEAR_MISS, "near-miss"),
)
SHELLCHECK_TIMEOUT_SECONDS = 60
_Finding = tuple[int | None, str, str, Literal["error", "warning"]]


def lint_course(root: Path) -> tuple[LoadedCourse, list[ContentProblem]]:
    """Load the course and return it with every problem, sorted by file and line."""
    folder = CourseFolder(root)
    loaded = load_course(root)
    problems = list(loaded.problems)
    problems += _links(folder)
    if loaded.course is not None:
        problems += _markdown(folder, loaded.course)
        for lesson in loaded.course.lessons:
            problems += _lesson(folder, lesson)
        problems += _scripts(folder)
        problems += _unlisted(folder)
    unique = sorted(set(problems), key=lambda problem: (problem.path, problem.line or 0))
    return loaded, unique


def _links(folder: CourseFolder) -> Iterator[ContentProblem]:
    """Symbolic links anywhere: the loader follows none, and a package must not carry any."""
    for entry in walk(folder.root):
        if entry.is_symlink():
            path = Path(entry.path).relative_to(folder.root).as_posix()
            yield ContentProblem(path, None, "symbolic links are not followed", "copy the file")


def _markdown(folder: CourseFolder, course: Course) -> Iterator[ContentProblem]:
    meta = _meta(folder)
    table = LinkTable(course.slug, meta.lessons)
    for path in _files(folder, ".md"):
        try:
            text = folder.read_text(path, limits.MAX_MARKDOWN_BYTES)
            document = split(text, path)
        except ContentError:
            continue  # reported by the loader, or no part of a lesson
        yield from _markdown_file(document.body, document.body_line - 1, path, table)


def _markdown_file(body: str, offset: int, path: str, table: LinkTable) -> Iterator[ContentProblem]:
    for found in markdown.raw_html(body):
        hint = "use Markdown; it is shown as text"
        yield ContentProblem(path, offset + found.line, f"raw HTML “{found.value}”", hint)
    shown = image_lines(body) if path.count("/") == 1 else frozenset[int]()
    for found in markdown.images(body):
        if found.line not in shown:
            hint = "in lesson.md, alone on its line: ![what it shows](pictures/name.svg)"
            yield ContentProblem(path, offset + found.line, "this image is left out", hint)
    for found in markdown.top_headings(body):
        message, hint = "a heading of level 1 is the page's own title", "begin with “## ”"
        yield ContentProblem(path, offset + found.line, message, hint, "warning")
    for found in markdown.link_targets(body):
        if table.is_dead(path, found.value):
            hint = "link to ../<lesson folder>/lesson.md, or to a full address"
            yield ContentProblem(path, offset + found.line, f"dead link “{found.value}”", hint)


def _lesson(folder: CourseFolder, lesson: Lesson) -> Iterator[ContentProblem]:
    for task in lesson.tasks:
        yield from _task(folder, lesson, task)
    path = f"{lesson.folder}/lesson.md"
    yield from _pictures(lesson)
    for name, prediction in lesson.predictions.items():
        if not prediction.outcome_html:
            message = f"the prediction “{name}” does not say what happens"
            hint = "add it as a quote at its end"
            yield ContentProblem(path, prediction.line, message, hint, "warning")


def _pictures(lesson: Lesson) -> Iterator[ContentProblem]:
    """Files that no page shows, and drawings that stay light on a dark page."""
    blocks = [block for block in lesson.body if isinstance(block, PictureBlock)]
    shown = {block.name for block in blocks}
    for name, picture in lesson.pictures.items():
        if name.replace(".dark.", ".") not in shown:
            message, hint = "no picture of the page", "show it, or remove the file"
            yield ContentProblem(picture.path, None, message, hint, "warning")
    for block in blocks:
        if block.dark_url is None and block.name.endswith(".svg"):
            path, hint = lesson.pictures[block.name].path, f"add {block.name[:-4]}.dark.svg"
            message = "the drawing has no variant for the dark theme"
            yield ContentProblem(path, None, message, hint, "warning")


def _task(folder: CourseFolder, lesson: Lesson, task: Task) -> Iterator[ContentProblem]:
    path = f"{lesson.folder}/tasks/{task.name}"
    written: dict[str, str] = {}
    for stem, what in _PROOFS:
        try:
            scripts = scripts_of(folder, lesson, task, stem)
        except ContentError as error:
            yield from error.problems
            continue
        text = "\0".join(f"{script.machine}\0{script.text.strip()}" for script in scripts)
        if not scripts:
            message = f"no {what}, so testcourse can't try one"
            yield ContentProblem(f"{path}/{stem}.sh", None, message, "write the script")
        elif (same := written.setdefault(text, stem)) != stem:
            message = f"the same as {same}.sh, so it is no {what}"
            yield ContentProblem(f"{path}/{stem}.sh", None, message, "write another way")
    if not task.hints_html:
        yield ContentProblem(f"{path}/task.md", None, "no hints", "add “hints:”", "warning")


def _scripts(folder: CourseFolder) -> Iterator[ContentProblem]:
    # Each is read by a process of its own: several at once keep all processors at it.
    with ThreadPoolExecutor(SCRIPTS_AT_ONCE) as threads:
        for problems in threads.map(lambda path: _script(folder, path), _files(folder, ".sh")):
            yield from problems


def _script(folder: CourseFolder, path: str) -> list[ContentProblem]:
    try:
        findings = _findings(folder.read_text(path, limits.MAX_SCRIPT_BYTES))
    except ContentError as error:
        return list(error.problems)
    except subprocess.TimeoutExpired:
        message = "bash: reading it took too long"
        return [ContentProblem(path, None, message, "make it simpler")]
    return [ContentProblem(path, *finding) for finding in findings]


# While an author works, most scripts are as they were at the last save. What raises is not kept.
@lru_cache(maxsize=2000)
def _findings(text: str) -> tuple[_Finding, ...]:
    return (*_bash_syntax(text), *_shellcheck(text))


def _bash_syntax(text: str) -> Iterator[_Finding]:
    result = _ended(["bash", "-n"], text, BASH_TIMEOUT_SECONDS)
    if result.returncode:
        first = (result.stderr.strip().splitlines() or ["not valid bash"])[0]
        _, _, rest = first.partition(": line ")
        number, _, message = rest.partition(": ")
        line = int(number) if number.isdigit() else None
        yield line, f"bash: {message or first}", "run “bash -n” on it", "error"


def _shellcheck(text: str) -> Iterator[_Finding]:
    program = shutil.which("shellcheck")
    if program is None:
        return
    command = [program, "--shell=bash", "--severity=warning", "--format=gcc", "-"]
    try:
        result = _ended(command, text, SHELLCHECK_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return
    for finding in result.stdout.splitlines():
        _, line, _, message = (finding.split(":", 3) + ["", "", ""])[:4]
        number = int(line) if line.isdigit() else None
        yield number, f"shellcheck: {message.strip()}", "", "warning"


def _ended(command: list[str], text: str, seconds: int) -> subprocess.CompletedProcess[str]:
    """The program's result for that input; raises TimeoutExpired when it was stopped for time."""
    # What the programs quote of a script may be cut within a character.
    return subprocess.run(
        command,
        input=text,
        encoding="utf-8",
        errors="replace",
        capture_output=True,
        timeout=seconds,
        check=False,
    )


def _unlisted(folder: CourseFolder) -> Iterator[ContentProblem]:
    """Folders that look like lessons and that course.yaml does not name."""
    meta = _meta(folder)
    for name in folder.subfolders_of_root():
        if name not in meta.lessons and folder.has_file(f"{name}/lesson.md"):
            message, hint = f"the lesson in {name} is not listed", "add it under “lessons:”"
            yield ContentProblem(COURSE_FILE, None, message, hint, "warning")


def _meta(folder: CourseFolder) -> CourseMeta:
    text = folder.read_text(COURSE_FILE, limits.MAX_META_BYTES)
    return read_yaml(text, CourseMeta, COURSE_FILE)


def _files(folder: CourseFolder, suffix: str) -> Iterator[str]:
    """Paths of the author's files with that suffix; what goes onto machines is not looked at."""
    for entry in walk(folder.root):
        path = Path(entry.path).relative_to(folder.root)
        material = len(path.parts) > 2 and path.parts[1] == "files"
        if path.suffix == suffix and entry.is_file(follow_symlinks=False) and not material:
            yield path.as_posix()
