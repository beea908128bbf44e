"""The glossary: its file, its words in lessons, its page."""

import re

import pytest

from courses.loader import load_course
from courses.tests.conftest import boats, write

GLOSSARY = """\
terms:
  - term: hull
    also: [hulls, ship's hull]
    meaning: The **body** of a boat.
    lesson: 01-hull
  - term: copy-on-write
    meaning: Nothing is copied until somebody writes.
"""


@pytest.fixture
def worded(library):
    """The course with a glossary and a lesson that uses its words."""
    text = boats()["02-keel/lesson.md"].replace(
        "Only text.",
        "## The hull\n\nA `hull` and [a hull](https://example.org). Hulls copy on write.\n\n"
        "Another hull, and *hulls*.\n\n:::note\nCopy-on-write again.\n:::\n",
    )
    return write(library / "boats", {"glossary.yaml": GLOSSARY, "02-keel/lesson.md": text})


def marked(html):
    return re.findall(r'<a href="([^"]*)" data-gloss="([^"]*)"[^>]*>([^<]*)</a>', html)


def test_first_place_of_each_word_is_marked_once(worded):
    course = load_course(worded).course
    keel = course.lessons[1]
    found = [mark for block in keel.body for mark in marked(block.html)]
    assert found == [
        ("/glossary/boats/#hull", "hull", "Hulls"),
        ("/glossary/boats/#copy-on-write", "copy-on-write", "copy on write"),
    ]
    assert [term.name for term in keel.terms] == ["hull", "copy-on-write"]


def test_lesson_page_has_a_card_for_each_marked_word(worded, client, db):
    page = client.get("/courses/boats/keel/").content.decode()
    assert 'role="tooltip" id="term-hull" hidden><b>hull</b>The <strong>body</strong>' in page
    assert page.count('class="term-card"') == 2


def test_glossary_page_lists_words_with_their_lessons(worded, client, db):
    page = client.get("/glossary/boats/").content.decode()
    assert page.index('id="copy-on-write"') < page.index('id="hull"')
    assert '<a class="terms-where" href="/courses/boats/hull/">' in page
    assert "/glossary/boats/" in client.get("/courses/boats/").content.decode()


def test_course_without_glossary_says_so_and_a_missing_one_is_404(library, client, db):
    assert "no list of them" in client.get("/glossary/boats/").content.decode()
    assert "/glossary/" not in client.get("/courses/boats/").content.decode()
    assert client.get("/glossary/nope/").status_code == 404
    assert client.post("/glossary/boats/").status_code == 405


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("terms: []\n", "terms"),
        ("terms: [{term: a, meaning: b, lesson: 09-no}]\n", "unknown lesson"),
        ("terms: [{term: a, meaning: b}, {term: A, meaning: c}]\n", "explained twice"),
        ("terms: [{term: a, meaning: b}, {term: c, also: [a], meaning: c}]\n", "explained twice"),
        ("terms: [{term: a}]\n", "meaning"),
        ("words: 1\n", "words"),
        ("[", "glossary.yaml"),
    ],
)
def test_faults_are_named_and_the_lessons_stay(library, text, says):
    loaded = load_course(write(library / "boats", {"glossary.yaml": text}))
    assert any(says in str(problem) for problem in loaded.problems)
    assert {problem.path for problem in loaded.problems} == {"glossary.yaml"}
    assert loaded.course.glossary == ()
    assert len(loaded.course.lessons) == 2


def test_word_of_another_script_has_an_address(library):
    text = "terms: [{term: ядро, meaning: x}, {term: '!!', meaning: y}]\n"
    course = load_course(write(library / "boats", {"glossary.yaml": text})).course
    assert [term.name for term in course.glossary] == ["ядро", "2"]
