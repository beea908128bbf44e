"""`<pre class="file" data-filename=…>`: a file that a click wrote into the editor, or copied."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from courses.importers.html import attributes
from courses.importers.markers import Buttons
from courses.importers.pieces import Piece, Ready, Text, fence
from courses.importers.variables import Addresses

_OPEN = re.compile(r"<pre\b((?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*')*)>", re.IGNORECASE)
_CLOSE = re.compile(r"</pre\s{0,9}>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:code|span|b|i|em|strong|br)\b[^<>]{0,300}>", re.IGNORECASE)
_NAME = re.compile(r"^[^\x00-\x1f\\\"{}]{1,200}$")


def file_blocks(pieces: list[Piece], buttons: Buttons, addresses: Addresses) -> list[Piece]:
    """The pieces with every `<pre>` taken out of the prose and made a block."""
    found: list[Piece] = []
    for piece in pieces:
        found += _split(piece.text, buttons, addresses) if isinstance(piece, Text) else [piece]
    return found


def _split(text: str, buttons: Buttons, addresses: Addresses) -> Iterator[Piece]:
    position = 0
    while opened := _OPEN.search(text, position):
        closed = _CLOSE.search(text, opened.end())
        end = closed.start() if closed else len(text)
        yield Text(text[position : opened.start()])
        content = html.unescape(_TAG.sub("", text[opened.end() : end])).strip("\n")
        content = addresses.in_code(content, buttons.report)
        yield _block(attributes(opened[1]), content, buttons)
        position = closed.end() if closed else len(text)
    yield Text(text[position:])


def _block(found: dict[str, str], content: str, buttons: Buttons) -> Piece:
    target = found.get("data-target", "replace").lower()
    name = found.get("data-filename", "").strip()
    if not name:
        return Ready(fence("text {copy}" if target == "clipboard" else "text", content))
    path = name if name.startswith(("/", "~/")) else f"~/{name.removeprefix('./')}"
    usable = _NAME.match(path) and ".." not in path.split("/")
    if target != "replace" or not usable or not buttons.machines:
        buttons.report.lose(f"a click does not change the file “{name[:60]}” ({target}): copy it")
        return Ready(fence("text {copy}", content))
    path = f"~/{path.removeprefix('/root/')}" if path.startswith("/root/") else path
    return Ready(fence(f'text {{file="{path}" on={buttons.machines[0]}}}', content))
