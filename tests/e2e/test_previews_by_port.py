"""Previews in a room without DNS: the site under a bare address, in a real browser."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Frame, expect

from config.supervise import lan_addresses
from tests.e2e.conftest import Site, stop_machines
from tests.e2e.lesson_page import LessonPage
from tests.e2e.test_previews import APP, WRITE

pytestmark = pytest.mark.e2e


NOSY = """async (site) => {
  const tried = async (job) => { try { return String(await job()); } catch (error) { return error.name; } };
  const ask = { credentials: "include" };
  const start = { method: "POST", mode: "no-cors", body: '{"course": "playground", "lesson": "docker"}' };
  return JSON.stringify({
    cookies: document.cookie,
    read: await tried(async () => (await fetch(site + "/api/v1/progress", ask)).text()),
    blind: await tried(async () => (await fetch(site + "/api/v1/sandboxes", {...ask, ...start})).type),
    parent: await tried(() => window.parent.document.cookie),
    socket: await new Promise((done) => {
      const socket = new WebSocket(site.replace("http", "ws") + "/ws/sandboxes/x/events");
      socket.onopen = () => done("open");
      socket.onerror = () => done("refused");
    }),
  });
}"""


@pytest.fixture(scope="module")
def room(site: Site) -> str:
    """The site's address as other computers of the room type it."""
    found = [address for address in lan_addresses() if not address.startswith("127.")]
    if not found:
        pytest.skip("not run: this machine has no address but the loopback's")
    return f"http://{found[0]}:{site.port}"


@pytest.fixture(scope="module")
def served(site: Site, room: str, browser: Browser) -> Iterator[LessonPage]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    page = context.new_page()
    LessonPage(page, room, "playground", "shell").open().start()
    lesson = LessonPage(page, room, "playground", "shell").open().ready()
    lesson.wait_for("box", r"\$")
    page.evaluate(WRITE, ["box", "/home/learner/app.py", APP])
    lesson.type("box", "python3 app.py")
    line = page.locator("[data-lines]")
    expect(line.get_by_text("Port 5000 of box is up.")).to_be_visible(timeout=20_000)
    line.get_by_role("button", name="Open").click()
    yield lesson
    stop_machines(site, context, room)
    context.close()


def shown(lesson: LessonPage) -> Frame:
    """The app's page in its frame, as it is opened."""
    element = lesson.page.locator(".panel-preview:visible iframe")
    expect(element).to_be_visible(timeout=20_000)
    is_the_apps = lambda frame: frame.parent_frame is not None  # noqa: E731
    with lesson.page.expect_event("framenavigated", is_the_apps):
        lesson.page.get_by_role("button", name="Load again").click()
    frame = lesson.page.frame_locator(".panel-preview:visible iframe")
    expect(frame.get_by_role("heading")).to_have_text("Harbour", timeout=20_000)
    handle = element.element_handle()
    assert handle
    content = handle.content_frame()
    assert content
    return content


def test_a_page_with_socket_and_events_lives_at_a_port(served: LessonPage, room: str) -> None:
    frame = shown(served)
    expect(served.page.locator(".preview-bar:visible")).to_contain_text("by port")
    assert re.fullmatch(re.escape(room.rpartition(":")[0]) + r":\d+/", frame.url)
    assert frame.url != f"{room}/"
    expect(frame.locator("#socket")).to_have_text("AHOY closed 4000", timeout=20_000)
    expect(frame.locator("#events")).to_have_text("1 2 3", timeout=20_000)


def test_the_apps_cookies_replace_none_of_the_sites(served: LessonPage, room: str) -> None:
    context = served.page.context

    def session() -> str:
        found = [c["value"] for c in context.cookies(room) if c["name"] == "sessionid"]
        assert len(found) == 1
        return str(found[0])

    before = session()
    for cookies in ("none", "sessionid=the-apps"):
        frame = shown(served)
        frame.get_by_role("button", name="Say it").click()
        expect(frame.locator("#said")).to_have_text(f"what=ahoy {cookies}", timeout=20_000)
    assert session() == before
    names = {c["name"] for c in context.cookies(room)}
    assert [name for name in names if re.fullmatch(r"slipway-\d+-[0-9a-f]+-sessionid", name)]


def test_its_page_changes_nothing_at_the_site(served: LessonPage, room: str) -> None:
    """Port and site share cookies, so the browser would send the session along."""
    frame = shown(served)
    found = json.loads(frame.evaluate(NOSY, room))
    assert "sessionid" not in re.sub(r"slipway-\d+-\w+-sessionid", "", found.pop("cookies"))
    assert found == {
        "read": "TypeError",
        "blind": "opaque",
        "parent": "SecurityError",
        "socket": "refused",
    }
    answers: list[int] = []
    served.page.on(
        "response",
        lambda answer: answers.append(answer.status) if answer.url.endswith("/sandboxes") else None,
    )
    token = frame.evaluate("document.cookie.match(/csrftoken=([^;]+)/)?.[1] ?? ''")
    frame.evaluate(
        """([site, token]) => fetch(site + "/api/v1/sandboxes", {
          method: "POST", mode: "no-cors", credentials: "include",
          body: new URLSearchParams({csrfmiddlewaretoken: token}),
        })""",
        [room, token],
    )
    served.page.wait_for_timeout(300)
    assert answers == [403]


def test_sharing_is_offered_where_the_class_allows_it(served: LessonPage, site: Site) -> None:
    page = served.page
    shown(served)
    offer = page.get_by_role("button", name="Copy link to share")
    expect(offer).to_have_count(0)
    code = site.manage("class", "make", "Monday", "--share-previews")
    page.evaluate(
        """async (code) => {
          const { call } = await import("/static/js/api.js");
          await call("POST", "/classes/join", { code });
        }""",
        code,
    )
    page.reload()
    served.ready()
    page.get_by_role("button", name="Open a port of a machine").click()
    page.locator("#port-number").fill("5000")
    page.locator("dialog.ask button[value=yes]").click()
    offer.click()
    expect(page.get_by_role("button", name="Copied.")).to_be_visible()


def test_the_address_works_in_a_tab_of_its_own_and_nowhere_without_the_token(
    served: LessonPage, browser: Browser, room: str
) -> None:
    frame = shown(served)
    with served.page.context.expect_page() as opening:
        served.page.get_by_role("link", name="Open in a tab of its own").click()
    page = opening.value
    expect(page.get_by_role("heading")).to_have_text("Harbour", timeout=20_000)
    assert "/p-" not in page.url
    assert page.evaluate("window.opener") is None
    page.close()
    stranger = browser.new_context()
    other = stranger.new_page()
    other.goto(frame.url)
    expect(other.get_by_role("heading")).to_have_text("This preview is over.")
    stranger.close()
