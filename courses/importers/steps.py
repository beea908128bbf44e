"""The text of one step, from a stranger's Markdown to the blocks of a lesson."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent

from courses.importers.drops import file_blocks
from courses.importers.hints import closed_hints
from courses.importers.markers import Buttons, Marked, read_markers
from courses.importers.pieces import Code, Piece, Ready, code_spans, fence, split_pieces
from courses.importers.prose import clean_prose, without_private
from courses.importers.quizzes import quiz_blocks
from courses.importers.report import StepReport
from courses.importers.variables import Addresses

_BREAK = re.compile(r"^ {0,3}([-*+#]|\d{1,9}[.)])")
_LIST = re.compile(r"^ {0,3}([-*+]|\d{1,9}[.)])[ \t]")
_LANGUAGE = re.compile(r"^[\w.+-]{1,30}")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")


@dataclass
class StepText:
    """Turns the text of one step into Markdown with directives."""

    report: StepReport
    buttons: Buttons
    addresses: Addresses
    name: str

    def convert(self, text: str) -> str:
        """The whole text; what is lost goes to the report."""
        text = _without_front_matter(without_private(text))
        pieces = file_blocks(split_pieces(text), self.buttons, self.addresses)
        pieces = quiz_blocks(pieces, self.name, self.report)
        return self.assemble(pieces)

    def assemble(self, pieces: list[Piece]) -> str:
        """Pieces as blocks, hints closed and without buttons inside."""
        blocks = [block for piece in pieces for block in self._blocks(piece) if block.strip()]
        return closed_hints("\n\n".join(blocks), self.report)

    def _blocks(self, piece: Piece) -> Iterator[str]:
        if isinstance(piece, Ready):
            yield piece.text
        elif isinstance(piece, Code):
            yield self._code(piece)
        else:
            yield from self._paragraphs(piece.text)

    def _code(self, piece: Code) -> str:
        if not piece.closed:
            self.report.lose("a code block that is never closed runs to the end of the step")
        marked, _ = read_markers(piece.trailer) if piece.trailer else (None, 0)
        if marked is None and piece.info.startswith("{"):
            marked, _ = read_markers(piece.info)
        if piece.trailer and marked is None and not piece.trailer.startswith("{:"):
            self.report.lose(f"the marker “{piece.trailer[:40]}” is not understood")
        language = _LANGUAGE.match(piece.info)
        info = language[0] if language else ""
        code = self.addresses.in_code(piece.content, self.report)
        if marked is None:
            return fence(info, code)
        return self.buttons.block(code, marked, info or "sh")

    def _paragraphs(self, text: str) -> Iterator[str]:
        in_list = False
        for paragraph in _BLANK_LINES.split(text.strip("\n")):
            if not in_list and _is_code(paragraph):
                yield fence("", dedent(paragraph.expandtabs(4)))
                continue
            if _LIST.match(paragraph) or not paragraph.startswith((" ", "\t")):
                in_list = bool(_LIST.match(paragraph))
            yield from self._paragraph(paragraph)

    def _paragraph(self, paragraph: str) -> Iterator[str]:
        """The paragraph, cut behind the lines whose code has a button."""
        paragraph = self.addresses.in_text_outside_code(paragraph, self.report)
        out: list[str] = []
        spans: deque[tuple[int, int]] = deque()
        cuts: deque[tuple[int, str]] = deque()
        position = length = 0
        for start, inner, close, end in code_spans(paragraph):
            if start < position:
                continue
            marked, after = read_markers(paragraph, end)
            code = self.addresses.in_code(paragraph[inner:close], self.report)
            shown = f"{paragraph[start:inner]}{code}{paragraph[close:end]}"
            if marked is not None and "\n" in code:
                shown = ""
            out += [paragraph[position:start], shown]
            length += start - position + len(shown)
            position = after
            spans.append((length - len(shown), length))
            if marked is not None and (block := self._inline(code, marked)):
                cuts.append((length, block))
        out.append(paragraph[position:])
        yield from self._cut("".join(out), spans, cuts)

    def _inline(self, code: str, marked: Marked) -> str:
        """A block for inline code; what is only to be copied stays in its line."""
        if marked.run or (marked.copy and "\n" in code):
            return self.buttons.block(code.strip(), marked)
        self.buttons.block("", marked)
        return ""

    def _cut(
        self, text: str, spans: deque[tuple[int, int]], cuts: deque[tuple[int, str]]
    ) -> Iterator[str]:
        """`spans` are the places of code, `cuts` where a block belongs; both are used up."""
        begin = 0
        waiting: list[str] = []
        for end in _line_ends(text):
            while cuts and cuts[0][0] <= end:
                waiting.append(cuts.popleft()[1])
            following = text[end + 1 : end + 80].split("\n")[0]
            if end < len(text) and not (waiting and _BREAK.match(following)):
                continue
            inside = []
            while spans and spans[0][1] <= end:
                inside.append((spans[0][0] - begin, spans.popleft()[1] - begin))
            if not _only_code(text[begin:end], inside, waiting):
                yield clean_prose(text[begin:end], inside, self.report)
            yield from waiting
            waiting, begin = [], min(end + 1, len(text))


def _line_ends(text: str) -> Iterator[int]:
    position = text.find("\n")
    while position >= 0:
        yield position
        position = text.find("\n", position + 1)
    yield len(text)


def _only_code(line: str, spans: list[tuple[int, int]], blocks: list[str]) -> bool:
    """Whether nothing is left to say once the code stands in a block of its own."""
    if not blocks or len(spans) != len(blocks):
        return False
    rest, position = "", 0
    for start, end in spans:
        rest += line[position:start]
        position = end
    rest += line[position:]
    return not re.sub(r"^ {0,3}([-*+>]|\d{1,9}[.)])|[\s.:;,]", "", rest)


def _is_code(paragraph: str) -> bool:
    return all(line.startswith(("    ", "\t")) for line in paragraph.split("\n"))


def _without_front_matter(text: str) -> str:
    lines = text.lstrip("\ufeff").split("\n")
    if lines[0].strip() == "---":
        for index, line in enumerate(lines[1:40], start=1):
            if line.strip() == "---":
                return "\n".join(lines[index + 1 :])
    return "\n".join(lines)
