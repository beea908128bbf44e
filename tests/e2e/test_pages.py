"""Every page looked at: no script errors, nothing wider than the window, a picture of each.

Pictures go to test-results/images; with UPDATE_IMAGES=1 to docs/images, for the README.
"""

import os
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import ROOT, Site, stop_machines
from tests.e2e.lesson_page import LessonPage

pytestmark = pytest.mark.e2e
KEPT = os.environ.get("UPDATE_IMAGES") == "1"
IMAGES = ROOT / ("docs/images" if KEPT else "test-results/images")
LESSON = "/courses/containers-vs-vms/it-works-on-my-machine/"
PAGES = {
    "home": "/",
    "course": "/courses/containers-vs-vms/",
    "lesson": LESSON,
    "sign-in": "/accounts/login/",
    "sign-up": "/accounts/signup/",
    "search": "/search/?q=kernel+image",
    "glossary": "/glossary/containers-vs-vms/",
    "certificate": "/certificates/for/containers-vs-vms/",
    "not-found": "/courses/nothing-here/",
    "api": "/api/docs",
}
WIDTHS = (1440, 1024, 360)


def take(page: Page, name: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=IMAGES / f"{name}.png")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_page_fits_every_width(
    name: str, theme: str, site: Site, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context(color_scheme=theme).new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900 if width > 400 else 740})
        page.goto(site.url + PAGES[name])
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
        take(page, f"{name}-{width}-{theme}")
    assert faults == []


@pytest.mark.parametrize(
    ("path", "width"), [("/", 360), (LESSON, 1100), (LESSON, 1280), (LESSON, 1440)]
)
def test_the_bar_is_one_line_and_nothing_in_it_lies_on_another(
    path: str, width: int, site: Site, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context(viewport={"width": width, "height": 800}).new_page()
    page.goto(site.url + path)
    expect(page.locator("[data-action=theme]")).to_be_visible()
    boxes = page.locator(".bar > *:visible").evaluate_all(
        "all => all.map((each) => { const b = each.getBoundingClientRect(); return [b.left, b.right]; })"
    )
    assert all(left[1] <= right[0] + 1 for left, right in pairwise(boxes)), boxes
    height = page.locator(".bar").evaluate("bar => bar.offsetHeight")
    assert height < 70


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lesson_with_machines(
    theme: str, site: Site, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context(color_scheme=theme)
    page = context.new_page()
    lesson = LessonPage(page, site.url, "containers-vs-vms", "it-works-on-my-machine").open()
    page.locator("[data-berth] [data-action=start]").click()
    take(page, f"lesson-starting-{theme}")
    lesson.ready()
    lesson.wait_for("laptop", r"\$")
    lesson.click_run("./start &")
    lesson.wait_for("laptop", "5000")
    lesson.click_run("curl localhost:5000/total")
    expect(lesson.task("laptop-answer")).to_have_class(re.compile("is-passed"), timeout=20_000)
    take(page, f"lesson-ready-{theme}")
    task = lesson.task("name-the-cause")
    task.get_by_role("button", name="Check now").click()
    expect(task).to_have_class(re.compile("is-failing"), timeout=20_000)
    task.scroll_into_view_if_needed()
    take(page, f"lesson-task-{theme}")
    page.set_viewport_size({"width": 360, "height": 740})
    take(page, f"lesson-task-360-{theme}")
    page.locator(".dock [data-pane=machines]").click()
    page.wait_for_timeout(300)
    take(page, f"lesson-machine-360-{theme}")
    stop_machines(site, context)


def test_every_kept_picture_is_of_a_page_that_is_still_tested() -> None:
    kept = {path.stem for path in Path(ROOT / "docs/images").glob("*.png")}
    known = {f"{n}-{w}-{t}" for n in PAGES for w in WIDTHS for t in ("light", "dark")}
    known |= {
        f"lesson-{part}-{t}"
        for part in ("starting", "ready", "task", "task-360", "machine-360")
        for t in ("light", "dark")
    }
    known |= {f"{panel}-1440-light" for panel in ("race", "stack")}
    assert kept <= known
