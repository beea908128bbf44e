"""The author's scripts beside each task: which there are, and on which machine each runs."""

from __future__ import annotations

from dataclasses import dataclass

from courses import folder as limits
from courses.content import Lesson, Task
from courses.folder import CourseFolder

SOLUTION = "solve"
SECOND_SOLUTION = "solve-2"
NEAR_MISS = "nearmiss"


@dataclass(frozen=True)
class Script:
    """A script's text and the machine it runs on; `path` is relative to the course folder."""

    path: str
    machine: str
    text: str


def scripts_of(folder: CourseFolder, lesson: Lesson, task: Task, stem: str) -> list[Script]:
    """`<stem>.<machine>.sh` in the order of the machines, then `<stem>.sh`; [] when none is there.

    Raises ContentError for one that can't be read.
    """
    base = f"{lesson.folder}/tasks/{task.name}/{stem}"
    candidates = [(f"{base}.{machine.name}.sh", machine.name) for machine in lesson.machines]
    candidates.append((f"{base}.sh", task.machine))
    return [
        Script(path, machine, folder.read_text(path, limits.MAX_SCRIPT_BYTES))
        for path, machine in candidates
        if folder.has_file(path)
    ]
