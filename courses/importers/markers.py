"""`{{execute}}` and its relatives: the words behind a piece of code that make it a button."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from courses.importers.pieces import fence
from courses.importers.report import StepReport

#: One marker behind code. The last two forms are what is left of one after a typing error.
MARKER = re.compile(
    r"[ \t]{0,4}(?:\{\{([^{}\n]{0,80})\}\}(?!\})|\{\{([^{}\n]{1,40})\}(?!\})|\{([^{}\n]{1,40})\}\})"
)
_RUN = {"exec", "execute", "exe", "run"}
_SILENT = {"no-copy", "nocopy"}
_HOST = re.compile(r"^host0?([1-9])$")
_TERMINAL = re.compile(r"^t([1-9])$")


@dataclass
class Marked:
    """What the markers behind one piece of code ask for; hosts and terminals count from 1."""

    run: bool = False
    copy: bool = False
    open: bool = False
    interrupt: bool = False
    no_newline: bool = False
    host: int = 1
    terminal: int = 1
    unknown: list[str] = field(default_factory=list)


def read_markers(text: str, start: int = 0) -> tuple[Marked | None, int]:
    """The markers at `start`, and where they end; None when there are none.

    Damaged ones count when they hold a word that is known.
    """
    marked: Marked | None = None
    while match := MARKER.match(text, start):
        whole = match[1] is not None
        content = match[1] if whole else match[2] or match[3] or ""
        if content.strip().upper().startswith("TRAFFIC_"):
            break
        found = _read_words(content.lower().replace(",", " ").split())
        if not whole:
            if not (found.run or found.copy or found.open):
                break
            found.unknown.append(match[0].strip())
        marked = found if marked is None else _joined(marked, found)
        start = match.end()
    return marked, start


def _read_words(words: list[str]) -> Marked:
    found = Marked()
    for word in words:
        if word in _RUN:
            found.run = True
        elif word == "copy":
            found.copy = True
        elif word == "open":
            found.open = True
        elif word == "interrupt":
            found.interrupt = True
        elif word in {"no-newline", "nonewline"}:
            found.no_newline = True
        elif match := _HOST.match(word):
            found.host = int(match[1])
        elif match := _TERMINAL.match(word):
            found.terminal = int(match[1])
        elif word not in _SILENT:
            found.unknown.append(word)
    return found


def _joined(first: Marked, second: Marked) -> Marked:
    return Marked(
        first.run or second.run,
        first.copy or second.copy,
        first.open or second.open,
        first.interrupt or second.interrupt,
        first.no_newline or second.no_newline,
        max(first.host, second.host),
        max(first.terminal, second.terminal),
        first.unknown + second.unknown,
    )


@dataclass
class Buttons:
    """Makes blocks with buttons for one step; `commands` collects what the step has you run."""

    machines: tuple[str, ...]
    report: StepReport
    commands: list[tuple[str, str]] = field(default_factory=list)

    def block(self, code: str, marked: Marked, language: str = "sh") -> str:
        """The code as a block, with a button if the markers ask for one that works here."""
        for word in marked.unknown:
            self.report.lose(f"the marker “{word[:40]}” is not understood")
        if marked.open:
            self.report.lose("a file is not opened in the editor by a click")
        if not code.strip():
            return ""
        if not marked.run:
            return fence(f"{language} {{copy}}" if marked.copy else language, code)
        machine = self._machine(marked)
        if marked.no_newline:
            self.report.lose("a command that waits for your Enter is to be copied")
        if machine is None or marked.no_newline:
            return fence(f"{language} {{copy}}", code)
        self.commands.append((machine, code.strip("\n")))
        info = f"{language} {{run{' copy' if marked.copy else ''} on={machine}}}"
        return self._advice(marked) + fence(info, code)

    def _machine(self, marked: Marked) -> str | None:
        if not self.machines:
            self.report.block("it has commands, and there is no machine to run them on")
            return None
        if marked.host > len(self.machines):
            self.report.block(f"a command is for host {marked.host}, which is not there")
            return None
        return self.machines[marked.host - 1]

    def _advice(self, marked: Marked) -> str:
        """What elsewhere happened by itself, as a sentence."""
        sentences = []
        if marked.interrupt:
            self.report.lose("a running program is not interrupted by itself")
            sentences.append("If a program is still running, press Ctrl+C first.")
        if marked.terminal > 1:
            self.report.lose(f"a command for terminal {marked.terminal} runs in the first one")
        return " ".join(sentences) + "\n\n" if sentences else ""
