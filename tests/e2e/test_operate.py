"""The operator's page on a whole site: the worker examined its host, and what follows shows."""

import json
import os
import re
import signal
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import Site
from tests.e2e.lesson_page import LessonPage
from tests.e2e.test_pages import WIDTHS, take

pytestmark = pytest.mark.e2e
PASSWORD = "only for this test"
MAKE_OPERATOR = (
    "from classroom.models import User;"
    "u, _ = User.objects.get_or_create(username='olga', defaults={'role': 'operator'});"
    f"u.set_password('{PASSWORD}'); u.save()"
)
BREAK = (
    "from sandbox.models import Host; h = Host.objects.get();"
    "h.examination['findings']['user-namespaces'] = {'verdict': 'not kept', 'evidence': 'a test'};"
    "h.save()"
)


def shell(site: Site, script: str) -> None:
    site.manage("shell", "-v", "0", "-c", script)


def report(site: Site, *arguments: str) -> Any:
    return json.loads(site.manage("sandboxreport", "--json", *arguments))


@pytest.fixture(autouse=True, scope="module")
def examined(site: Site) -> None:
    """The site is ready some seconds before its worker has examined the host."""
    assert report(site)["all_kept"]


@pytest.fixture
def operator(site: Site, new_context: Callable[..., BrowserContext]) -> Page:
    shell(site, MAKE_OPERATOR)
    page = new_context().new_page()
    page.goto(f"{site.url}/accounts/login/")
    page.fill("[name=login]", "olga")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name=re.compile("Sign in")).click()
    return page


def test_an_operator_reads_what_the_worker_found_and_asks_again(operator: Page, site: Site) -> None:
    operator.get_by_role("link", name="Operate").click()
    expect(operator.locator(".promises tbody tr")).to_have_count(len(report(site)["rows"]))
    for name in ("user-namespaces", "isolated-network", "memory-limit", "seccomp"):
        expect(operator.locator(f"#{name} .state")).to_have_text("Kept")
    expect(operator.locator(".operate-kinds .is-on")).to_have_count(3)
    before = report(site)["examined_at"]
    operator.get_by_role("button", name="Examine the host again").click()
    expect(operator.get_by_role("status")).to_contain_text("A worker was asked")
    for _ in range(150):
        if report(site)["examined_at"] != before:
            break
        operator.wait_for_timeout(200)
    else:
        pytest.fail("no worker examined the host")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_fits_every_width(operator: Page, site: Site, theme: str) -> None:
    operator.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    for width in WIDTHS:
        operator.set_viewport_size({"width": width, "height": 900 if width > 400 else 740})
        operator.goto(f"{site.url}/operate/")
        assert operator.evaluate("document.documentElement.scrollWidth") <= width, width
        take(operator, f"operate-{width}-{theme}")


def test_a_kind_that_is_off_says_why_in_its_lessons_and_in_no_other(page: Page, site: Site) -> None:
    worker = site.child(" worker ")
    # With the worker held still, what it found stays as written here.
    os.kill(worker, signal.SIGSTOP)
    try:
        shell(site, BREAK)
        start = page.locator("[data-berth] [data-action=start]")
        LessonPage(page, site.url, "playground", "docker").open()
        expect(page.locator("[data-berth]")).to_contain_text("Machines of kind docker are off")
        expect(page.locator("[data-berth]")).to_contain_text("SANDBOX_ACCEPT_RISK=user-namespaces")
        expect(start).to_be_disabled()
        LessonPage(page, site.url, "playground", "shell").open()
        expect(start).to_be_enabled()
    finally:
        os.kill(worker, signal.SIGCONT)
    assert report(site, "--again")["all_kept"]
    LessonPage(page, site.url, "playground", "docker").open()
    expect(page.locator("[data-berth] [data-action=start]")).to_be_enabled()


def test_where_no_guest_can_run_its_lessons_show_what_was_recorded(page: Page, site: Site) -> None:
    worker = site.child(" worker ")
    os.kill(worker, signal.SIGSTOP)
    try:
        shell(site, BREAK.replace("user-namespaces", "guests"))
        for lesson, panel in (("the-race", "race"), ("how-many-fit", "fit")):
            LessonPage(page, site.url, "containers-vs-vms", lesson).open()
            shown = page.locator(f"[data-measure={panel}]")
            expect(shown).to_contain_text("Recorded, not measured here.")
            expect(shown).to_contain_text(
                re.compile(r"Taken on .* 20\d\d with this same lab on \d+ × ")
            )
            expect(shown.locator("svg").first).to_be_visible()
            expect(shown.locator("table").first).to_contain_text(re.compile(r"\d"))
            if panel == "race":
                expect(shown).to_contain_text(re.compile(r"recorded runs: \d+"))
            shown.scroll_into_view_if_needed()
            take(page, f"recorded-{panel}")
        expect(page.locator("[data-berth]")).to_contain_text("Machines of kind vm are off")
    finally:
        os.kill(worker, signal.SIGCONT)
    assert report(site, "--again")["all_kept"]
