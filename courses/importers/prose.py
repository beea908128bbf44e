"""The prose of a step: headings below the step's own, no pictures, no dead links, no HTML.

Code spans are never touched. What changes the meaning is reported.
"""

from __future__ import annotations

import re

from courses.importers.html import DIRECTIVE, plain, without_html
from courses.importers.report import StepReport

_HEADING = re.compile(r"^ {0,3}(#{1,6})(?=[ \t]|$)")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_IMAGE = re.compile(r"!\[([^\[\]\n]{0,300})\](?:\(([^()\n]{0,2000})\)|\[[^\[\]\n]{0,100}\])")
_LINK = re.compile(
    r"(?<!!)\[([^\[\]\n]{0,500})\]\(\s{0,9}<?([^()\s<>]{0,2000})>?([^()\n]{0,300})\)"
)
_DEFINITION = re.compile(r"^ {0,3}\[([^\[\]\n]{1,200})\]:[ \t]*(\S+).*$", re.MULTILINE)
ABSOLUTE = re.compile(r"^(https?://|mailto:)", re.IGNORECASE)
_CLOSED = re.compile(
    r"^https?://([\w-]+\.)*(katacoda\.com|play-with-docker\.com)(/|$)", re.IGNORECASE
)
_DIRECTIVE = re.compile(r"^:::", re.MULTILINE)
# What the loader would take for the beginning of a code block.
_FENCE_LIKE = re.compile(r"^((?:[ \t]|[-*+>][ \t]|\d{1,9}[.)][ \t])*)(?=`{3}|~{3})", re.MULTILINE)
_STASH = "\ue000{}\ue001"
_STASHED = re.compile("\ue000(\\d+)\ue001")


def clean_prose(text: str, spans: list[tuple[int, int]], report: StepReport) -> str:
    """One paragraph as clean Markdown; `spans` are the places of its code, kept as they are."""
    kept: list[str] = []
    out, position = [], 0
    for start, end in spans:
        out += [text[position:start], _STASH.format(len(kept))]
        kept.append(text[start:end])
        position = end
    bare = "".join([*out, text[position:]])
    bare = without_html(bare, report)
    bare = _IMAGE.sub(lambda match: _picture(match, report), bare)
    bare = _LINK.sub(lambda match: _link(match, report), bare)
    bare = _DEFINITION.sub(lambda match: _definition(match, report), bare)
    bare = _headings(bare)
    bare = _DIRECTIVE.sub(r"\\:::", bare).replace(DIRECTIVE, ":::")
    bare = _FENCE_LIKE.sub(r"\1\\", bare)
    return _STASHED.sub(lambda match: kept[int(match[1])], bare)


def without_private(text: str) -> str:
    """The text without characters that this module, or nobody, uses."""
    return re.sub("[\ue000-\ue002\x00-\x08\x0b-\x1f\x7f]", "", text.replace("\r\n", "\n"))


def _picture(match: re.Match[str], report: StepReport) -> str:
    target = (match[2] or "").split(" ")[0].rpartition("/")[2]
    name = plain(_STASHED.sub("", match[1])) or plain(target) or "without a name"
    report.lose(f"the picture “{name}” is left out")
    return f"*(picture: {name})*"


def _link(match: re.Match[str], report: StepReport) -> str:
    label, target = match[1], match[2]
    if not _keep_target(target, report):
        return label
    return match[0]


def _definition(match: re.Match[str], report: StepReport) -> str:
    return match[0] if _keep_target(match[2], report) else ""


def _keep_target(target: str, report: StepReport) -> bool:
    if ABSOLUTE.match(target):
        if _CLOSED.match(target):
            report.lose(f"the link to {target[:80]} leads to a site that has closed")
        return True
    report.lose(f"the link to “{plain(target)}” is dead")
    return False


def _headings(text: str) -> str:
    lines = text.split("\n")
    for index, line in enumerate(lines):
        if match := _HEADING.match(line):
            level = "###" if len(match[1]) < 3 else "####"
            lines[index] = level + line[match.end() :]
        elif index and _UNDERLINE.match(line) and _is_text(lines[index - 1]):
            lines[index - 1] = f"### {lines[index - 1].strip()}"
            lines[index] = ""
    return "\n".join(lines)


def _is_text(line: str) -> bool:
    """Whether a line of `=` or `-` below this one makes it a heading."""
    return bool(line.strip()) and not re.match(r"^ {0,3}([-*+>#|]|\d+[.)]|:::)|^ {4}|^\t", line)
