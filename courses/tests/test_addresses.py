"""Addresses in a course's text are those of the site."""

import pytest
from django.urls import reverse

from courses import addresses

OF_A_LESSON = {"course": "boats", "lesson": "hull"}


def test_pages_are_where_the_text_leads():
    assert addresses.course("boats") == reverse("course", args=["boats"])
    assert addresses.lesson("boats", "hull") == reverse("lesson", kwargs=OF_A_LESSON)
    assert addresses.glossary("boats") == reverse("glossary", args=["boats"])


@pytest.mark.parametrize(
    "name", ["a.svg", "two words.png", "100%.png", "ü&(1)'=.webp", "a#b?c.png"]
)
def test_pictures_are_where_the_text_leads(name):
    found = reverse("picture", kwargs=OF_A_LESSON | {"name": name})
    assert addresses.picture("boats", "hull", name) == found
