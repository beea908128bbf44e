"""An engine that goes under a lesson that is open: said on the page soon, and taken back."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.conftest import Site
from tests.e2e.lesson_page import LessonPage
from tests.engine.second_engine import SecondEngine, slipways_engine
from tests.running_site import running_site

pytestmark = [pytest.mark.e2e, pytest.mark.takes(seconds=45)]
SAID_MS = 10_000
TRUE_MS = 15_000
AWAY = "The Docker engine does not answer."


@pytest.fixture
def second() -> Iterator[SecondEngine]:
    # Its machines go on while it is away, so that the terminal is there to come back to.
    with slipways_engine("--live-restore") as made:
        yield made


@pytest.fixture
def its_site(second: SecondEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("away"), DOCKER_HOST=second.address) as running:
        yield running


def test_open_lessons_say_that_the_engine_went_and_take_it_back(
    its_site: Site, second: SecondEngine, new_context: Callable[..., BrowserContext]
) -> None:
    at_work, reading, german = (
        LessonPage(new_context(**more).new_page(), its_site.url, "playground", "shell").open()
        for more in ({}, {}, {"locale": "de-DE"})
    )
    at_work.start()
    pid = at_work.run("box", "echo pid-is-$$.", r"pid-is-(\d+)\.")[1]
    lines = at_work.page.locator("[data-lines]")
    berth, berth_german = (one.page.locator("[data-berth]") for one in (reading, german))
    expect(berth.locator("[data-action=start]")).to_be_enabled()

    second.kill()
    expect(lines).to_contain_text(AWAY, timeout=SAID_MS)
    # They are told together: the others have waited already.
    expect(berth).to_contain_text(AWAY, timeout=2000)
    expect(berth.locator("[data-action=start]")).to_be_disabled()
    expect(berth_german).to_contain_text("Docker-Engine", timeout=2000)
    expect(berth_german).not_to_contain_text(AWAY)

    second.start()
    expect(lines).not_to_contain_text(AWAY, timeout=TRUE_MS)
    expect(berth.locator("[data-action=start]")).to_be_enabled(timeout=2000)
    expect(berth_german.locator("[data-action=start]")).to_be_enabled(timeout=2000)
    expect(lines).not_to_contain_text("Connection lost", timeout=5000)
    again = at_work.run("box", "clear; echo again-$$.", r"again-(\d+)\.", seconds=30)[1]
    assert again == pid
    expect(at_work.page.locator("[data-status] .ready")).to_be_visible()
    reading.start()
    for one in (at_work, reading):
        one.stop()
