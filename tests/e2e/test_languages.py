"""The reader's language in a real browser: also what workers wrote, and the pages of those who teach."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.conftest import Site

pytestmark = pytest.mark.e2e
SAID = "async (text) => (await import('/static/js/words.js')).said(text)"


def test_what_workers_wrote_is_read_in_german(
    site: Site, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context(locale="de-DE").new_page()
    page.goto(site.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("Wessen Kernel ist das?")
    for written, german in {
        "this lab stops at 12": "Dieses Labor hört bei 12 auf",
        "started until: the host is busy, and 40 s are over": (
            "gestartet, bis: Der Host ist beschäftigt, und 40 s sind um"
        ),
        # As a failed run keeps them: message and hint in one.
        "Not one fitted: this lab stops at 1 Reset, then try again.": (
            "Nicht einer passte: Dieses Labor hört bei 1 auf. "
            "Setze zurück und versuche es dann noch einmal."
        ),
        "A machine stopped while it was in use.": (
            "Eine Maschine ist stehen geblieben, während sie benutzt wurde."
        ),
        "nobody's words (.*) %(x)s": "nobody's words (.*) %(x)s",
    }.items():
        assert page.evaluate(SAID, written) == german


def test_what_workers_wrote_is_read_in_english_as_they_wrote_it(
    site: Site, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context().new_page()
    page.goto(site.url)
    assert page.evaluate(SAID, "this lab stops at 12") == "this lab stops at 12"


def test_learners_join_a_class_in_german(
    site: Site, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context(locale="de-DE").new_page()
    page.goto(site.url)
    page.get_by_role("link", name="Tritt ihr mit ihrem Code bei").click()
    page.get_by_label("Der Code der Klasse").fill("QQQQQQ")
    page.get_by_label("Dein Name in der Klasse").fill("Ada")
    page.get_by_role("button", name="Der Klasse beitreten").click()
    expect(page.get_by_role("alert")).to_contain_text("Es gibt keine offene Klasse mit diesem Code")
