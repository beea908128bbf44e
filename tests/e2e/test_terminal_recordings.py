"""A site that records: the learner is told, sees the replay, and can remove it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.terminal_page import started_terminal
from tests.running_site import Site, running_site

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def recording_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("recording"), TERMINAL_RECORDING="true") as site:
        yield site


def listed(replay: Page) -> Locator:
    """The rows of the recordings' page, once there is one."""
    rows = replay.locator("[data-recordings] li")
    for _ in range(10):  # what was shown is written down every few seconds
        if rows.count():
            break
        replay.wait_for_timeout(2000)
        replay.reload()
        expect(replay.locator("[data-recordings] li, [data-none]:visible").first).to_be_visible()
    expect(rows).to_have_count(1)
    return rows


def test_a_recorded_terminal_says_so_and_is_played_and_removed(
    recording_site: Site, browser: Browser
) -> None:
    with started_terminal(recording_site, browser) as terminal:
        page = terminal.page
        notice = page.locator("[data-recorded-notice]")
        expect(notice).to_contain_text("Recorded: what these terminals show is kept")
        terminal.do("echo to-be-seen-$((40+2))", r"\nto-be-seen-42")
        page.get_by_label("Terminal settings").click()
        link = page.locator(".tools").get_by_role("link", name="Your recordings")
        expect(link).to_have_attribute("href", "/recordings/")
        page.keyboard.press("Escape")
        page.wait_for_timeout(2500)
        with page.expect_popup() as opened:
            notice.get_by_role("link", name="Your recordings").click()
        replay = opened.value
        rows = listed(replay)
        replay.get_by_role("button", name="Play").click()
        expect(replay.locator(".ap-player")).to_contain_text("to-be-seen-42", timeout=20_000)
        with replay.expect_download() as saved:
            replay.get_by_role("link", name="Save").click()
        assert '"version": 2' in saved.value.path().read_text().splitlines()[0]
        replay.get_by_role("button", name="Remove").click()
        replay.get_by_role("button", name="Remove it").click()
        expect(rows).to_have_count(0)
        expect(replay.locator("[data-none]")).to_contain_text("There is no recording")


def test_markup_that_was_recorded_stays_text_in_the_replay(
    recording_site: Site, browser: Browser
) -> None:
    evil = "<img src=x onerror=document.title=1337>"
    with started_terminal(recording_site, browser) as terminal:
        terminal.do(f"echo '{evil}'", rf"\n{evil}")
        terminal.do(rf"printf '\e]2;{evil}\a'; echo titled-$((40+2))", r"\ntitled-42")
        terminal.page.wait_for_timeout(2500)
        replay = terminal.page.context.new_page()
        replay.goto(f"{recording_site.url}/recordings/")
        listed(replay)
        title = replay.title()
        replay.get_by_role("button", name="Play").click()
        expect(replay.locator(".ap-player")).to_contain_text("titled-42", timeout=20_000)
        expect(replay.locator(".ap-player")).to_contain_text(evil)
        assert replay.locator("img[src=x]").count() == 0
        assert replay.title() == title
        replay.close()
