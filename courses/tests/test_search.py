"""Searching lessons: rank, language-neutral words, snippets, nothing that answers a question."""

import pytest

from courses import catalogue, search
from courses.tests.conftest import boats, write
from courses.tests.test_glossary import GLOSSARY

LESSON = """\
---
title: {title}
summary: {summary}
minutes: 5
---

{body}
"""


def lay_out(library, lessons, name="tides", language="en"):
    """A course with these lessons: (folder, title, summary, body)."""
    files = {
        "course.yaml": f"title: Tides\nsummary: s\naudience: a\nlanguage: {language}\n"
        f"licence: l\nlessons: [{', '.join(lesson[0] for lesson in lessons)}]\n"
    }
    for folder, title, summary, body in lessons:
        text = LESSON.format(title=title, summary=summary, body=body)
        files[f"{folder}/lesson.md"] = text
    return write(library / name, files)


def slugs(query):
    return [found.lesson.slug for found in search.search(catalogue.courses(), query).results]


@pytest.fixture
def tides(library):
    filler = "Nothing of note happens here at all. " * 40
    return lay_out(
        library,
        [
            ("01-moon", "The moon", "It pulls.", f"{filler} A harbour once. {filler}"),
            ("02-harbour", "The harbour", "Where boats lie.", "Walls and water."),
            ("03-both", "Ropes", "What holds.", "A rope in the harbour, at the moon."),
            ("04-cafe", "Café", "Größe zählt.", "Nichts."),
        ],
    )


def test_title_comes_before_text_and_short_text_before_long(tides):
    assert slugs("harbour") == ["harbour", "both", "moon"]


def test_lessons_with_all_words_come_first(tides):
    assert slugs("rope moon")[0] == "both"


@pytest.mark.parametrize("query", ["cafe", "CAFÉ", "grosse", "größe"])
def test_case_and_accents_do_not_count(tides, query):
    assert slugs(query) == ["cafe"]


@pytest.mark.parametrize("query", ["harb", "harbours", "rop"])
def test_beginnings_and_endings_find_the_word(tides, query):
    assert "both" in slugs(query)


@pytest.mark.parametrize("query", ["", "   ", "?!", "zzz", "a" * 10_000, "\0", "% _ ' \" <x>"])
def test_odd_queries_find_nothing_and_harm_nothing(tides, client, db, query):
    assert slugs(query) == []
    assert client.get("/search/", {"q": query}).status_code == 200


def test_all_courses_are_searched(tides):
    assert {found.course.slug for found in search.search(catalogue.courses(), "only").results} == {
        "boats"
    }
    assert slugs("hull")[0] == "hull"


def test_what_answers_a_question_is_not_found(library):
    for secret in ("secret", "explanation", "course", "solve", "second"):
        found = search.search(catalogue.courses(), secret)
        assert [r for r in found.results if r.lesson.slug == "hull"] == [], secret
    assert slugs("kernels") == ["hull"]


def test_snippet_shows_the_place_with_its_words(tides):
    ((first, *_),) = [search.search(catalogue.courses(), "rope moon").results]
    assert [piece.text for piece in first.pieces if piece.hit] == ["rope", "moon"]
    long = search.search(catalogue.courses(), "harbour").results[2]
    assert len("".join(piece.text for piece in long.pieces)) < 260
    assert [piece.text for piece in long.pieces if piece.hit] == ["harbour"]


def test_words_of_the_glossary_are_found(library):
    write(library / "boats", {"glossary.yaml": GLOSSARY})
    found = search.search(catalogue.courses(), "copy on")
    assert [term.name for _, term in found.terms] == ["copy-on-write"]


def test_edited_lesson_is_found_anew(library):
    assert slugs("barnacles") == []
    text = boats()["02-keel/lesson.md"].replace("Only text.", "Barnacles.")
    write(library / "boats", {"02-keel/lesson.md": text})
    assert slugs("barnacles") == ["keel"]
    assert len(search._indexes) == 1


def test_page_shows_results_and_says_what_to_do_without(tides, client, db):
    page = client.get("/search/", {"q": "harbour"}).content.decode()
    assert '<a href="/courses/tides/harbour/">The harbour</a>' in page
    assert "<mark>harbour</mark>" in page
    assert "3 lessons" in page
    assert "Try one word" in client.get("/search/", {"q": "zzz"}).content.decode()
    assert client.post("/search/").status_code == 405
