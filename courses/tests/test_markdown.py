"""Markdown is the only way of lesson text to a page, and nothing harmful gets through."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses import markdown

XSS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=//evil></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "<javascript:alert(1)>",
    '[x](http://a "onmouseover=alert(1)")',
    '[x](http://a" onmouseover="alert(1))',
    "![x](javascript:alert(1))",
    "![x](http://tracker/pixel.gif)",
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "| a |\n|---|\n| <script>alert(1)</script> |",
    "# <script>alert(1)</script>",
    "[a]: javascript:alert(1)\n\n[a]",
    "<!-- --><script>alert(1)</script>",
    "<style>*{display:none}</style>",
    "<form action=//evil><input name=password>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    '<p id="main" class="x" style="position:fixed">x</p>',
]
ALLOWED = markdown._INLINE | markdown._BLOCK


def assert_harmless(html):
    for name, attributes in re.findall(r"<([a-z][^\s/>]*)([^>]*)>", html, re.IGNORECASE):
        assert name.lower() in ALLOWED
        for attribute, value in re.findall(r'([a-z-]+)="([^"]*)"', attributes, re.IGNORECASE):
            assert attribute in {"href", "title", "rel", "start"}
            if attribute == "href" and ":" in value:
                assert value.lower().startswith(("http:", "https:", "mailto:"))
    assert not re.search(r"<[^>]*\son\w+\s*=", html.replace('title="onmouseover=', ""))


@pytest.mark.parametrize("text", XSS)
def test_attacks_come_out_harmless(text):
    assert_harmless(markdown.render(text))
    assert_harmless(markdown.render_inline(text))


@given(st.text(alphabet="<>\"'=/: \n`*_[]()!&#;abcjsriptonload", max_size=120))
def test_no_text_gives_harmful_html(text):
    assert_harmless(markdown.render(text))


def test_second_wall_holds_without_the_first():
    assert "script" not in markdown._clean("<p>a<script>alert(1)</script></p>", {"p"})


def test_ordinary_markdown_comes_through():
    html = markdown.render("## Head\n\nA **b** `c` ~~d~~\n\n1. x\n2. y\n\n| a |\n|---|\n| 1 |")
    for piece in ("<h2>Head</h2>", "<strong>b</strong>", "<code>c</code>", "<ol>", "<td>1</td>"):
        assert piece in html


def test_level_one_headings_are_moved_down():
    assert markdown.render("# Head") == "<h2>Head</h2>\n"


def test_links_are_resolved_and_keep_no_opener():
    html = markdown.render("[x](../a)", lambda target: f"/resolved{target[2:]}")
    assert 'href="/resolved/a"' in html
    assert "noopener" in html


def test_raw_html_is_found_with_its_line():
    found = markdown.raw_html("one\n\n<div>\nx\n</div>\n\ntwo\nthree <b>x</b>")
    assert [(item.line, item.value) for item in found] == [(3, "<div>"), (8, "<b>"), (8, "</b>")]


def test_code_is_no_raw_html():
    assert markdown.raw_html("`<b>`\n\n```\n<div>\n```\n") == []


def test_plain_text_drops_markup():
    assert markdown.plain_text("It `sinks` **fast**") == "It sinks fast"


def test_deep_nesting_does_not_crash():
    assert_harmless(markdown.render("> " * 3000 + "x"))
    assert_harmless(markdown.render("[" * 20000))


@pytest.mark.parametrize(
    "piece", ["[", "![", "[[", "[x](", "[a][", "*a ", "`a", "a|b\n-|-\n", "&#"]
)
def test_hostile_text_takes_time_in_proportion(piece):
    began = time.process_time()
    markdown.render(piece * (60_000 // len(piece)))
    markdown.raw_html(piece * (60_000 // len(piece)))
    assert time.process_time() - began < 15


def test_many_brackets_are_text_and_few_are_links():
    many = markdown.render("[a](http://b) " * 5000)
    assert "<a" not in many
    assert "[a](http://b)" in many
    assert markdown.render("[a](http://b) " * 1000).count("<a ") == 1000
