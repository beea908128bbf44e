"""docs/authoring.md, followed by the letter: from an empty folder to a lesson that is proven."""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.conftest import ROOT
from tests.e2e.lesson_page import LessonPage
from tests.running_site import NOT_INHERITED

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
TEN_MINUTES = 600


def commands() -> tuple[list[str], list[str]]:
    """The lines of the two blocks under "Begin"."""
    text = (ROOT / "docs/authoring.md").read_text(encoding="utf-8")
    begin = text.partition("## Begin")[2].partition("\n## ")[0]
    first, second = (block.strip().splitlines() for block in BLOCK.findall(begin))
    return first, second


@pytest.fixture
def author_site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The first block's commands in an empty home; the address and the course's folder."""
    (activate, newcourse, author), _ = commands()
    environment = of_an_author(tmp_path)
    bash(f"{activate}\n{newcourse}", environment)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["bash", "-c", f"{activate}\nexec {author} --port {port}"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = process.stdout.readline().rpartition(" ")[2].strip()
        wait_for(f"http://localhost:{port}/readyz")
        yield address, tmp_path / "courses/my-course"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def of_an_author(home: Path) -> dict[str, str]:
    """The environment of somebody with an empty home and no site."""
    kept = {key: value for key, value in os.environ.items() if key not in NOT_INHERITED}
    return kept | {"HOME": str(home), "SANDBOX_POOL_SHELL": "0", "SANDBOX_POOL_DOCKER": "0"}


def bash(script: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euc", script], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def wait_for(address: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"{address} does not answer")


def tools(page: Page, number: int) -> Locator:
    return page.locator(".author-scripts").nth(number)


def test_the_authors_page_is_true(
    author_site: tuple[str, Path], new_context: Callable[..., BrowserContext]
) -> None:
    began = time.monotonic()
    address, course = author_site
    page = new_context().new_page()
    page.goto(address)
    expect(page.get_by_text("checkcourse finds nothing to mend")).to_be_visible()
    page.get_by_role("link", name="First steps", exact=True).click()
    saving_shows_at_once(page, course / "01-first-steps/lesson.md")
    scripts_are_at_hand(page)
    environment = of_an_author(course.parents[1])
    said = bash("\n".join(commands()[1]), environment)
    assert "0 errors" in said
    assert "0 surprises" in said
    assert time.monotonic() - began < TEN_MINUTES


def saving_shows_at_once(page: Page, lesson: Path) -> None:
    text = lesson.read_text(encoding="utf-8")
    title = re.search(r"^title: (.*)$", text, re.MULTILINE)
    assert title
    lesson.write_text(text.replace(title[0], "title: Very first steps"), encoding="utf-8")
    expect(page.get_by_role("heading", name="Very first steps")).to_be_visible()
    mistaken = text + "\nThis is <b>raw HTML</b>.\n"
    lesson.write_text(mistaken, encoding="utf-8")
    line = mistaken.splitlines().index("This is <b>raw HTML</b>.") + 1
    problem = page.locator(".author-problem").first
    expect(problem).to_contain_text(f"01-first-steps/lesson.md:{line}")
    expect(problem.locator(".is-here")).to_contain_text("raw HTML")
    lesson.write_text(text, encoding="utf-8")
    expect(page.locator(".author-problem")).to_have_count(0)


def scripts_are_at_hand(page: Page) -> None:
    lesson = LessonPage(page, "", "", "")
    page.locator("[data-berth] [data-action=start]").click()
    lesson.ready()
    card = page.locator(".task").first
    tools(page, 0).get_by_role("button", name="Run check").click()
    expect(card).to_have_class(re.compile("is-failing"), timeout=20_000)
    tools(page, 0).get_by_role("button", name="Run near-miss").click()
    expect(tools(page, 0).locator(".author-say")).to_contain_text("nearmiss.sh ended")
    expect(card).not_to_have_class(re.compile("is-passed"))
    tools(page, 0).get_by_role("button", name="Run solution").click()
    expect(card).to_have_class(re.compile("is-passed"), timeout=20_000)
    tools(page, 0).get_by_role("button", name="Reset machine").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
