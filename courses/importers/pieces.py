"""Splitting a stranger's Markdown into code blocks and what lies between, in linear time.

CommonMark allows nothing behind a closing fence; the formats read here put their markers there.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

_OPEN = re.compile(
    r"^(?P<prefix>(?:[ \t]|[-*+][ \t]|\d{1,9}[.)][ \t])*)"
    r"(?P<marks>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)$"
)
_TICKS = re.compile(r"`+")


@dataclass(frozen=True)
class Text:
    """Markdown without fenced code."""

    text: str


@dataclass(frozen=True)
class Code:
    """A fenced block; `trailer` is what stood behind the closing fence."""

    info: str
    content: str
    trailer: str = ""
    closed: bool = True


@dataclass(frozen=True)
class Ready:
    """Blocks that are finished: nothing is to be changed in them."""

    text: str


Piece = Text | Code | Ready


def split_pieces(text: str) -> list[Piece]:
    """The text as a list of pieces, in order; a fence that is never closed runs to the end."""
    lines = text.split("\n")
    pieces: list[Piece] = []
    prose: list[str] = []
    index = 0
    while index < len(lines):
        opened = _OPEN.match(lines[index])
        if opened is None:
            prose.append(lines[index])
            index += 1
            continue
        if opened["prefix"].strip():  # the first thing in an item of a list
            prose.append(opened["prefix"].rstrip())
        if prose:
            pieces.append(Text("\n".join(prose)))
            prose = []
        code, index = _fenced(lines, index, opened)
        pieces.append(code)
    if prose:
        pieces.append(Text("\n".join(prose)))
    return pieces


def _fenced(lines: list[str], start: int, opened: re.Match[str]) -> tuple[Code, int]:
    marks, indent = opened["marks"], len(opened["prefix"])
    content: list[str] = []
    for index in range(start + 1, len(lines)):
        line = lines[index].strip()
        if line.startswith(marks):
            rest = line.lstrip(marks[0]).strip()
            if not rest or rest.startswith("{"):
                return Code(opened["info"].strip(), "\n".join(content), rest), index + 1
        content.append(_outdented(lines[index], indent))
    return Code(opened["info"].strip(), "\n".join(content), "", closed=False), len(lines)


def _outdented(line: str, indent: int) -> str:
    blank = len(line) - len(line.lstrip(" \t"))
    return line[min(indent, blank) :]


def code_spans(paragraph: str) -> Iterator[tuple[int, int, int, int]]:
    """The inline code of a paragraph: start, start and end of the code, end behind the ticks."""
    runs = [(match.start(), match.end()) for match in _TICKS.finditer(paragraph)]
    starts: dict[int, list[int]] = {}
    for start, end in runs:
        starts.setdefault(end - start, []).append(start)
    behind = 0
    for start, end in runs:
        alike = starts[end - start]
        place = bisect_right(alike, start)
        if start < behind or place == len(alike) or _escaped(paragraph, start):
            continue
        close = alike[place]
        behind = close + end - start
        yield start, end, close, behind


def _escaped(text: str, position: int) -> bool:
    before = text[:position][-64:]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def fence(info: str, content: str) -> str:
    """A fenced block whose fence is longer than any in its content."""
    longest = max(
        (len(run) for run in re.findall(r"^[ \t]*(`{3,})", content, re.MULTILINE)), default=2
    )
    marks = "`" * max(3, longest + 1)
    body = content.strip("\n")
    return f"{marks}{info}\n{body}\n{marks}"
