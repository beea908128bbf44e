"""What a lesson page is made of: one dataclass a kind of block, each with its template.

The upper half is the same for everybody and made when the course is loaded; the lower half
shows one learner's state and is made for each request (`courses.page`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from courses import recorded

# Panels that start something; any other name is a table of the machines' values.
PANELS = frozenset({"race", "fit", "survive"})


@dataclass(frozen=True)
class ProseBlock:
    """Plain text."""

    template: ClassVar[str] = "courses/blocks/prose.html"
    html: str


@dataclass(frozen=True)
class CommandBlock:
    """Commands to run on a machine, to copy, or both. `code` has no final line end."""

    template: ClassVar[str] = "courses/blocks/command.html"
    code: str
    machine: str | None
    runnable: bool
    copyable: bool
    language: str

    @property
    def lines(self) -> list[str]:
        return self.code.split("\n")


@dataclass(frozen=True)
class FileBlock:
    """A file that one click writes onto a machine; `content` is its every byte."""

    template: ClassVar[str] = "courses/blocks/file.html"
    path: str
    machine: str
    content: str
    language: str


@dataclass(frozen=True)
class OutputBlock:
    """Sample output."""

    template: ClassVar[str] = "courses/blocks/output.html"
    text: str


@dataclass(frozen=True)
class PictureBlock:
    """A picture of the lesson; `dark` is its variant for the dark theme. Sizes in px."""

    template: ClassVar[str] = "courses/blocks/picture.html"
    name: str
    alt: str
    caption_html: str
    url: str
    width: int
    height: int
    dark_url: str | None


@dataclass(frozen=True)
class MeasureBlock:
    """A live panel of measured values; `race`, `fit` and `survive` are panels of their own."""

    template: ClassVar[str] = "courses/blocks/measure.html"
    name: str

    @property
    def recorded(self) -> dict[str, Any] | None:
        """What was recorded elsewhere, for a site that can't run virtual machines."""
        return recorded.of(self.name if self.name in PANELS else "measure")


@dataclass(frozen=True)
class DiagramBlock:
    """A live picture of the stack."""

    template: ClassVar[str] = "courses/blocks/diagram.html"
    name: str

    @property
    def recorded(self) -> dict[str, Any] | None:
        """The machines' values as recorded elsewhere."""
        return recorded.of("measure")


@dataclass(frozen=True)
class CalloutBlock:
    """A hint, note or warning."""

    template: ClassVar[str] = "courses/blocks/callout.html"
    kind: str
    title: str
    html: str


@dataclass(frozen=True)
class Slot:
    """The place of a task, quiz, prediction or reveal, filled in for each learner."""

    kind: str
    name: str


StaticBlock = (ProseBlock | CommandBlock | FileBlock | OutputBlock) | (
    PictureBlock | MeasureBlock | DiagramBlock | CalloutBlock
)


@dataclass(frozen=True)
class TaskView:
    """A task with one learner's state: open, failing or passed."""

    name: str
    number: int
    total: int
    title: str
    html: str
    machine: str
    state: str
    feedback: str
    seconds: float | None
    hints_shown: tuple[str, ...]
    hints_total: int
    tried: bool
    solution_html: str | None
    needs: tuple[str, ...]


@dataclass(frozen=True)
class QuizView:
    """A quiz; right answers and explanations are in `answered` only."""

    name: str
    question_html: str
    multiple: bool
    choices: tuple[dict[str, Any], ...]
    answered: dict[str, Any] | None


@dataclass(frozen=True)
class PredictView:
    """A prediction; `outcome_html` is None until a guess is kept."""

    name: str
    question_html: str
    choices: tuple[str, ...]
    unit: str | None
    kept: str | None
    outcome_html: str | None


@dataclass(frozen=True)
class TaskBlock:
    """A task's card."""

    template: ClassVar[str] = "courses/blocks/task.html"
    task: TaskView


@dataclass(frozen=True)
class QuizBlock:
    """A quiz."""

    template: ClassVar[str] = "courses/blocks/quiz.html"
    quiz: QuizView


@dataclass(frozen=True)
class PredictBlock:
    """A guess to commit to."""

    template: ClassVar[str] = "courses/blocks/predict.html"
    prediction: PredictView


@dataclass(frozen=True)
class RevealBlock:
    """Where a lesson comes back to a prediction: the kept guess beside the author's text."""

    template: ClassVar[str] = "courses/blocks/reveal.html"
    prediction: PredictView


Block = StaticBlock | TaskBlock | QuizBlock | PredictBlock | RevealBlock
