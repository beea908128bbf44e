"""One Play with Docker post (Jekyll, kramdown) as a draft of a lesson; its sections are the steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from courses.importers.backends import Environment, nodes
from courses.importers.drafts import LessonDraft
from courses.importers.markers import Buttons, Marked
from courses.importers.pieces import Code, Piece, Ready, Text, fence, split_pieces
from courses.importers.prose import without_private
from courses.importers.quizzes import one_line, quiz
from courses.importers.report import ScenarioReport, StepReport
from courses.importers.scripts import internet_needs, machine_setup
from courses.importers.steps import StepText
from courses.importers.values import Damaged, as_text, one_line_of, read_yaml_object
from courses.importers.variables import Addresses

_TERM = re.compile(r"\.?term([1-9])\b", re.IGNORECASE)
_POST = re.compile(r"```[ \t]*\.term\d|\{:[^{}\n]{0,80}\.term\d|^terms?:", re.MULTILINE)
_ATTRIBUTES = re.compile(r"\{:[^{}\n]{0,300}\}")
_RAW = re.compile(r"\{%-?\s{0,9}(?:end)?raw\s{0,9}-?%\}")
_LIQUID = re.compile(r"\{%[^%\n]{0,500}%\}|\{\{[^{}\n]{0,200}\}\}")
_PORT = re.compile(
    r"\[([^\[\]\n]{0,300})\]\([^()\n]{0,500}\)"
    r"((?:\{:[^{}\n]{0,200}\}){1,4})"
)
_DATA = re.compile(r"data-(term|port|host)\s{0,9}=\s{0,9}[\"']?\.?([\w.-]{1,40})")
_QUIZ = re.compile(r"^\{:[ \t]*\.quiz[ \t]*\}[ \t]*$")
_CHOICE = re.compile(r"^[ \t]*[-*+][ \t]+[\[(]([xX ]?)[\])][ \t]+(\S.*)$")
_SECTION = re.compile(r"^##[ \t]+(.{1,300})$")


def is_post(text: str) -> bool:
    """Whether a Markdown file is a post with terminals."""
    return text.lstrip("\ufeff").startswith("---") and bool(_POST.search(text))


@dataclass
class PostReader:
    """Reads one post."""

    text: str
    report: ScenarioReport

    def read(self) -> LessonDraft:
        """The lesson; sections that can't be carried over are in the report."""
        front, body = self._front_matter()
        pieces = split_pieces(without_private(body))
        environment = self._environment(front, body)
        machines = tuple(environment.machines)
        addresses = Addresses(machines)
        title = one_line_of(front.get("title"), 120, "Untitled post")
        summary = one_line_of(front.get("description"), 600, title)
        sections = [
            self._section(number, name, parts, addresses)
            for number, (name, parts) in enumerate(_sections(pieces), start=1)
        ]
        draft = LessonDraft(
            title,
            summary,
            min(240, 5 * max(1, len(sections))),
            environment.machines,
            "split" if machines else "text",
            "\n\n".join(section for section in sections if section),
            addresses.previews,
        )
        draft.setups = {machine: machine_setup([], "") for machine in machines}
        return draft

    def _front_matter(self) -> tuple[dict[str, Any], str]:
        lines = self.text.lstrip("\ufeff").replace("\r\n", "\n").split("\n")
        for index, line in enumerate(lines[1:], start=1):
            if line.rstrip() == "---":
                try:
                    return read_yaml_object("\n".join(lines[1:index])), "\n".join(
                        lines[index + 1 :]
                    )
                except Damaged as error:
                    self.report.step("front matter").lose(str(error))
                    return {}, "\n".join(lines[index + 1 :])
        self.report.step("front matter").lose("it is never closed")
        return {}, "\n".join(lines[1:])

    def _environment(self, front: dict[str, Any], body: str) -> Environment:
        terms = as_text(front.get("terms", front.get("term")))
        named = max((int(match[1]) for match in _TERM.finditer(body)), default=0)
        wanted = int(terms) if re.fullmatch(r"\d{1,3}", terms) else max(1, named)
        environment = nodes(wanted)
        if environment.loss:
            self.report.step("front matter").lose(environment.loss)
        return environment

    def _section(self, number: int, name: str, pieces: list[Piece], addresses: Addresses) -> str:
        step = self.report.step(f"{number}. {name}" if name else "beginning")
        buttons = Buttons(addresses.machines, step)
        converter = StepText(step, buttons, addresses, f"section-{number}")
        ready: list[Piece] = []
        quizzes = 0
        for piece, following in zip(pieces, [*pieces[1:], None], strict=True):
            if isinstance(piece, Code):
                ready.append(self._code(piece, following, buttons, step))
                continue
            text = self._liquid(getattr(piece, "text", ""), step)
            for part in self._quizzes(text):
                if isinstance(part, str):
                    ready.append(Text(self._attributes(part, addresses, step)))
                else:
                    quizzes += 1
                    ready.append(quiz(f"section-{number}-q{quizzes}", *part, step))
        for what in internet_needs("\n".join(code for _, code in buttons.commands)):
            step.lose(f"a command {what}: needs the internet")
        title = f"## {name}\n\n" if name else ""
        return title + converter.assemble(ready)

    def _code(
        self, piece: Code, following: Piece | None, buttons: Buttons, step: StepReport
    ) -> Piece:
        """A block for a terminal: named behind the fence, or in attributes below it."""
        below = following.text.lstrip("\n").split("\n")[0] if isinstance(following, Text) else ""
        below = below if below.lstrip().startswith("{:") else ""
        match = _TERM.search(piece.info) or _TERM.search(piece.trailer) or _TERM.search(below)
        if not piece.closed:
            step.lose("a code block that is never closed runs to the end of its section")
        content = _RAW.sub("", piece.content)
        if match is None:
            language = re.match(r"^[\w+-]{1,30}", piece.info)
            return Ready(fence(language[0] if language else "", content))
        return Ready(buttons.block(content, Marked(run=True, host=int(match[1]))))

    def _liquid(self, text: str, step: StepReport) -> str:
        text = _RAW.sub("", text)
        for match in _LIQUID.finditer(text):
            step.lose(f"nothing here stands for “{match[0][:60]}”")
        return _LIQUID.sub("", text)

    def _attributes(self, text: str, addresses: Addresses, step: StepReport) -> str:
        def preview(match: re.Match[str]) -> str:
            found = dict(_DATA.findall(match[2]))
            term = _TERM.search(found.get("term", ".term1"))
            if "port" not in found or not found["port"].isdigit() or len(found["port"]) > 5:
                return match[0]
            title = addresses.add(int(term[1]) if term else 1, int(found["port"]), step)
            return f"**{match[1]}** (the preview “{title}”)" if title else match[1]

        text = _PORT.sub(preview, text)
        if re.search(r"\{:\s{0,9}toc", text):
            text = re.sub(
                r"^[*+-] .{0,100}\n\{:\s{0,9}toc[^{}\n]{0,100}\}", "", text, flags=re.MULTILINE
            )
        return _ATTRIBUTES.sub("", text)

    def _quizzes(self, text: str) -> list[str | tuple[str, list[tuple[bool, str]]]]:
        """The text, with each question marked as a quiz taken out: (question, choices)."""
        parts: list[str | tuple[str, list[tuple[bool, str]]]] = []
        lines = text.split("\n")
        index = start = 0
        while index < len(lines):
            if not _QUIZ.match(lines[index]):
                index += 1
                continue
            parts.append("\n".join(lines[start:index]))
            question: list[str] = []
            index += 1
            while index < len(lines) and len(question) < 20 and not _CHOICE.match(lines[index]):
                question.append(lines[index])
                index += 1
            choices = []
            while index < len(lines) and (match := _CHOICE.match(lines[index])):
                choices.append((match[1] in {"x", "X"}, match[2]))
                index += 1
            parts.append((" ".join(question), choices))
            start = index
        return [*parts, "\n".join(lines[start:])]


def _sections(pieces: list[Piece]) -> list[tuple[str, list[Piece]]]:
    """The pieces by headings of level 2; what stands before the first has no name."""
    sections: list[tuple[str, list[Piece]]] = [("", [])]
    for piece in pieces:
        if not isinstance(piece, Text):
            sections[-1][1].append(piece)
            continue
        held: list[str] = []
        for line in piece.text.split("\n"):
            if match := _SECTION.match(line):
                sections[-1][1].append(Text("\n".join(held)))
                held = []
                name = one_line(_ATTRIBUTES.sub("", match[1]), StepReport(""))
                sections.append((name.strip() or "Untitled", []))
            else:
                held.append(line)
        sections[-1][1].append(Text("\n".join(held)))
    return [
        (name, parts)
        for name, parts in sections
        if name or any(not isinstance(part, Text) or part.text.strip() for part in parts)
    ]
