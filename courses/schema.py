"""The schema of a course's metadata: course.yaml, glossary.yaml, lesson.md and task.md.

Unknown keys are refused, so that a typing error never silently drops a setting. Sizes are
bounded, because a course may come from a stranger.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    model_validator,
)

MachineKind = Literal["shell", "docker", "vm"]
GuestSize = Literal["small", "full"]
Login = Literal["auto", "prompt"]
Network = Literal["isolated", "none"]
Layout = Literal["split", "terminal", "text"]
CheckUser = Literal["root", "learner"]

SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
MAX_LESSONS = 60
MAX_MACHINES = 4
MAX_TASKS = 40
MAX_PREVIEWS = 4
MAX_HINTS = 8
MAX_TERMS = 200
MAX_OTHER_FORMS = 8


def _text(max_length: int) -> StringConstraints:
    return StringConstraints(
        strict=True, strip_whitespace=True, min_length=1, max_length=max_length
    )


def _all_different(values: tuple[str, ...]) -> tuple[str, ...]:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"named twice: {', '.join(repeated)}")
    return values


Title = Annotated[str, _text(120)]
Line = Annotated[str, _text(300)]
Paragraph = Annotated[str, _text(2000)]
Slug = Annotated[str, StringConstraints(strict=True, pattern=SLUG_PATTERN, max_length=60)]
MachineName = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$")
]
Language = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")]
Slugs = Annotated[tuple[Slug, ...], AfterValidator(_all_different)]


class Strict(BaseModel):
    """Base of every metadata model: frozen, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CourseMeta(Strict):
    """course.yaml."""

    title: Title
    summary: Paragraph
    audience: Paragraph
    language: Language
    licence: Title
    lessons: Annotated[Slugs, Field(min_length=1, max_length=MAX_LESSONS)]
    flagship: StrictBool = False
    order: Annotated[StrictInt, Field(ge=0, le=10_000)] = 100


class MachineMeta(Strict):
    """One entry of `machines:`; the kind decides image, size and isolation.

    `guest` (small, full) and `login` (auto, prompt) are for kind vm.
    """

    kind: MachineKind
    guest: GuestSize | None = None
    login: Login | None = None

    @model_validator(mode="after")
    def _guest_needs_vm(self) -> Self:
        if self.kind != "vm" and (self.guest or self.login):
            raise ValueError("guest and login are for machines of kind vm")
        return self


class PreviewMeta(Strict):
    """A port of a machine that the lesson offers to open in the browser."""

    machine: MachineName
    port: Annotated[StrictInt, Field(ge=1, le=65535)]
    title: Annotated[str, _text(80)]


class LessonMeta(Strict):
    """Front matter of lesson.md."""

    title: Title
    summary: Paragraph
    minutes: Annotated[StrictInt, Field(ge=1, le=240)]
    objectives: Annotated[tuple[Line, ...], Field(max_length=10)] = ()
    machines: Annotated[dict[MachineName, MachineMeta], Field(max_length=MAX_MACHINES)] = Field(
        default_factory=dict
    )
    network: Network = "isolated"
    previews: Annotated[tuple[PreviewMeta, ...], Field(max_length=MAX_PREVIEWS)] = ()
    layout: Layout = "split"

    @model_validator(mode="after")
    def _previews_name_machines(self) -> Self:
        for preview in self.previews:
            if preview.machine not in self.machines:
                raise ValueError(f"previews name the unknown machine “{preview.machine}”")
        return self


class TaskMeta(Strict):
    """Front matter of task.md. `machine` is where check.sh runs (default: the lesson's first)."""

    title: Title
    machine: MachineName | None = None
    user: CheckUser = "root"
    timeout_seconds: Annotated[StrictInt, Field(ge=1, le=120)] = 10
    needs: Annotated[Slugs, Field(max_length=MAX_TASKS)] = ()
    hints: Annotated[tuple[Paragraph, ...], Field(max_length=MAX_HINTS)] = ()


class TermMeta(Strict):
    """One entry of glossary.yaml; `also` are its other forms, `lesson` the folder that teaches it."""

    term: Annotated[str, _text(60)]
    also: Annotated[tuple[Annotated[str, _text(60)], ...], Field(max_length=MAX_OTHER_FORMS)] = ()
    meaning: Annotated[str, _text(600)]
    lesson: Slug | None = None


class GlossaryMeta(Strict):
    """glossary.yaml."""

    terms: Annotated[tuple[TermMeta, ...], Field(min_length=1, max_length=MAX_TERMS)]


class CourseTranslation(Strict):
    """course.<language>.yaml: what is read; the rest is the course's own."""

    title: Title
    summary: Paragraph
    audience: Paragraph


class LessonTranslation(Strict):
    """Front matter of lesson.<language>.md."""

    title: Title
    summary: Paragraph
    objectives: Annotated[tuple[Line, ...], Field(max_length=10)] = ()


class TaskTranslation(Strict):
    """Front matter of task.<language>.md."""

    title: Title
    hints: Annotated[tuple[Paragraph, ...], Field(max_length=MAX_HINTS)] = ()
