"""The body of a lesson: from scanned directives to blocks.

A block that is wrong is left out and reported with its line; the rest of the body is still
read, so that one run of `checkcourse` names every problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from courses.blocks import (
    CalloutBlock,
    CommandBlock,
    DiagramBlock,
    FileBlock,
    MeasureBlock,
    OutputBlock,
    PictureBlock,
    ProseBlock,
    Slot,
    StaticBlock,
)
from courses.directives import Container, Fence, Image, Node, Prose, fences_with_buttons, scan
from courses.markdown import LinkResolver, Marker, render, render_inline
from courses.pictures import FOLDER as PICTURES
from courses.pictures import Picture, dark_name
from courses.problems import ContentError, ContentProblem, fail
from courses.questions import Prediction, Quiz, parse_prediction, parse_quiz
from courses.schema import SLUG_PATTERN

_BUTTONS = {"run", "on", "copy", "file", "output"}
_FILE_PATH = re.compile(r"^(~/|/)[^\x00-\x1f\\]{1,250}$")


@dataclass
class BodyReader:
    """Collects the blocks and questions of one lesson.md."""

    path: str
    machines: tuple[str, ...]
    task_names: frozenset[str]
    link: LinkResolver
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    picture_address: Callable[[str, Picture], str] = lambda name, picture: name
    mark: Marker | None = None
    blocks: list[StaticBlock | Slot] = field(default_factory=list)
    quizzes: dict[str, Quiz] = field(default_factory=dict)
    predictions: dict[str, Prediction] = field(default_factory=dict)
    task_order: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    problems: list[ContentProblem] = field(default_factory=list)

    def read(self, text: str, first_line: int) -> None:
        """Read the Markdown that starts at `first_line` of the file."""
        nodes, self.problems = scan(text, self.path, first_line)
        for node in nodes:
            try:
                self.blocks.append(self._block(node))
                self.lines.append(node.line)
            except ContentError as error:
                self.problems.extend(error.problems)
        self._check_reveals(nodes)

    def _block(self, node: Node) -> StaticBlock | Slot:
        if isinstance(node, Prose):
            return ProseBlock(render(node.text, self.link, self.mark))
        if isinstance(node, Fence):
            return self._fence(node)
        if isinstance(node, Image):
            return self._picture(node)
        self._refuse_buttons(node)
        makers: dict[str, Callable[[Container], StaticBlock | Slot]] = {
            "task": self._task,
            "quiz": self._quiz,
            "predict": self._prediction,
            "reveal": self._reveal,
            "measure": self._measure,
            "diagram": self._diagram,
        }
        return makers.get(node.kind, self._callout)(node)

    def _fence(self, node: Fence) -> StaticBlock:
        attributes = node.attributes
        unknown = sorted(attributes.keys() - _BUTTONS)
        if unknown or not attributes.keys() - {"on"}:
            message = (
                f"unknown button “{unknown[0]}”" if unknown else "no button named in the braces"
            )
            raise fail(self.path, node.line, message, "use run, copy, file=PATH or output")
        if "output" in attributes:
            self._allow(node, {"output"})
            return OutputBlock(node.content.removesuffix("\n"))
        if "file" in attributes:
            self._allow(node, {"file", "on"})
            return self._file(node)
        runnable = "run" in attributes
        if "on" in attributes and not runnable:
            raise fail(self.path, node.line, "“on” needs “run” or “file”")
        code = node.content.strip("\n")
        if not code.strip():
            raise fail(self.path, node.line, "this block is empty")
        machine = self._machine(node) if runnable else None
        return CommandBlock(code, machine, runnable, "copy" in attributes, node.language)

    def _allow(self, node: Fence, allowed: set[str]) -> None:
        if extra := sorted(node.attributes.keys() - allowed):
            raise fail(self.path, node.line, f"“{extra[0]}” does not go with {', '.join(allowed)}")

    def _machine(self, node: Fence) -> str:
        name = node.attributes.get("on")
        if "on" not in node.attributes and self.machines:
            return self.machines[0]
        if name not in self.machines:
            known = ", ".join(self.machines) or "none, add them under “machines:”"
            raise fail(
                self.path, node.line, f"unknown machine “{name or ''}”", f"machines: {known}"
            )
        return name

    def _file(self, node: Fence) -> FileBlock:
        path = node.attributes["file"] or ""
        if not _FILE_PATH.match(path) or ".." in path.split("/"):
            raise fail(self.path, node.line, f"“{path}” is no file path", "start it with ~/ or /")
        return FileBlock(path, self._machine(node), node.content, node.language)

    def _picture(self, node: Image) -> PictureBlock:
        if not node.alt:
            hint = "say in the brackets what it shows, for those who can't see it"
            raise fail(self.path, node.line, "the picture has no text", hint)
        name = node.target.removeprefix(f"{PICTURES}/")
        picture = self.pictures.get(name)
        if picture is None:
            hint = f"put the file into the lesson's folder {PICTURES}/"
            raise fail(self.path, node.line, f"there is no picture “{node.target}”", hint)
        dark = dark_name(name, self.pictures)
        return PictureBlock(
            name,
            node.alt,
            render_inline(node.caption),
            self.picture_address(name, picture),
            picture.width,
            picture.height,
            self.picture_address(dark, self.pictures[dark]) if dark else None,
        )

    def _name(self, node: Container) -> str:
        if not re.match(SLUG_PATTERN, node.argument) or len(node.argument) > 60:
            hint = f"write “:::{node.kind} name” with small letters, digits and hyphens"
            raise fail(self.path, node.line, f"“:::{node.kind}” needs a name", hint)
        return node.argument

    def _task(self, node: Container) -> Slot:
        name = self._name(node)
        if name not in self.task_names:
            raise fail(
                self.path, node.line, f"there is no task “{name}”", f"make tasks/{name}/task.md"
            )
        if name in self.task_order:
            raise fail(self.path, node.line, f"the task “{name}” stands on the page twice")
        self.task_order.append(name)
        return Slot("task", name)

    def _reveal(self, node: Container) -> Slot:
        return Slot("reveal", self._name(node))

    def _measure(self, node: Container) -> MeasureBlock:
        return MeasureBlock(self._name(node))

    def _diagram(self, node: Container) -> DiagramBlock:
        return DiagramBlock(self._name(node))

    def _quiz(self, node: Container) -> Slot:
        quiz = parse_quiz(node, f"q{len(self.quizzes) + 1}", self.path, self.link)
        return self._keep(self.quizzes, quiz, "quiz")

    def _prediction(self, node: Container) -> Slot:
        default_name = f"p{len(self.predictions) + 1}"
        prediction = parse_prediction(node, default_name, self.path, self.link)
        return self._keep(self.predictions, prediction, "predict")

    def _keep(
        self, kept: dict[str, Quiz] | dict[str, Prediction], item: Quiz | Prediction, kind: str
    ) -> Slot:
        if item.name in kept:
            raise fail(self.path, item.line, f"the name “{item.name}” is taken", "choose another")
        kept[item.name] = item  # type: ignore[assignment]
        return Slot(kind, item.name)

    def _callout(self, node: Container) -> CalloutBlock:
        return CalloutBlock(node.kind, node.argument, render(node.body, self.link, self.mark))

    def _refuse_buttons(self, node: Container) -> None:
        for offset in fences_with_buttons(node.body):
            message = f"a block with a button can't stand inside :::{node.kind}"
            raise fail(
                self.path, node.body_line + offset, message, "move it out, or drop the braces"
            )

    def _check_reveals(self, nodes: list[Node]) -> None:
        for node in nodes:
            if not isinstance(node, Container) or node.kind != "reveal":
                continue
            if node.argument and node.argument not in self.predictions:
                message = f"there is no prediction “{node.argument}” to reveal"
                self.problems.append(ContentProblem(self.path, node.line, message))
