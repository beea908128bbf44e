"""An imported lesson before it is written: plain values, no file format of either side."""

from __future__ import annotations

from dataclasses import dataclass, field

from courses.schema import Layout, MachineKind


@dataclass
class TaskDraft:
    """A task; `files` are the texts beside task.md by name, such as `check.sh`."""

    name: str
    title: str
    machine: str
    needs: tuple[str, ...]
    text: str
    files: dict[str, str]


@dataclass
class LessonDraft:
    """A lesson; `files` are bytes and mode by machine and path below `/`."""

    title: str
    summary: str
    minutes: int
    machines: dict[str, MachineKind]
    layout: Layout = "split"
    body: str = ""
    previews: list[tuple[str, int, str]] = field(default_factory=list)
    tasks: list[TaskDraft] = field(default_factory=list)
    setups: dict[str, str] = field(default_factory=dict)
    files: dict[tuple[str, str], tuple[bytes, int]] = field(default_factory=dict)


@dataclass
class CourseDraft:
    """A course; the lessons in their order, each with the slug it would like."""

    slug: str
    title: str
    summary: str
    lessons: list[tuple[str, LessonDraft]] = field(default_factory=list)
