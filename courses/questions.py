"""The inside of `:::quiz` and `:::predict`.

A quiz is a question, then a Markdown task list: `- [x]` right, `- [ ]` wrong, each followed by
its explanation, indented or quoted. A prediction is a question, then plain list items or
`unit: s`, then the reveal as a quote.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from courses.directives import Container
from courses.markdown import LinkResolver, plain_text, render, render_inline
from courses.problems import fail
from courses.schema import SLUG_PATTERN

_CHOICE = re.compile(r"^[-*+] \[(?P<mark>[ xX])\]\s+(?P<text>\S.*)$")
_ITEM = re.compile(r"^[-*+]\s+(?P<text>\S.*)$")
_UNIT = re.compile(r"^unit:\s*(?P<unit>\S.{0,19})\s*$")
_FENCE_LINE = re.compile(r"^\s*(`{3,}(?=[^`]*$)|~{3,})")
CHOICES = range(2, 9)
MAX_VALUE_LENGTH = 40


@dataclass(frozen=True)
class Choice:
    """One answer of a quiz."""

    html: str
    right: bool
    explanation_html: str


@dataclass(frozen=True)
class Quiz:
    """A question with one or several right choices.

    `digest` changes with the text, so that answers to an older wording are not shown.
    """

    name: str
    question_html: str
    choices: tuple[Choice, ...]
    digest: str
    line: int

    @property
    def multiple(self) -> bool:
        return sum(choice.right for choice in self.choices) > 1


@dataclass(frozen=True)
class Prediction:
    """A guess to commit to: one of `choices` (plain text), or a number in `unit`."""

    name: str
    question_html: str
    choices: tuple[str, ...]
    unit: str | None
    outcome_html: str
    line: int
    # In a translation: the choices as the course was written, in the same order.
    kept_as: tuple[str, ...] = ()

    def to_keep(self, value: str) -> str:
        """The guess as it is kept, whatever language it was made in."""
        kept = dict(zip(self.choices, self.kept_as, strict=False))
        return kept.get(value, value)

    def to_show(self, kept: str) -> str:
        """A kept guess in the language of this prediction."""
        shown = dict(zip(self.kept_as, self.choices, strict=False))
        return shown.get(kept, kept)

    def accepts(self, value: str) -> bool:
        """Whether `value` is a possible guess."""
        if self.unit is None:
            return value in self.choices
        try:
            number = float(value.replace(",", "."))
        except ValueError:
            return False
        return math.isfinite(number) and len(value) <= MAX_VALUE_LENGTH


@dataclass
class _Draft:
    """A choice while its lines are collected."""

    text: str
    right: bool
    line: int
    more: list[str]


def parse_quiz(node: Container, default_name: str, path: str, link: LinkResolver) -> Quiz:
    """Build the quiz; raises ContentError with the line of what is missing."""
    name = _name(node, default_name, path)
    question, drafts = _split_choices(node)
    if not question.strip():
        raise fail(path, node.line, "the quiz asks nothing", "write the question above its choices")
    if len(drafts) not in CHOICES:
        hint = "write each as “- [ ] wrong” or “- [x] right” at the margin"
        raise fail(path, node.line, f"a quiz has 2 to 8 choices, this one {len(drafts)}", hint)
    if not any(draft.right for draft in drafts):
        raise fail(path, node.line, "no choice is right", "mark one with “- [x]”")
    choices = tuple(_choice(draft, path, link) for draft in drafts)
    digest = hashlib.sha256(node.body.encode()).hexdigest()[:16]
    return Quiz(name, render(question, link), choices, digest, node.line)


def _choice(draft: _Draft, path: str, link: LinkResolver) -> Choice:
    explanation = "\n".join(_unquoted(draft.more)).strip()
    if not explanation:
        hint = "put “> why” below it, indented by two"
        raise fail(path, draft.line, "this choice has no explanation", hint)
    return Choice(render_inline(draft.text), draft.right, render(explanation, link))


def _split_choices(node: Container) -> tuple[str, list[_Draft]]:
    question: list[str] = []
    drafts: list[_Draft] = []
    for offset, text, code in _lines(node.body):
        match = None if code else _CHOICE.match(text)
        if match:
            right = match["mark"] in "xX"
            drafts.append(_Draft(match["text"], right, node.body_line + offset, []))
        elif drafts:
            drafts[-1].more.append(text)
        else:
            question.append(text)
    return "\n".join(question), drafts


def parse_prediction(
    node: Container, default_name: str, path: str, link: LinkResolver
) -> Prediction:
    """Build the prediction; raises ContentError with the line of what is missing."""
    name = _name(node, default_name, path)
    question, choices, unit, reveal = _split_prediction(node)
    if not question.strip():
        raise fail(path, node.line, "the prediction asks nothing", "write the question first")
    if unit is None and len(choices) not in CHOICES:
        hint = "list 2 to 8 choices with “- ”, or ask for a number with “unit: s”"
        raise fail(path, node.line, "nothing to choose from", hint)
    if len(set(choices)) != len(choices):
        raise fail(path, node.line, "two choices read the same")
    return Prediction(
        name, render(question, link), tuple(choices), unit, render(reveal, link), node.line
    )


def _split_prediction(node: Container) -> tuple[str, list[str], str | None, str]:
    has_unit = any(_UNIT.match(text) for _, text, code in _lines(node.body) if not code)
    question: list[str] = []
    choices: list[str] = []
    reveal: list[str] = []
    unit: str | None = None
    for _, text, code in _lines(node.body):
        if not code and unit is None and (match := _UNIT.match(text)):
            unit = match["unit"].strip()
        elif not code and not has_unit and not reveal and (match := _ITEM.match(text)):
            choices.append(match["text"])
        elif not choices and unit is None:
            question.append(text)
        elif not text.strip() and not reveal:
            continue  # blank lines between choices
        elif reveal or text.startswith(">") or not text.startswith(" ") or not choices:
            reveal.append(text)
        else:
            choices[-1] += f" {text.strip()}"
    return (
        "\n".join(question),
        [plain_text(choice) for choice in choices],
        unit,
        "\n".join(_unquoted(reveal)).strip(),
    )


def _lines(body: str) -> Iterator[tuple[int, str, bool]]:
    """Each line with its offset and whether it stands in a code block."""
    closing = ""
    for offset, text in enumerate(body.split("\n")):
        match = _FENCE_LINE.match(text)
        if match and not closing:
            closing = match[1]
            yield offset, text, True
        else:
            yield offset, text, bool(closing)
            if closing and text.strip().startswith(closing):
                closing = ""


def _unquoted(lines: list[str]) -> list[str]:
    """The lines without their common indent and without quote marks."""
    indents = [len(text) - len(text.lstrip()) for text in lines if text.strip()]
    indent = min(indents, default=0)
    bare = [text[indent:] for text in lines]
    return [re.sub(r"^> ?", "", text) for text in bare]


def _name(node: Container, default_name: str, path: str) -> str:
    name = node.argument or default_name
    if not re.match(SLUG_PATTERN, name) or len(name) > 60:
        hint = "use small letters, digits and single hyphens"
        raise fail(path, node.line, f"“{name}” can't be a name", hint)
    return name
