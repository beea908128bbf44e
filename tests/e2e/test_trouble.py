"""What a learner sees when something goes wrong, and how they go on."""

import os
import signal
import subprocess

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Site
from tests.e2e.lesson_page import LessonPage

pytestmark = pytest.mark.e2e


def sandbox_id(page: Page) -> str:
    page.reload()
    return str(
        page.evaluate("JSON.parse(document.getElementById('lesson-data').textContent).sandbox.id")
    )


def test_a_machine_that_died_is_said_and_start_gives_a_new_one(page: Page, site: Site) -> None:
    lesson = LessonPage(page, site.url, "playground", "shell").open().start()
    lesson.wait_for("box", r"\$")
    sandbox = sandbox_id(page)
    lesson.wait_for("box", r"\$")
    container = site.manage("sandbox", "objects", sandbox).split()[1]
    subprocess.run(["docker", "kill", container], check=True, capture_output=True)
    berth = page.locator("[data-berth]")
    expect(berth).to_contain_text("A machine stopped while it was in use", timeout=15_000)
    berth.locator("[data-action=start]").click()
    lesson.ready()
    lesson.wait_for("box", r"\$")


def test_a_page_that_lost_a_script_or_a_style_loads_again(page: Page, site: Site) -> None:
    # Twice each, as Chromium does when a network interface comes or goes.
    left = {"theme.js": 2, "lesson.css": 2, "deck-split.js": 2}

    def lose(route: Route) -> None:
        name = route.request.url.rpartition("/")[2].partition("?")[0]
        if left[name]:
            left[name] -= 1
            route.abort("connectionreset")
        else:
            route.continue_()

    for name in left:
        page.route(f"**/{name}*", lose)
        lesson = LessonPage(page, site.url, "playground", "shell").open()
        expect(page.locator("html")).to_have_attribute("data-lesson", "started")
        expect(page.locator("[data-action=theme]")).to_be_visible()
        expect(page.locator(".text")).to_have_css("overflow-y", "auto")
        assert left[name] == 0, name
    lesson.start()


def test_machines_whose_time_is_over_are_said_to_be(page: Page, site: Site) -> None:
    lesson = LessonPage(page, site.url, "playground", "shell").open().start()
    lesson.wait_for("box", r"\$")
    sandbox = sandbox_id(page)
    lesson.wait_for("box", r"\$")
    set_left(site, sandbox, 100)
    expect(page.locator("[data-lines]")).to_contain_text(
        "Extend gives them more time", timeout=15_000
    )
    set_left(site, sandbox, 0)
    berth = page.locator("[data-berth]")
    expect(berth).to_contain_text("The time of these machines is over", timeout=20_000)
    expect(berth.locator("[data-action=start]")).to_be_enabled()


def set_left(site: Site, sandbox: str, seconds: int) -> None:
    site.manage(
        "shell",
        "-v",
        "0",
        "-c",
        "from datetime import timedelta; from django.utils import timezone;"
        "from sandbox.models import Sandbox;"
        f"Sandbox.objects.filter(pk={sandbox!r}).update("
        f"expires_at=timezone.now() + timedelta(seconds={seconds}))",
    )


def test_an_engine_that_is_away_turns_start_off_and_on_again(page: Page, site: Site) -> None:
    problem = "The Docker engine does not answer."
    worker = site.child(" worker ")
    # With the worker held still, its last word about the engine stays as written here.
    os.kill(worker, signal.SIGSTOP)
    try:
        site.manage(
            "shell",
            "-v",
            "0",
            "-c",
            f"from sandbox.models import Host; Host.objects.update(problem={problem!r}, hint='Wait.')",
        )
        lesson = LessonPage(page, site.url, "playground", "shell").open()
        expect(page.locator("[data-berth]")).to_contain_text(problem)
        expect(page.locator("[data-berth] [data-action=start]")).to_be_disabled()
    finally:
        os.kill(worker, signal.SIGCONT)
    expect(page.locator("[data-berth] [data-action=start]")).to_be_enabled(timeout=20_000)
    lesson.start()
