"""The race, the density lab, who survives and the stack, on a real VM and a real container."""

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Download, Locator, Page, expect

from tests.e2e.conftest import Site
from tests.e2e.lesson_page import LessonPage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
COURSE = "containers-vs-vms"
# An emulated boot beside other tests; what is tested is that it comes, not when.
READY_SECONDS = 240
RUN_SECONDS = 300


def started(page: Page, site: Site, lesson: str) -> LessonPage:
    return LessonPage(page, site.url, COURSE, lesson).open().start(READY_SECONDS)


def run(panel: Locator, said: str) -> None:
    """Press the panel's button and wait for the words that end a run."""
    panel.locator("[data-run]").click()
    expect(panel.locator("[data-run-say]")).to_contain_text(
        re.compile(said), timeout=RUN_SECONDS * 1000
    )


def saved(panel: Locator, button: str) -> Path:
    with panel.page.expect_download() as waiting:
        panel.get_by_role("button", name=button).click()
    download: Download = waiting.value
    return Path(download.path())


def test_a_race_is_drawn_with_the_guess_on_its_axis(page: Page, site: Site) -> None:
    lesson = LessonPage(page, site.url, COURSE, "the-race").open()
    guess = page.locator("form[data-prediction=race-vm]")
    guess.locator("input").fill("1.5")
    guess.get_by_role("button", name="Keep my guess").click()
    expect(page.locator("form[data-prediction=race-vm]")).to_have_attribute("data-kept", "")
    lesson.start(READY_SECONDS)
    panel = page.locator("[data-measure=race]")
    run(panel, "sooner")
    chart = panel.locator("svg.chart")
    expect(chart.locator(".b-house-own").first).to_be_attached()
    expect(chart.locator(".b-box").first).to_be_attached()
    expect(chart.locator("path.guess")).to_have_count(1)
    expect(chart).to_contain_text("your guess 1.5 s")
    # Two kernels, and nobody takes an emulated figure for a VM's as such.
    boots = panel.locator("table.sheet tr").filter(has_text="Boot id").locator("td")
    assert boots.nth(0).inner_text() != boots.nth(1).inner_text()
    heads = panel.locator("table.sheet thead").first
    expect(heads).to_contain_text("VM")
    rows = list(csv.reader(io.StringIO(saved(panel, "Save the numbers").read_text())))
    seconds = {row[0]: float(row[2]) for row in rows if row[1:2] == ["seconds"]}
    assert seconds["vm"] > seconds["container"] > 0
    emulated = next(row[4] for row in rows if row[:2] == ["vm", "seconds"]) == "true"
    assert emulated == ("emulated" in heads.inner_text())
    assert saved(panel, "Save the drawing").read_bytes().startswith(b"\x89PNG")
    # It is still there after a reload: it is the learner's.
    page.reload()
    expect(panel.locator("circle.run-dot")).to_have_count(2)


def test_a_budget_is_filled_and_larger_hosts_are_computed(page: Page, site: Site) -> None:
    started(page, site, "how-many-fit")
    panel = page.locator("[data-measure=fit]")
    run(panel, "in the same memory")
    houses = panel.locator("svg.chart .b-house").count()
    boxes = panel.locator("svg.chart .b-box").count()
    assert 1 <= houses < boxes
    expect(panel.locator("table.sheet")).to_contain_text("Why it stopped")
    slider = panel.locator("[data-hosts]")
    slider.focus()
    reckoned = panel.locator("[data-reckoned]")
    expect(reckoned).to_contain_text("24 GiB")
    page.keyboard.press("End")
    expect(reckoned).to_contain_text("256 GiB")
    expect(panel.locator("[data-larger]")).to_contain_text("Computed, not run")


def test_the_stack_shows_both_kernels_and_a_crash_takes_one(page: Page, site: Site) -> None:
    lesson = started(page, site, "the-difference-is-the-kernel")
    figure = page.locator("[data-diagram=stack]")
    own = figure.locator("[data-layer=own]")
    expect(own).to_be_attached(timeout=60_000)
    guest = lesson.run("house", "uname -r", r"\n(\d+\.\d+\S*)\s").group(1)
    assert guest in own.get_attribute("aria-label")
    assert guest not in figure.locator("[data-layer=kernel]").get_attribute("aria-label")
    own.focus()
    expect(figure.locator("[data-explain]")).to_contain_text("foundation")
    # The step of the line is exactly as high as the kernel that stands on it.
    kernel, step = own.locator("rect").first, figure.locator("line.lvl").nth(1)
    high = float(step.get_attribute("y2")) - float(step.get_attribute("y1"))
    assert high == float(kernel.get_attribute("height"))
    panel = page.locator("[data-measure=survive]")
    run(panel, "two dead")
    dead = panel.locator("table.sheet .is-dead")
    # The guest after both blows, the container after the second.
    expect(dead).to_have_count(3)
    host = panel.locator("tr").filter(has_text="host's kernel").locator("td .data")
    assert len(set(host.all_inner_texts())) == 1
