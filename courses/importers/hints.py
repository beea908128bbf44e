"""Hints made of `<details>`: none inside another container, each closed, no buttons in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from courses.importers.report import StepReport

_FENCE = re.compile(r"^(`{3,}(?=[^`]*$)|~{3,})")


def closed_hints(text: str, report: StepReport) -> str:
    """The blocks of a step with every container closed; lost buttons are reported."""
    reader = _Reader(report)
    for line in text.split("\n"):
        reader.take(line)
    return reader.text()


@dataclass
class _Reader:
    """Goes through the lines; `marks` is the fence that is open, `kind` the container."""

    report: StepReport
    out: list[str] = field(default_factory=list)
    marks: str = ""
    kind: str = ""

    def take(self, line: str) -> None:
        """Keep a line, changed where it must be."""
        if self.marks:
            self.marks = "" if line.strip() == self.marks else self.marks
            self.out.append(line)
        elif opened := _FENCE.match(line):
            self.marks = opened[1]
            self.out.append(self._without_button(line))
        elif line.startswith(":::"):
            self._directive(line)
        else:
            self.out.append(line)

    def text(self) -> str:
        """All lines, with what is still open closed."""
        rest = [self.marks] if self.marks else []
        return "\n".join([*self.out, *rest, *([":::"] if self.kind else [])])

    def _without_button(self, line: str) -> str:
        if self.kind != "hint" or "{" not in line:
            return line
        self.report.lose("a command in a fold-out has no button")
        return line.partition("{")[0].rstrip()

    def _directive(self, line: str) -> None:
        if line.strip() == ":::":
            if self.kind:
                self.out.append(line)
            self.kind = ""
            return
        kind = "hint" if line.startswith(":::hint") else "other"
        if self.kind and kind == "hint":
            return  # a fold-out in a fold-out becomes part of the outer one
        if self.kind:
            self.out += [":::", ""]
        self.kind = kind
        self.out.append(line)
