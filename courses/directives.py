"""Splitting a lesson's body into prose, fences with buttons, pictures and `:::` containers.

This is a scanner of lines: it knows the shapes, not the meaning of any directive
(`courses.blocks` does). Fences without braces stay part of the prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from courses.problems import ContentProblem

_FENCE = re.compile(
    r"^(?P<indent>[ \t]*(?:(?:[-*+>]|\d+[.)])[ \t]+)*)(?P<marks>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)$"
)
# Of a stripped text: two runs of blanks beside each other would take cubic time to fail.
_INFO = re.compile(r"^(?P<language>[\w.+-]*)\s*(?:\{(?P<attributes>[^{}]*)\})?$")
_ATTRIBUTE = re.compile(
    r'\s*(?P<key>[A-Za-z][\w-]*)(?:=(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s"]+)))?'
)
_OPEN = re.compile(r"^:::[ \t]*(?P<kind>[A-Za-z][\w-]*)(?P<argument>.*)$")
_CLOSE = re.compile(r"^:::[ \t]*$")
_IMAGE = re.compile(
    r"^!\[(?P<alt>[^\[\]]*)\]\((?P<target>pictures/[^\s()\"]*)"
    r"(?:[ \t]+\"(?P<caption>[^\"]*)\")?\)[ \t]*$"
)

BODYLESS = frozenset({"task", "measure", "diagram", "reveal"})
WITH_BODY = frozenset({"quiz", "predict", "hint", "note", "warning"})


@dataclass(frozen=True)
class Prose:
    """Plain Markdown; `line` is where it starts in the file."""

    text: str
    line: int


@dataclass(frozen=True)
class Fence:
    """A fenced block with braces: language, attributes (None: a bare word) and content."""

    language: str
    attributes: dict[str, str | None]
    content: str
    line: int


@dataclass(frozen=True)
class Container:
    """A `:::kind argument` block; `body_line` is where its body starts."""

    kind: str
    argument: str
    body: str
    line: int
    body_line: int


@dataclass(frozen=True)
class Image:
    """A picture of the lesson, alone on its line."""

    alt: str
    target: str
    caption: str
    line: int


Node = Prose | Fence | Container | Image


@dataclass
class _Fenced:
    """A fence while it is open: what closes it."""

    marks: str
    line: int

    def closed_by(self, text: str) -> bool:
        stripped = text.strip()
        return len(stripped) >= len(self.marks) and set(stripped) == {self.marks[0]}


@dataclass
class _Scanner:
    lines: list[str]
    first_line: int
    path: str
    nodes: list[Node] = field(default_factory=list)
    problems: list[ContentProblem] = field(default_factory=list)
    position: int = 0
    _prose_from: int = 0

    def run(self) -> None:
        while self.position < len(self.lines):
            text = self.lines[self.position]
            if fence := _FENCE.match(text):
                self._fence(fence)
            elif opened := _OPEN.match(text):
                self._container(opened)
            elif image := _IMAGE.match(text):
                self._image(image)
            elif _CLOSE.match(text):
                self._problem(
                    self.position, "“:::” closes nothing", "remove it, or name what opens"
                )
                self._end_prose(self.position)
                self._go_on(self.position + 1)
            else:
                self.position += 1
        self._end_prose(len(self.lines))

    def _problem(self, index: int, message: str, hint: str = "") -> None:
        self.problems.append(ContentProblem(self.path, self.first_line + index, message, hint))

    def _end_prose(self, end: int) -> None:
        text = "\n".join(self.lines[self._prose_from : end])
        if text.strip():
            self.nodes.append(Prose(text, self.first_line + self._prose_from))

    def _go_on(self, position: int) -> None:
        self.position = self._prose_from = position

    def _fence(self, match: re.Match[str]) -> None:
        start = self.position
        fenced = _Fenced(match["marks"], start)
        end = start + 1
        while end < len(self.lines) and not fenced.closed_by(self.lines[end]):
            end += 1
        if end == len(self.lines):
            self._problem(
                start, "this code block is never closed", f"close it with {match['marks']}"
            )
        self.position = min(end + 1, len(self.lines))
        if "{" not in match["info"]:
            return
        if match["indent"]:
            self._problem(start, "a block with a button must start at the margin", "unindent it")
            return
        self._end_prose(start)
        self._add_fence(match["info"], start, end)
        self._go_on(self.position)

    def _add_fence(self, info: str, start: int, end: int) -> None:
        parsed = _INFO.match(info.strip())
        attributes = parse_attributes(parsed["attributes"] or "") if parsed else None
        if parsed is None or attributes is None:
            self._problem(
                start, f"can't read “{info.strip()}”", "write it like ```sh {run on=laptop}"
            )
            return
        content = "".join(f"{line}\n" for line in self.lines[start + 1 : end])
        self.nodes.append(Fence(parsed["language"], attributes, content, self.first_line + start))

    def _image(self, match: re.Match[str]) -> None:
        start = self.position
        self._end_prose(start)
        alt, caption = match["alt"].strip(), (match["caption"] or "").strip()
        self.nodes.append(Image(alt, match["target"], caption, self.first_line + start))
        self._go_on(start + 1)

    def _container(self, match: re.Match[str]) -> None:
        start, kind = self.position, match["kind"].lower()
        self._end_prose(start)
        if kind in BODYLESS:
            end = self._after_bodyless(start)
            body_end = start + 1
        else:
            body_end = self._closing(start)
            end = body_end + 1
        if kind in BODYLESS | WITH_BODY:
            body = "\n".join(self.lines[start + 1 : body_end])
            line = self.first_line + start
            self.nodes.append(Container(kind, match["argument"].strip(), body, line, line + 1))
        else:
            known = ", ".join(sorted(BODYLESS | WITH_BODY))
            self._problem(start, f"unknown directive “:::{match['kind']}”", f"known ones: {known}")
        self._go_on(end)

    def _after_bodyless(self, start: int) -> int:
        """Where to go on after `:::task name`: behind its `:::` when that comes next."""
        index = start + 1
        while index < len(self.lines) and not self.lines[index].strip():
            index += 1
        closed = index < len(self.lines) and _CLOSE.match(self.lines[index])
        return index + 1 if closed else start + 1

    def _closing(self, start: int) -> int:
        """Index of the line that closes the container, fences inside it skipped."""
        fenced: _Fenced | None = None
        for index in range(start + 1, len(self.lines)):
            text = self.lines[index]
            if fenced:
                fenced = None if fenced.closed_by(text) else fenced
            elif match := _FENCE.match(text):
                fenced = _Fenced(match["marks"], index)
            elif _CLOSE.match(text):
                return index
            elif _OPEN.match(text):
                self._problem(index, "directives can't stand inside each other", "close the first")
                return index - 1
        self._problem(start, "this directive is never closed", "close it with a line “:::”")
        return len(self.lines)


def parse_attributes(text: str) -> dict[str, str | None] | None:
    """`run on=production` → {"run": None, "on": "production"}; None when it can't be read."""
    found: dict[str, str | None] = {}
    position, text = 0, text.strip()
    while position < len(text):
        match = _ATTRIBUTE.match(text, position)
        if match is None or match["key"] in found:
            return None
        quoted = match["quoted"]
        found[match["key"]] = match["bare"] if quoted is None else quoted
        position = match.end()
        if position < len(text) and not text[position].isspace():
            return None
    return found


def scan(text: str, path: str, first_line: int) -> tuple[list[Node], list[ContentProblem]]:
    """Split a body that starts at `first_line` of the file `path` into its nodes."""
    scanner = _Scanner(text.split("\n"), first_line, path)
    scanner.run()
    return scanner.nodes, scanner.problems


def fences_with_buttons(text: str) -> Iterator[int]:
    """0-based lines of fences with braces, for places where they are not allowed."""
    fenced: _Fenced | None = None
    for index, line in enumerate(text.split("\n")):
        if fenced:
            fenced = None if fenced.closed_by(line) else fenced
        elif match := _FENCE.match(line):
            fenced = _Fenced(match["marks"], index)
            if "{" in match["info"]:
                yield index


def image_lines(text: str) -> frozenset[int]:
    """1-based lines of the pictures that `scan` takes out."""
    nodes, _ = scan(text, "", 1)
    return frozenset(node.line for node in nodes if isinstance(node, Image))
