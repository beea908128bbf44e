"""The JSON that the courses' API takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from ninja import Field, Schema
from pydantic import StrictInt


class ErrorBody(Schema):
    """What went wrong, and what to do; the last three come with `sandbox_live`."""

    code: str
    message: str
    hint: str
    sandbox_id: str | None = None
    course: str | None = None
    lesson: str | None = None


class ErrorAnswer(Schema):
    """Every error."""

    error: ErrorBody


class LessonMachineOut(Schema):
    name: str
    kind: Literal["shell", "docker", "vm"]


class LessonPreviewOut(Schema):
    machine: str
    port: int
    title: str


class LessonBrief(Schema):
    slug: str
    title: str
    summary: str
    minutes: int
    machines: list[LessonMachineOut]


class CourseOut(Schema):
    slug: str
    title: str
    summary: str
    flagship: bool
    lessons: list[LessonBrief]


# One line per group: text, the learner's part, live panels.
StepType = (
    Literal["prose", "command", "file", "output", "picture", "callout"]
    | Literal["task", "quiz", "predict", "reveal"]
    | Literal["measure", "diagram"]
)


class StepOut(Schema):
    """One block of the lesson. Which keys it has besides `type` depends on the type."""

    type: StepType
    content: dict[str, Any]


class TaskOut(Schema):
    name: str
    number: int
    title: str
    html: str
    machine: str
    needs: list[str]
    state: Literal["open", "failing", "passed"]
    feedback: str
    seconds: float | None
    hints_shown: list[str]
    hints_total: int
    tried: bool
    solution_html: str | None


class QuizChoiceOut(Schema):
    index: int
    html: str


class GradedChoiceOut(Schema):
    text_html: str
    chosen: bool
    right: bool
    explanation_html: str


class GradedOut(Schema):
    """A graded quiz; choices in the order of the quiz."""

    correct: bool
    choices: list[GradedChoiceOut]


class QuizOut(Schema):
    """A quiz; what is right is in `answered`, which is null before the caller's answer."""

    name: str
    question_html: str
    multiple: bool
    choices: list[QuizChoiceOut]
    answered: GradedOut | None


class PredictionOut(Schema):
    name: str
    question_html: str
    choices: list[str]
    unit: str | None
    kept: str | None
    outcome_html: str | None


class LessonOut(LessonBrief):
    """A lesson for the caller, with the caller's state."""

    course: str
    number: int
    objectives: list[str]
    previews: list[LessonPreviewOut]
    layout: Literal["split", "terminal", "text"]
    steps: list[StepOut]
    tasks: list[TaskOut]
    quizzes: list[QuizOut]
    predictions: list[PredictionOut]


class TaskStateOut(Schema):
    name: str
    title: str
    state: Literal["open", "failing", "passed"]
    tries: int
    passed_at: datetime | None


class LessonProgressOut(Schema):
    slug: str
    title: str
    state: Literal["open", "now", "done"]
    passed: int
    total: int
    tasks: list[TaskStateOut]


class CourseProgressOut(Schema):
    slug: str
    title: str
    done: int
    total: int
    minutes_left: int
    lessons: list[LessonProgressOut]


class ProgressOut(Schema):
    courses: list[CourseProgressOut]


class StartIn(Schema):
    course: str = Field(max_length=100)
    lesson: str = Field(max_length=100)


class VerdictOut(Schema):
    passed: bool
    feedback: str
    seconds: float


class PendingOut(Schema):
    """The verdict comes as an event."""

    pending: bool = True


class QuizIn(Schema):
    """0-based indexes of the choices."""

    answers: list[StrictInt] = Field(min_length=1, max_length=8)


class PredictionIn(Schema):
    """A choice as it reads, or a number."""

    value: str = Field(min_length=1, max_length=300)


class KeptOut(Schema):
    """The guess that is kept: the first one. The outcome is null when the lesson has it later."""

    value: str
    kept_at: datetime
    outcome_html: str | None


class HintOut(Schema):
    shown: int
    total: int
    html: str


class SolutionOut(Schema):
    html: str
