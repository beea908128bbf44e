"""A site that records: the learner is told, sees the replay, and can remove it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.terminal_page import started_terminal
from tests.running_site import Site, running_site

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def recording_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("recording"), TERMINAL_RECORDING="true") as site:
        yield site


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
        listed = replay.locator("[data-recordings] li")
        for _ in range(10):  # what was shown is written down every few seconds
            if listed.count():
                break
            replay.wait_for_timeout(2000)
            replay.reload()
            expect(
                replay.locator("[data-recordings] li, [data-none]:visible").first
            ).to_be_visible()
        expect(listed).to_have_count(1)
        replay.get_by_role("button", name="Play").click()
        expect(replay.locator(".ap-player")).to_contain_text("to-be-seen-42", timeout=20_000)
        with replay.expect_download() as saved:
            replay.get_by_role("link", name="Save").click()
        assert '"version": 2' in saved.value.path().read_text().splitlines()[0]
        replay.get_by_role("button", name="Remove").click()
        replay.get_by_role("button", name="Remove it").click()
        expect(replay.locator("[data-recordings] li")).to_have_count(0)
        expect(replay.locator("[data-none]")).to_contain_text("There is no recording")
