"""The list of courses on the home page: a row that no learner's progress changes is made once.

With a hundred courses these rows are most of the page's time, and most of them are of courses
that the reader has not touched: they say the same to everybody who reads the same language.
"""

from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from courses.content import Course

TEMPLATE = "courses/offer.html"
# Courses in all their languages; edited ones are new objects, and the old go with the rest.
KEPT = 1000
_Key = tuple[int, str, bool]
# The course is kept with its row: its id is its own as long as it lives.
_rows: dict[_Key, tuple[Course, SafeString]] = {}


def row(card: dict[str, Any], *, first: bool) -> SafeString:
    """The course of a card as a row of the list, in the reader's language."""
    if card["done"]:
        return _render(card, first)
    course: Course = card["course"]
    key = (id(course), get_language() or "", first)
    kept = _rows.get(key)
    if kept is None:
        if len(_rows) >= KEPT:
            _rows.clear()
        kept = _rows[key] = (course, _render(card, first))
    return kept[1]


def _render(card: dict[str, Any], first: bool) -> SafeString:
    return render_to_string(TEMPLATE, card | {"first": first})
