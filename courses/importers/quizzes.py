"""Questions of other formats as `:::quiz`: `>>Q1: …<<` with its answers, and lists to tick."""

from __future__ import annotations

import re

from courses.importers.html import plain
from courses.importers.pieces import Piece, Ready, Text, code_spans
from courses.importers.prose import clean_prose
from courses.importers.report import StepReport
from courses.questions import CHOICES

_ASKED = re.compile(r"^[ \t]*>>[ \t]*(?:Q\d{1,3}[ \t]*[:.)]?)?(.{0,1000}?)<<[ \t]*$", re.IGNORECASE)
_ANSWER = re.compile(r"^[ \t]*(?:[-*+][ \t]+)?[(\[]([*xX ]?)[)\]][ \t]+(\S.{0,500})$")
_TYPED = re.compile(r"^[ \t]*=(?:==|~=|\^=)[ \t]*\S")

Answers = list[tuple[bool, str]]


def quiz_blocks(pieces: list[Piece], name: str, report: StepReport) -> list[Piece]:
    """The pieces with every `>>question<<` and the answers below it as a quiz."""
    found: list[Piece] = []
    number = 0
    for piece in pieces:
        if not isinstance(piece, Text) or ">>" not in piece.text:
            found.append(piece)
            continue
        lines = piece.text.split("\n")
        index = start = 0
        while index < len(lines):
            asked = _ASKED.match(lines[index])
            if asked is None:
                index += 1
                continue
            found.append(Text("\n".join(lines[start:index])))
            number += 1
            answers, typed, index = _answers(lines, index + 1)
            start = index
            found.append(quiz(f"{name}-q{number}", asked[1], answers, report, typed=typed))
        found.append(Text("\n".join(lines[start:])))
    return found


def quiz(
    name: str, question: str, answers: Answers, report: StepReport, *, typed: bool = False
) -> Piece:
    """A quiz, or the bare question when it can't be graded here."""
    question = one_line(question, report) or "Which is right?"
    if typed:
        report.lose(f"the question “{plain(question)}” wants a typed answer")
        return Ready(question)
    if len(answers) not in CHOICES or not any(right for right, _ in answers):
        report.lose(
            f"the question “{plain(question)}” has no answers to choose from, or none right"
        )
        return Ready(question)
    lines = [f":::quiz {name}", question, ""]
    for right, text in answers:
        lines.append(f"- [{'x' if right else ' '}] {one_line(text, report) or '(no text)'}")
        lines.append(f"  > {'That is right.' if right else 'That is not right.'}")
    return Ready("\n".join([*lines, ":::"]))


def one_line(text: str, report: StepReport) -> str:
    """A line of prose without what would end it, or make it something else."""
    text = " ".join(text.split())
    spans = [(start, end) for start, _, _, end in code_spans(text)]
    return " ".join(clean_prose(text, spans, report).split()).lstrip("#>: ")


def _answers(lines: list[str], index: int) -> tuple[Answers, bool, int]:
    answers: Answers = []
    typed = False
    while index < len(lines):
        if match := _ANSWER.match(lines[index]):
            answers.append((match[1] not in {"", " "}, match[2]))
        elif _TYPED.match(lines[index]):
            typed = True
        elif lines[index].strip() or (answers and not _more(lines, index)):
            break
        index += 1
    return answers, typed, index


def _more(lines: list[str], index: int) -> bool:
    return index + 1 < len(lines) and bool(_ANSWER.match(lines[index + 1]))
