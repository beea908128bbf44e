"""A course as it was read from its folder: frozen, without anything of a learner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from courses.blocks import DiagramBlock, MeasureBlock, Slot, StaticBlock
from courses.glossary import Term
from courses.pictures import Picture
from courses.problems import ContentProblem
from courses.questions import Prediction, Quiz
from courses.schema import CheckUser, GuestSize, Layout, Login, MachineKind, Network


@dataclass(frozen=True)
class Machine:
    """A machine that a lesson asks for; `guest` and `login` say nothing but for kind vm."""

    name: str
    kind: MachineKind
    guest: GuestSize = "small"
    login: Login = "auto"


@dataclass(frozen=True)
class Preview:
    """A port that a lesson offers to open."""

    machine: str
    port: int
    title: str


@dataclass(frozen=True)
class Task:
    """A task; `number` is its 1-based place on the page, scripts are their text."""

    name: str
    number: int
    title: str
    html: str
    machine: str
    user: CheckUser
    timeout_seconds: int
    needs: tuple[str, ...]
    hints_html: tuple[str, ...]
    solution_html: str
    check: str
    setup: str | None


@dataclass(frozen=True)
class LessonLink:
    """What is shown of the lesson before or after."""

    slug: str
    number: int
    title: str


@dataclass(frozen=True)
class Lesson:
    """A lesson; `number` is its 1-based place in course.yaml, `folder` its name there."""

    slug: str
    folder: str
    number: int
    title: str
    summary: str
    minutes: int
    objectives: tuple[str, ...]
    machines: tuple[Machine, ...]
    network: Network
    previews: tuple[Preview, ...]
    layout: Layout
    body: tuple[StaticBlock | Slot, ...]
    tasks: tuple[Task, ...]
    quizzes: Mapping[str, Quiz]
    predictions: Mapping[str, Prediction]
    setups: Mapping[str, str]
    files: Mapping[str, Path]
    images: tuple[str, ...]
    pictures: Mapping[str, Picture]
    terms: tuple[Term, ...] = ()
    # Where each block of the body begins in lesson.md.
    lines: tuple[int, ...] = ()
    language: str = ""
    previous: LessonLink | None = None
    next: LessonLink | None = None

    def task(self, name: str) -> Task | None:
        """The task of that name, if there is one."""
        return next((task for task in self.tasks if task.name == name), None)

    @property
    def measures(self) -> bool:
        """Whether something on its page measures the machines."""
        return any(isinstance(block, MeasureBlock | DiagramBlock) for block in self.body)

    @property
    def link(self) -> LessonLink:
        return LessonLink(self.slug, self.number, self.title)


@dataclass(frozen=True)
class Course:
    """A course with the lessons that could be read."""

    slug: str
    title: str
    summary: str
    audience: str
    language: str
    licence: str
    flagship: bool
    order: int
    lessons: tuple[Lesson, ...]
    glossary: tuple[Term, ...] = ()
    translations: Mapping[str, Course] = field(default_factory=dict)

    def in_language(self, wanted: Iterable[str]) -> Course:
        """The course in the first of the languages that it has, else as it was written."""
        for language in wanted:
            for code in (language.lower(), language.lower().partition("-")[0]):
                if code in (self.language.lower(), self.language.lower().partition("-")[0]):
                    return self
                if code in self.translations:
                    return self.translations[code]
        return self

    def lesson(self, slug: str) -> Lesson | None:
        """The lesson of that slug (or folder name), if there is one."""
        return next(
            (lesson for lesson in self.lessons if slug in (lesson.slug, lesson.folder)), None
        )

    @property
    def minutes(self) -> int:
        return sum(lesson.minutes for lesson in self.lessons)


@dataclass(frozen=True)
class LoadedCourse:
    """The outcome of reading a folder; `course` is None when not even course.yaml is right."""

    course: Course | None
    problems: tuple[ContentProblem, ...]
