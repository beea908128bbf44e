"""What can be wrong with a course folder, said so that its author can mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ContentProblem:
    """One finding: where (file relative to the course folder, 1-based line), what, what to do."""

    path: str
    line: int | None
    message: str
    hint: str = ""
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        text = f"{place}: {self.level}: {self.message}"
        return _printable(f"{text} ({self.hint})" if self.hint else text)

    def as_dict(self) -> dict[str, str | int | None]:
        """The JSON form printed by `checkcourse --json`."""
        return asdict(self) | {"path": _printable(self.path), "message": _printable(self.message)}


def _printable(text: str) -> str:
    """Names of files need not be UTF-8; what is printed must be."""
    return text.encode("utf-8", "replace").decode("utf-8")


class ContentError(Exception):
    """Content that cannot be used; carries every problem found up to that point."""

    def __init__(self, problems: Iterable[ContentProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def fail(path: str, line: int | None, message: str, hint: str = "") -> ContentError:
    """A `ContentError` with one problem, to be raised by the caller."""
    return ContentError([ContentProblem(path, line, message, hint)])
