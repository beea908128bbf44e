"""Splitting a Markdown file into its front matter and its body."""

from __future__ import annotations

from dataclasses import dataclass

from courses.folder import MAX_META_BYTES
from courses.problems import fail

_MARK = "---"


@dataclass(frozen=True)
class Document:
    """Front matter (starts at line 2) and body, which starts at `body_line` of the file."""

    meta: str
    body: str
    body_line: int


def split(text: str, path: str) -> Document:
    """Split `text` at its `---` lines; raises ContentError when it does not begin with them."""
    lines = text.split("\n")
    if lines[0].rstrip() != _MARK:
        raise fail(path, 1, "the file does not begin with front matter", "put “---” on line 1")
    for index, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _MARK:
            meta = "\n".join(lines[1:index])
            if len(meta) > MAX_META_BYTES:
                raise fail(path, 1, "the front matter is too long")
            return Document(meta, "\n".join(lines[index + 1 :]), index + 2)
    raise fail(path, 1, "the front matter is never closed", "put “---” below it")
