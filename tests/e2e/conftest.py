"""A whole site of its own for the browser tests, and a real Chromium."""

import json
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from config.supervise import lan_addresses
from tests.running_site import ROOT, Site, running_site

__all__ = ["ROOT", "Site"]
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    # Without WebGL the terminal draws with DOM rows, whose text a test can read.
    "--disable-3d-apis",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # A second name for this machine, as a classroom's computers see it.
    "--host-resolver-rules=MAP classroom.test 127.0.0.1",
]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    hosts = ["127.0.0.1", "classroom.test", *lan_addresses()]
    names = ",".join(f"http://{host}:{{port}}" for host in hosts)
    # A browser that sleeps is noticed sooner than the usual 40 s.
    pings = {"UVICORN_WS_PING_INTERVAL": "4", "UVICORN_WS_PING_TIMEOUT": "10"}
    # As in a classroom: other computers reach it too.
    data, everywhere = tmp_path_factory.mktemp("site"), "0.0.0.0"  # noqa: S104
    with running_site(data, host=everywhere, SITE_URLS_EXTRA=names, **pings) as running:
        yield running


def chromium_path() -> str:
    """What starts the system's Chromium; without one the tests fail and say what to do."""
    if not (shutil.which("chromium") or shutil.which("chromium-browser")):
        pytest.fail("Chromium is missing: ./test installs it on Debian and Ubuntu as root")
    return str(ROOT / "tests/e2e/steady_chromium.py")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        yield started
        started.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make browser contexts (a person each); console errors fail the test."""
    opened: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        context.set_default_timeout(30_000)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def page(site: Site, new_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    """A guest's browser; script errors on its pages fail the test, its machines are ended."""
    context = new_context()
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    stop_machines(site, context)
    assert faults == []


def stop_machines(site: Site, context: BrowserContext, url: str = "") -> None:
    """End whatever this browser's learner still has, who sees the site as `url`."""
    cookies = {c["name"]: c["value"] for c in context.cookies(url or site.url)}
    if "sessionid" in cookies:
        stop_session(site, cookies["sessionid"])


def stop_session(site: Site, session_key: str) -> None:
    """End whatever the learner of a session still has."""
    script = (
        "from django.contrib.sessions.models import Session;"
        "from sandbox import lifecycle; from classroom.models import User;"
        f"s = Session.objects.get(pk={json.dumps(session_key)}).get_decoded();"
        "u = User.objects.filter(pk=s.get('_auth_user_id')).first();"
        "b = u and lifecycle.live_sandbox(u);"
        "b and lifecycle.destroy_now(b)"
    )
    site.manage("shell", "-v", "0", "-c", script)
