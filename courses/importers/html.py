"""HTML in a stranger's Markdown: what Markdown can say is said in Markdown, the rest is shown.

Works on prose only, never on code. Every `<` that comes out is text or an autolink.
"""

from __future__ import annotations

import html
import re

from courses.importers.report import StepReport

#: Stands for the `:::` of a directive of ours until that of a stranger is escaped.
DIRECTIVE = "\ue002"
_COMMENT_OPEN, _COMMENT_CLOSE = "<!--", "-->"
# Attributes exclude `<` and `>` outside quotes, so that a failed match ends at the next tag.
_TAG = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9]{0,20})"
    r"(?P<rest>(?:[\s/](?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*')*)?)>"
)
_ATTRIBUTE = re.compile(
    r"""([A-Za-z][\w-]{0,40})\s{0,9}=\s{0,9}(?:"([^"<>]*)"|'([^'<>]*)'|([^\s"'<>=`]+))"""
)
_LEFT_OVER = re.compile(r"(?<!\\)(\\*)<(?=[A-Za-z/!?])(?!(?:https?|mailto):[^\s<>]{1,2000}>)")

_MARKS = {"b": "**", "strong": "**", "i": "*", "em": "*", "s": "~~", "del": "~~"}
_MARKS |= {"code": "`", "kbd": "`", "tt": "`"}
_HEADINGS = {"h1": "### ", "h2": "### ", "h3": "#### ", "h4": "#### ", "h5": "#### ", "h6": "#### "}
_DROPPED = {
    *{"p", "div", "span", "center", "font", "u", "small", "sup", "sub", "big", "section", "mark"},
    *{"ul", "ol", "dl", "dt", "dd", "figure", "figcaption", "article", "header", "footer", "main"},
    *{"blockquote", "summary", "details", "tbody", "thead", "table", "tr", "td", "th", "nobr"},
}
_FRAMES = {"iframe", "video", "audio", "embed", "object", "source"}
_DANGEROUS = {"script", "style", "svg", "math", "base", "meta", "link", "form", "input", "button"}


def without_html(text: str, report: StepReport) -> str:
    """Prose as Markdown; what has no counterpart is reported and shown as text."""
    text = _without_comments(text)
    text = _details(text)
    converter = _Converter(report)
    return escaped(_TAG.sub(converter.replace, text))


def escaped(text: str) -> str:
    """Every `<` that could begin a tag with one backslash more, unless it is escaped already."""
    return _LEFT_OVER.sub(lambda match: match[1] + "\\" * (1 - len(match[1]) % 2) + "<", text)


def attributes(rest: str) -> dict[str, str]:
    """The attributes of a tag, names in small letters, entities resolved."""
    return {
        match[1].lower(): html.unescape(match[2] or match[3] or match[4] or "")
        for match in _ATTRIBUTE.finditer(rest)
    }


def _without_comments(text: str) -> str:
    kept = []
    position = 0
    while (start := text.find(_COMMENT_OPEN, position)) >= 0:
        kept.append(text[position:start])
        end = text.find(_COMMENT_CLOSE, start + len(_COMMENT_OPEN))
        position = len(text) if end < 0 else end + len(_COMMENT_CLOSE)
    return "".join([*kept, text[position:]])


def _details(text: str) -> str:
    """`<details><summary>Title</summary>` opens a hint, `</details>` closes it."""
    opened = re.compile(
        r"<details[^<>]{0,200}>\s{0,200}(?:<summary[^<>]{0,200}>([^\n]{0,300}?)</summary>)?",
        re.IGNORECASE,
    )

    def hint(match: re.Match[str]) -> str:
        title = re.sub(r"<[^<>]{0,200}>", "", match[1] or "").strip(" *_`#:")
        return f"\n\n{DIRECTIVE}hint {' '.join(title.split())}".rstrip() + "\n"

    return re.sub(
        r"</details\s{0,9}>", f"\n{DIRECTIVE}\n\n", opened.sub(hint, text), flags=re.IGNORECASE
    )


class _Converter:
    """Replaces one tag after the other; remembers the open links."""

    def __init__(self, report: StepReport) -> None:
        self._report = report
        self._links: list[str | None] = []

    def replace(self, match: re.Match[str]) -> str:
        name, closing = match["name"].lower(), bool(match["close"])
        if name == "a":
            return self._link(match["rest"], closing=closing)
        if name in _MARKS:
            return _MARKS[name]
        if name in {"br", "hr"}:
            return " " if name == "br" else "\n\n---\n\n"
        if name in _HEADINGS:
            return "\n\n" if closing else f"\n\n{_HEADINGS[name]}"
        if name == "li":
            return "" if closing else "\n- "
        if name in _DROPPED:
            return self._dropped(name, closing=closing)
        if name == "img":
            return self._picture(attributes(match["rest"]))
        if name in _FRAMES:
            return "" if closing else self._frame(name, attributes(match["rest"]))
        if name in _DANGEROUS:
            self._report.lose(f"the HTML element <{name}> is shown as text")
        return match[0]

    def _link(self, rest: str, *, closing: bool) -> str:
        if closing:
            target = self._links.pop() if self._links else None
            return f"]({target})" if target else ""
        target = attributes(rest).get("href", "").strip()
        usable = bool(re.fullmatch(r"[^\s()<>\\]{1,2000}", target))
        self._links.append(target if usable else None)
        return "[" if usable else ""

    def _dropped(self, name: str, *, closing: bool) -> str:
        if name in {"table", "td", "th"} and not closing:
            self._report.lose("a table in HTML has lost its lines")
        return " " if name in {"td", "th", "tr"} else ""

    def _picture(self, found: dict[str, str]) -> str:
        name = found.get("alt") or found.get("src", "").rpartition("/")[2] or "without a name"
        self._report.lose(f"the picture “{plain(name)}” is left out")
        return f"*(picture: {plain(name)})*"

    def _frame(self, name: str, found: dict[str, str]) -> str:
        self._report.lose(f"the embedded {name} is a link, and needs the internet")
        target = found.get("src") or found.get("data") or ""
        usable = re.fullmatch(r"https?://[^\s()<>\\]{1,2000}", target, re.IGNORECASE)
        return f" [{name}]({target}) " if usable else ""


def plain(text: str) -> str:
    """A short piece of text without anything that Markdown or HTML would act on."""
    return " ".join(re.sub(r"[\\`*_\[\](){}<>#|!\n\r]", " ", text).split())[:80]
