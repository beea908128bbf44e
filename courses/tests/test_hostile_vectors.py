"""Each attack that the platform promises to make harmless, by its name, in every place of a course."""

import re

import pytest

from courses import catalogue, markdown
from courses.loader import load_course
from courses.tests.conftest import write
from courses.tests.hostile_text import ATTACKS, course_with

pytestmark = pytest.mark.django_db
#: name: an attack of its kind, and what of it must not be in any page as markup.
VECTORS = {
    "script": ("<script>alert(1)</script>", r"<script>alert"),
    "script-that-closes-another": ("</script><script>alert(1)</script>", r"<script>alert"),
    "event-handler": ("<img src=x onerror=alert(1)>", r"<img[^>]*onerror"),
    "event-handler-in-a-link": ('<a href="x" onclick="alert(1)">x</a>', r"<a href=\"x\" onclick"),
    "event-handler-out-of-a-value": ("' onmouseover='alert(1)", r"<[^>]*='[^']*' onmouseover="),
    "javascript-url": ("[x](javascript:alert(1))", r"(?:href|src)=[\"']?\s*javascript:"),
    "javascript-url-in-html": ("<a href='javascript:alert(1)'>x</a>", r"<a href='javascript:"),
    "javascript-url-as-entities": (
        "[x](&#106;avascript:alert(1))",
        r"href=\"(?:&#106;|j)avascript",
    ),
    "data-url": ("[x](data:text/html;base64,PHNjcmlwdD4=)", r"(?:href|src)=[\"']?\s*data:"),
    "svg": ("<svg/onload=alert(1)>", r"<svg/onload"),
    "svg-that-animates": ("<svg><animate onbegin=alert(1)></svg>", r"<animate"),
    "iframe": ("<iframe srcdoc='<script>alert(1)</script>'></iframe>", r"<iframe"),
    "base": ("<base href=//evil.example>", r"<base"),
    "meta": ("<meta http-equiv=refresh content='0;url=//evil.example'>", r"<meta http-equiv"),
    "mutation-by-svg-and-style": (
        "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
        r"<img src=1|<style>",
    ),
    "mutation-by-math": (
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
        r"<math|<mglyph",
    ),
    "mutation-by-noscript": (
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        r"<p title='</noscript>|<img src=x",
    ),
    "style": ("<style>*{display:none}</style>", r"<style>\*"),
    "form": ("<form action=//evil><input name=password>", r"<form action=//evil"),
    "template-language": ("{{ settings.SECRET_KEY }}{% debug %}", r"DATABASES|django-insecure"),
}
PAGES = ("/", "/courses/boats/", "/courses/boats/hull/", "/glossary/boats/", "/search/?q=harmless")


@pytest.mark.parametrize("name", VECTORS)
def test_vector_is_text_wherever_an_author_can_put_it(name, tmp_path, settings, own):
    """Titles, summaries, objectives, text, call-outs, answers and explanations, hints, glossary."""
    attack, markup = VECTORS[name]
    settings.COURSES_PATH = tmp_path / "library"
    root = write(tmp_path / "library" / "boats", course_with(attack))
    catalogue._entries.clear()
    assert load_course(root).problems == ()
    assert re.search(markup, attack) or name in {"template-language", *BY_MARKDOWN}
    for path in PAGES:
        answer = own.get(path)
        assert answer.status_code == 200
        assert not re.search(markup, answer.content.decode(), re.IGNORECASE), path


BY_MARKDOWN = {
    "javascript-url",
    "javascript-url-as-entities",
    "data-url",
    "event-handler-out-of-a-value",
}


@pytest.mark.parametrize("name", sorted(BY_MARKDOWN - {"event-handler-out-of-a-value"}))
def test_markup_that_is_looked_for_is_what_an_open_renderer_would_make(name):
    """The expressions above find something: without the sanitiser and its list of schemes."""
    from markdown_it import MarkdownIt

    attack, markup = VECTORS[name]
    open_renderer = MarkdownIt("commonmark", {"html": True})
    open_renderer.validateLink = lambda _: True
    assert re.search(markup, open_renderer.render(attack))
    assert not re.search(markup, markdown.render(attack))


@pytest.mark.parametrize(
    "kind",
    ["<script", "onerror=", "javascript:", "data:", "<svg", "<iframe", "<base", "<meta", "<math"],
)
def test_longer_list_has_each_kind_too(kind):
    assert [attack for attack in ATTACKS if kind in attack.lower()]
