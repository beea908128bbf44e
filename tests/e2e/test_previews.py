"""Previews in a real browser: ports noticed, sockets, event streams, and what a page can't do."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import Site, stop_machines
from tests.e2e.lesson_page import LessonPage

pytestmark = pytest.mark.e2e
APP = (Path(__file__).parent / "preview_app.py").read_text(encoding="utf-8")
WRITE = """async ([machine, path, content]) => {
  const { call } = await import("/static/js/api.js");
  const { sandbox } = JSON.parse(document.getElementById("lesson-data").textContent);
  await call("PUT", `/sandboxes/${sandbox.id}/machines/${machine}/files`, { path, content });
}"""


@pytest.fixture(scope="module")
def served(site: Site, browser: Browser) -> Iterator[LessonPage]:
    """A lesson on whose machine the app has been started from the terminal."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    page = context.new_page()
    LessonPage(page, site.url, "playground", "shell").open().start()
    lesson = LessonPage(page, site.url, "playground", "shell").open().ready()
    lesson.wait_for("box", r"\$")
    page.evaluate(WRITE, ["box", "/home/learner/app.py", APP])
    lesson.type("box", "python3 app.py")
    yield lesson
    stop_machines(site, context)
    context.close()


def board(lesson: LessonPage) -> str:
    """Open port 5000 as it is offered, or as it was; the preview's address."""
    page = lesson.page
    tab = page.get_by_role("tab", name=re.compile(":5000"))
    if not tab.count():
        line = page.locator("[data-lines]").get_by_text("Port 5000 of box is up.")
        expect(line).to_be_visible(timeout=20_000)
        page.locator("[data-lines]").get_by_role("button", name="Open").click()
    tab.click()
    frame = page.locator(".panel-preview:visible iframe")
    expect(frame).to_be_visible(timeout=20_000)
    source = str(frame.get_attribute("src"))
    address = re.sub(r"(?<=[0-9])/.*", "/", source)
    if source != address:  # another test has gone on from the first page
        frame.evaluate("(frame, url) => (frame.src = url)", address)
    return address


def test_a_port_that_comes_up_is_offered_and_its_page_lives(served: LessonPage) -> None:
    board(served)
    frame = served.page.frame_locator(".panel-preview:visible iframe")
    expect(frame.locator("#socket")).to_have_text("AHOY closed 4000", timeout=20_000)
    expect(frame.locator("#events")).to_have_text("1 2 3", timeout=20_000)


def test_a_tab_of_its_own_has_no_opener_and_finds_nothing_of_the_sites(
    served: LessonPage, site: Site
) -> None:
    url = board(served)
    context = served.page.context
    with context.expect_page() as opening:
        served.page.get_by_role("link", name="Open in a tab of its own").click()
    page = opening.value
    expect(page.get_by_role("heading")).to_have_text("Harbour", timeout=20_000)
    found = probe(page, url, site)
    assert found == {
        "cookies": "mine=1",
        "opener": "null",
        "read": "refused: TypeError",
        "start": "refused: TypeError",
        "parent": "alone",
        "worker": found["worker"],
    }
    assert found["worker"].startswith("refused")
    page.goto(f"{url}cookies")
    expect(page.locator("body")).to_have_text("mine=1")
    page.close()
    assert not [c for c in context.cookies() if c["name"] == "tossed"]


def test_a_page_in_the_lessons_frame_can_not_reach_the_lesson(
    served: LessonPage, site: Site
) -> None:
    url = board(served)
    served.page.locator(".panel-preview:visible iframe").evaluate(
        "(frame, url) => (frame.src = url)", f"{url}nosy?site={site.url}"
    )
    frame = served.page.frame_locator(".panel-preview:visible iframe")
    expect(frame.locator("#found")).not_to_be_empty(timeout=20_000)
    found = json.loads(frame.locator("#found").inner_text())
    assert found["parent"] == "refused: SecurityError"
    assert found["read"] == "refused: TypeError"
    assert "sessionid" not in found["cookies"]
    assert "csrftoken" not in found["cookies"]


def test_nobody_else_may_frame_a_preview(
    served: LessonPage, site: Site, new_context: Callable[..., BrowserContext]
) -> None:
    url = board(served)
    page = new_context().new_page()
    other = "http://other.localhost/"
    page.route(
        other,
        lambda route: route.fulfill(
            body=f"<iframe src='{url}' onload='document.title = 1'></iframe>",
            content_type="text/html",
        ),
    )
    page.goto(other)
    expect(page).to_have_title("1")
    (framed,) = page.main_frame.child_frames
    assert framed.url == "chrome-error://chromewebdata/"
    page.goto(url)
    expect(page.get_by_role("heading")).to_have_text("Harbour", timeout=20_000)


def probe(page: Page, url: str, site: Site) -> dict[str, str]:
    page.goto(f"{url}nosy?site={site.url}")
    text = page.locator("#found")
    expect(text).not_to_be_empty(timeout=20_000)
    found: dict[str, str] = json.loads(text.inner_text())
    return found
