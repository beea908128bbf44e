"""Markdown to safe HTML. Lesson text is untrusted input; this is its only way to a page.

Two walls: markdown-it-py is set to show raw HTML as text, and nh3 (ammonia) lets only a
short list of elements and attributes through, whatever the first wall produced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import unescape

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token

LinkResolver = Callable[[str], str]
# Cuts a text into pieces; those with a target are to be links to the glossary.
Marker = Callable[[str], Sequence["Marked"]]

_INLINE = {"a", "br", "code", "del", "em", "strong", "s"}
_BLOCK = {
    *{"blockquote", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "ul"},
    *{"table", "tbody", "td", "th", "thead", "tr"},
}
_ATTRIBUTES = {"a": {"href", "title", "data-gloss"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
# Headings of a lesson start at level 2: the page's own title is level 1.
_HEADINGS = {"h1": "h2", "h5": "h4", "h6": "h4"}
# Deeper nesting of quotes and lists than any lesson needs; bounds the parser's recursion.
_MAX_NESTING = 20


def _parser(*, html: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": html, "maxNesting": _MAX_NESTING})
    return parser.enable(["table", "strikethrough"])


_SAFE = _parser(html=False)
_WITH_HTML = _parser(html=True)
# Looking for the ends of links costs the more the more brackets are open; a text with more of
# them than any lesson has is shown with its brackets as they are.
_MAX_BRACKETS = 4000
_SAFE_FLAT = _parser(html=False).disable(["link", "image"])
_WITH_HTML_FLAT = _parser(html=True).disable(["link", "image"])


def _safe(text: str) -> MarkdownIt:
    return _SAFE if text.count("[") <= _MAX_BRACKETS else _SAFE_FLAT


@dataclass(frozen=True)
class Found:
    """Something of interest in a Markdown text: its 1-based line there and its value."""

    line: int
    value: str


@dataclass(frozen=True)
class Marked:
    """A piece of text; with a `term` (its name in the glossary) also where it is explained."""

    text: str
    term: str = ""
    target: str = ""


def _unchanged(target: str) -> str:
    return target


def render(text: str, link: LinkResolver = _unchanged, mark: Marker | None = None) -> SafeString:
    """Block-level Markdown as sanitised HTML; `link` turns each link target into an address.

    `mark` finds the glossary's words in running text; headings, code and links are left alone.
    """
    parser = _safe(text)
    tokens = parser.parse(text)
    for token in _flat(tokens):
        token.tag = _HEADINGS.get(token.tag, token.tag)
        if token.type == "link_open":
            token.attrSet("href", link(str(token.attrGet("href") or "")))
    if mark is not None:
        _mark_terms(tokens, mark)
    return _clean(str(parser.renderer.render(tokens, parser.options, {})), _INLINE | _BLOCK)


def render_inline(text: str) -> SafeString:
    """One line of Markdown as sanitised HTML without block elements."""
    return _clean(str(_safe(text).renderInline(text)), _INLINE)


def plain_text(text: str) -> str:
    """One line of Markdown as the text a reader sees, without any markup."""
    tokens = _safe(text).parseInline(text)
    return "".join(token.content for token in _flat(tokens) if not token.children).strip()


def raw_html(text: str) -> list[Found]:
    """Every piece of raw HTML, which `render` would show as text."""
    parser = _WITH_HTML if text.count("[") <= _MAX_BRACKETS else _WITH_HTML_FLAT
    tokens = _located(parser.parse(text))
    return [
        Found(line, token.content.strip().splitlines()[0][:60])
        for line, token in tokens
        if token.type in {"html_block", "html_inline"}
    ]


def link_targets(text: str) -> list[Found]:
    """Every link's target."""
    tokens = _located(_safe(text).parse(text))
    return [
        Found(line, str(token.attrGet("href") or ""))
        for line, token in tokens
        if token.type == "link_open"
    ]


def images(text: str) -> list[Found]:
    """Every image, which `render` leaves out."""
    tokens = _located(_safe(text).parse(text))
    return [Found(line, token.content) for line, token in tokens if token.type == "image"]


def top_headings(text: str) -> list[Found]:
    """Every level 1 heading, which belongs to the page and not to the lesson."""
    tokens = _located(_safe(text).parse(text))
    return [
        Found(line, token.tag) for line, token in tokens if token.tag == "h1" and token.nesting > 0
    ]


def text_of(html: str) -> str:
    """Sanitised HTML as the text a reader sees, blanks between blocks."""
    spaced = re.sub(r"(</(?:p|h\d|li|td|th|pre|blockquote)>|<br>)", r"\1 ", html)
    return unescape(nh3.clean(spaced, tags=set())).strip()


def _mark_terms(tokens: Sequence[Token], mark: Marker) -> None:
    in_heading = False
    for block in tokens:
        if block.type in {"heading_open", "heading_close"}:
            in_heading = block.type == "heading_open"
        if block.children and not in_heading:
            block.children = list(_with_terms(block.children, mark))


def _with_terms(children: Sequence[Token], mark: Marker) -> Iterator[Token]:
    links = 0
    for token in children:
        links += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type != "text" or links:
            yield token
            continue
        for piece in mark(token.content):
            text = Token("text", "", 0, content=piece.text)
            if piece.term:
                attributes: dict[str, str | int | float] = {
                    "href": piece.target,
                    "data-gloss": piece.term,
                }
                yield Token("link_open", "a", 1, attrs=attributes)
                yield text
                yield Token("link_close", "a", -1)
            else:
                yield text


def _clean(html: str, tags: set[str]) -> SafeString:
    return SafeString(
        nh3.clean(
            html,
            tags=tags,
            attributes=_ATTRIBUTES,
            url_schemes=_SCHEMES,
            link_rel="noopener noreferrer",
        )
    )


def _flat(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or ())


def _located(tokens: Sequence[Token]) -> Iterator[tuple[int, Token]]:
    """Each token with the 1-based line of the block that holds it, counted on by its breaks."""
    for block in tokens:
        line = block.map[0] + 1 if block.map else 1
        yield line, block
        for token in block.children or ():
            line += token.type in {"softbreak", "hardbreak"}
            yield line, token
