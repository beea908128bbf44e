"""Pictures of a lesson: which files can be one, and how they are handed out.

A drawing comes from the author, who may be a stranger. A page shows it through `<img>`, where
no script runs and nothing else is loaded. Opened by its own address it has `HEADERS`, which
switch off the same. On top of that a drawing with anything but shapes and text is refused.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from xml.parsers import expat

from courses.folder import KIB, CourseFolder
from courses.problems import ContentError, ContentProblem, fail

FOLDER = "pictures"
MAX_PICTURE_BYTES = 256 * KIB
MAX_PICTURES = 40
CONTENT_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
#: Sent with a picture: opened as a page of its own it is without scripts, origin and requests.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_NAME = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*(\.dark)?\.(svg|png)$")
_SVG = "http://www.w3.org/2000/svg"
_ELEMENTS = frozenset(
    {
        *("svg", "g", "defs", "symbol", "use", "title", "desc", "style", "text", "tspan"),
        *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
        *("marker", "pattern", "clipPath", "mask", "linearGradient", "radialGradient", "stop"),
    }
)
_OUTSIDE = re.compile(r"@import|url\(\s*['\"]?(?!['\"]?#)|\\", re.IGNORECASE)
_PNG = b"\x89PNG\r\n\x1a\n"
_MAX_SIDE_PX = 10_000


@dataclass(frozen=True)
class Picture:
    """A file in a lesson's `pictures/`; `path` is relative to the course folder, sizes in px."""

    path: str
    content_type: str
    width: int
    height: int
    digest: str


def read_pictures(
    folder: CourseFolder, lesson: str
) -> tuple[dict[str, Picture], list[ContentProblem]]:
    """Every picture of the lesson in the folder `lesson` by file name, and what is wrong there."""
    base = f"{lesson}/{FOLDER}"
    found: dict[str, Picture] = {}
    problems: list[ContentProblem] = []
    names = folder.files(base)
    if len(names) > MAX_PICTURES:
        raise fail(base, None, f"more than {MAX_PICTURES} pictures")
    for name in names:
        try:
            found[name] = _read(folder, f"{base}/{name}", name)
        except ContentError as error:
            problems.extend(error.problems)
    return found, problems


def picture_bytes(folder: CourseFolder, picture: Picture) -> bytes | None:
    """The file as it was when the course was read; None when it has changed or gone since."""
    try:
        data = folder.read_bytes(picture.path, MAX_PICTURE_BYTES)
    except ContentError:
        return None
    return data if _digest(data) == picture.digest else None


def dark_name(name: str, pictures: Mapping[str, Picture]) -> str | None:
    """`layers.svg` → `layers.dark.svg`, when the lesson has it."""
    stem, _, suffix = name.rpartition(".")
    dark = f"{stem}.dark.{suffix}"
    return dark if dark in pictures else None


def _read(folder: CourseFolder, path: str, name: str) -> Picture:
    if not _NAME.match(name) or len(name) > 80:
        hint = "small letters, digits and hyphens, then .svg, .png, .dark.svg or .dark.png"
        raise fail(path, None, "not a name for a picture", hint)
    data = folder.read_bytes(path, MAX_PICTURE_BYTES)
    suffix = name[-4:]
    width, height = (_svg_size if suffix == ".svg" else _png_size)(data, path)
    if not (0 < width <= _MAX_SIDE_PX and 0 < height <= _MAX_SIDE_PX):
        raise fail(path, None, f"its sides are not between 1 and {_MAX_SIDE_PX} px")
    return Picture(path, CONTENT_TYPES[suffix], width, height, _digest(data))


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]


def _png_size(data: bytes, path: str) -> tuple[int, int]:
    # PNG specification, 5.2 and 11.2.2: eight fixed bytes, then the chunk IHDR with both sides.
    if len(data) < 24 or not data.startswith(_PNG) or data[12:16] != b"IHDR":
        raise fail(path, None, "not a PNG picture", "save it as PNG")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _svg_size(data: bytes, path: str) -> tuple[int, int]:
    """The sides of the view box, after every element and attribute was looked at."""
    return _Drawing(path).read(data)


class _Drawing:
    """Reads one SVG file. Without a document type there are no entities, so nothing grows."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.size: tuple[int, int] | None = None
        self.parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = lambda *_: self._refuse("a document type")
        self.parser.ProcessingInstructionHandler = lambda *_: self._refuse("an instruction")
        self.parser.buffer_text = True
        self._open: list[str] = []
        self._style: list[str] = []

    def read(self, data: bytes) -> tuple[int, int]:
        self.parser.EndElementHandler = self._end
        try:
            self.parser.Parse(data, True)
        except expat.ExpatError as error:
            message = f"not an SVG drawing: {expat.ErrorString(error.code)}"
            raise fail(self.path, error.lineno, message, "export it as plain SVG") from None
        if self.size is None:
            raise fail(self.path, 1, "the drawing has no viewBox", 'write viewBox="0 0 640 360"')
        return self.size

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, element = name.rpartition(" ")
        if space != _SVG or element not in _ELEMENTS:
            self._refuse(f"<{element}>")
        if not self._open:
            if element != "svg":
                self._refuse(f"<{element}> as its root")
            self.size = _view_box(attributes.get("viewBox", ""))
        for key, value in attributes.items():
            self._attribute(key.rpartition(" ")[2], value)
        self._open.append(element)

    def _end(self, name: str) -> None:
        if self._open.pop() == "style":
            self._css("".join(self._style))
            self._style.clear()

    def _text(self, text: str) -> None:
        if self._open and self._open[-1] == "style":
            self._style.append(text)

    def _attribute(self, key: str, value: str) -> None:
        if key.lower().startswith("on"):
            self._refuse(f"the attribute {key}")
        if key.lower() in {"href", "src"} and not value.startswith("#"):
            self._refuse(f"{key} to something outside")
        self._css(value)

    def _css(self, text: str) -> None:
        if _OUTSIDE.search(text):
            self._refuse("a style that loads something")

    def _refuse(self, what: str) -> None:
        line = self.parser.CurrentLineNumber
        hint = "a drawing has shapes, text and styles only"
        raise fail(self.path, line, f"drawings may not hold {what[:60]}", hint)


def _view_box(text: str) -> tuple[int, int] | None:
    numbers = re.split(r"[\s,]+", text.strip())[:5]
    try:
        _, _, width, height = (float(number) for number in numbers)
        return round(width), round(height)
    except (ValueError, OverflowError):
        return None
