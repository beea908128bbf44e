"""Sentences that workers keep in English reach readers in their language."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from classroom.models import User
from sandbox import sentences
from sandbox.errors import DiskFull, MachineDied
from sandbox.models import Sandbox, State

PLACES = [text for text in sentences.templates() if sentences.PLACE.search(text)]


def filled(template: str) -> tuple[str, dict[str, str]]:
    """As a worker fills it, each place with a value of its own."""
    names = sentences.PLACE.findall(template)
    values = {name: f"{at}7-{name}" for at, name in enumerate(names)}
    return template % values, values


@pytest.mark.parametrize("template", PLACES)
def test_a_sentence_is_known_by_its_template_and_keeps_its_values(template: str) -> None:
    text, values = filled(template)
    assert sentences.said(text) == text, "in English it is as it was written"
    with translation.override("de"):
        german = sentences.said(text)
    assert german != text
    assert all(value in german for value in values.values())


@pytest.mark.parametrize("text", sorted(set(sentences.templates()) - set(PLACES)))
def test_a_sentence_without_places_is_translated_whole(text: str) -> None:
    with translation.override("de"):
        assert sentences.said(text) == translation.gettext(text)


def test_what_is_in_a_place_is_put_into_words_too() -> None:
    text = sentences.NONE_FITTED % {"why": sentences.OVER_BUDGET % {"mib": 256}}
    with translation.override("de"):
        german = sentences.said(text)
    assert re.search(r"256 MiB", german)
    assert "budget of" not in german


@pytest.mark.parametrize("text", ["", "OCI runtime create failed: %(x)s", "100 % of it"])
def test_what_is_no_sentence_of_ours_stays_as_it_is(text: str) -> None:
    with translation.override("de"):
        assert sentences.said(text) == text


def test_errors_are_among_them() -> None:
    known = sentences.templates()
    for error in (DiskFull, MachineDied):
        assert error.message in known
        assert error.hint in known


@pytest.mark.django_db
def test_scripts_get_them_with_the_words_of_the_page() -> None:
    script = Client(HTTP_ACCEPT_LANGUAGE="de").get("/words.js").content.decode()
    assert "said\\u0004this lab stops at" in script
    assert "Dieses Labor h\\u00f6rt bei" in script


@pytest.mark.django_db
def test_why_machines_ended_is_read_in_the_readers_language(
    own: Client, learner: User, make_sandbox: Any
) -> None:
    message = sentences.OVER_DISK % {"machine": "laptop", "mib": 2048, "files": 9}
    made: Sandbox = make_sandbox(State.FAILED, error_code="disk", error_message=message)
    answer = own.get(f"/api/v1/sandboxes/{made.pk}", headers={"accept-language": "de"})
    assert "Die Maschine laptop hat mehr als ihre 2048 MiB" in answer.json()["error"]["message"]
    assert own.get(f"/api/v1/sandboxes/{made.pk}").json()["error"]["message"] == message
