"""Reading one task's folder."""

from __future__ import annotations

import re
from dataclasses import dataclass

from courses import folder as limits
from courses.content import Task
from courses.directives import fences_with_buttons
from courses.folder import CourseFolder
from courses.frontmatter import split
from courses.links import LinkTable
from courses.markdown import render
from courses.problems import ContentError, ContentProblem, fail
from courses.schema import SLUG_PATTERN, TaskMeta
from courses.yaml_reader import read_yaml

_PREAMBLE = re.compile(r"\A(#!.*\n|set -[a-z]+( -?o? ?pipefail)?[ \t]*\n|[ \t]*\n)+")


@dataclass(frozen=True)
class TaskReader:
    """Reads the tasks of one lesson, whose machines are `machines`."""

    folder: CourseFolder
    lesson_folder: str
    machines: tuple[str, ...]
    links: LinkTable

    def read(self, name: str) -> Task:
        """The task in `tasks/<name>`, numbered 0; raises ContentError with all its problems."""
        base = f"{self.lesson_folder}/tasks/{name}"
        if not re.match(SLUG_PATTERN, name) or len(name) > 60:
            raise fail(base, None, "not a task name", "use small letters, digits and hyphens")
        path = f"{base}/task.md"
        document = split(self.folder.read_text(path, limits.MAX_MARKDOWN_BYTES), path)
        meta = read_yaml(document.meta, TaskMeta, path, first_line=2)
        machine = self._machine(meta, path)
        self._refuse_directives(document.body, document.body_line, path)
        link = self.links.resolver(path)
        return Task(
            name=name,
            number=0,
            title=meta.title,
            html=render(document.body, link),
            machine=machine,
            user=meta.user,
            timeout_seconds=meta.timeout_seconds,
            needs=meta.needs,
            hints_html=tuple(render(hint, link) for hint in meta.hints),
            solution_html=render(self._solution(base, machine), link),
            check=self._script(f"{base}/check.sh"),
            setup=self._optional_script(f"{base}/setup.sh"),
        )

    def _machine(self, meta: TaskMeta, path: str) -> str:
        machine = meta.machine or (self.machines[0] if self.machines else None)
        if machine is None:
            raise fail(
                path, None, "the lesson has no machine to check", "add one under “machines:”"
            )
        if machine not in self.machines:
            known = ", ".join(self.machines)
            raise fail(path, 2, f"unknown machine “{machine}”", f"machines of the lesson: {known}")
        return machine

    def _script(self, path: str) -> str:
        text = self.folder.read_text(path, limits.MAX_SCRIPT_BYTES)
        if not text.strip():
            raise fail(path, None, "the script is empty")
        return text

    def _optional_script(self, path: str) -> str | None:
        return self._script(path) if self.folder.has_file(path) else None

    def _solution(self, base: str, machine: str) -> str:
        """The solution as Markdown: solution.md, or solve.sh and its parts as listings."""
        solve = self._script(f"{base}/solve.sh")
        if self.folder.has_file(f"{base}/solution.md"):
            return self.folder.read_text(f"{base}/solution.md", limits.MAX_MARKDOWN_BYTES)
        parts = [
            (other, text)
            for other in self.machines
            if (text := self._optional_script(f"{base}/solve.{other}.sh"))
        ]
        parts.append((machine, solve))
        return "\n\n".join(_listing(name, text) for name, text in parts)

    def _refuse_directives(self, body: str, first_line: int, path: str) -> None:
        problems = [
            ContentProblem(path, first_line + offset, "a task's text has no buttons of its own")
            for offset in fences_with_buttons(body)
        ]
        problems += [
            ContentProblem(path, first_line + offset, "a task's text has no directives")
            for offset, line in enumerate(body.split("\n"))
            if line.startswith(":::")
        ]
        if problems:
            raise ContentError(problems)


def _listing(machine: str, script: str) -> str:
    """A script as Markdown, under the name of its machine, without its preamble."""
    code = _PREAMBLE.sub("", script).rstrip() or script.rstrip()
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"On **{machine}**:\n\n{fence}sh\n{code}\n{fence}"
