"""The main story, in a real browser on real machines: from the first page to Stop."""

import os
import re
import signal
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import Site
from tests.e2e.lesson_page import LessonPage

pytestmark = pytest.mark.e2e
FLAGSHIP = "containers-vs-vms"


def test_from_first_page_to_stop(page: Page, site: Site) -> None:
    others = site.objects()
    page.goto(site.url)
    page.get_by_role("link", name="Containers vs. virtual machines").click()
    page.get_by_role("link", name="A Dockerfile, line by line").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A Dockerfile, line by line")
    lesson = LessonPage(page, site.url, FLAGSHIP, "a-dockerfile-line-by-line").start()
    lesson.wait_for("laptop", r"learner@laptop:~\$")

    lesson.write_file("app.py")
    lesson.write_file("requirements.txt")
    lesson.write_file("Dockerfile")
    lesson.click_run("docker build -t ferry:1")
    expect(lesson.task("build")).to_have_class(re.compile("is-passed"), timeout=90_000)
    lesson.click_run("docker run -d --name ferry -p 5000:5000 ferry:1")
    expect(lesson.task("run")).to_have_class(re.compile("is-passed"), timeout=40_000)
    lesson.run("laptop", "clear; docker ps", r"ferry:1 .*")

    page.get_by_role("tab", name=re.compile("The ferry board")).click()
    board = page.frame_locator(".panel-preview iframe")
    expect(board.get_by_role("heading")).to_have_text("Next ferries", timeout=30_000)

    page.get_by_role("tab", name="laptop").click()
    pid = lesson.run("laptop", "clear; echo pid=$$", r"pid=(\d+)")[1]
    page.reload()
    lesson.ready()
    assert lesson.wait_for("laptop", r"pid=(\d+)")[1] == pid
    assert lesson.run("laptop", "echo again=$$", r"again=(\d+)")[1] == pid
    expect(lesson.task("build")).to_have_class(re.compile("is-passed"))

    lesson.stop()
    expect(page.locator("[data-berth] [data-action=start]")).to_be_visible()
    assert_gone(site, others)


def assert_gone(site: Site, others: list[str], seconds: float = 15) -> None:
    """Nothing is left on the engine but what tests before this one have on it."""
    deadline = time.monotonic() + seconds
    while left := set(site.objects()) - set(others):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def test_the_shell_and_vim_survive_a_killed_console(page: Page, site: Site) -> None:
    lesson = LessonPage(page, site.url, "playground", "shell").open().start()
    lesson.wait_for("box", r"\$")
    pid = lesson.run("box", "echo pid=$$", r"pid=(\d+)")[1]
    # By the shell alone: a program that counts, or a pipe to it, may or may not count itself.
    before = int(lesson.run("box", "set -- /proc/[0-9]*; echo n=$#", r"n=(\d+)")[1])
    lesson.type("box", "vim -n notes.txt")
    lesson.wait_for("box", r"~\n~\n~")
    page.keyboard.type("iheld in memory only")
    page.keyboard.press("Escape")
    lesson.wait_for("box", "held in memory only")

    os.kill(site.child("uvicorn"), signal.SIGKILL)
    expect(page.locator("[data-lines]")).to_contain_text("Connection lost", timeout=10_000)
    expect(page.locator("[data-lines]")).not_to_contain_text("Connection lost", timeout=60_000)

    # vim drew its screen again: the text was never saved, so it is the same process.
    lesson.wait_for("box", r"held in memory only\n~\n~", 30)
    lesson.panel("box").locator(".xterm-helper-textarea").focus()
    page.keyboard.type(":q!")
    page.keyboard.press("Enter")
    assert lesson.run("box", "clear; echo again=$$", r"again=(\d+)")[1] == pid
    after = int(lesson.run("box", "set -- /proc/[0-9]*; echo m=$#", r"m=(\d+)")[1])
    assert after == before


def test_two_tabs_share_one_machine(page: Page, site: Site) -> None:
    first = LessonPage(page, site.url, "playground", "shell").open().start()
    first.wait_for("box", r"\$")
    second = LessonPage(page.context.new_page(), site.url, "playground", "shell").open().ready()
    first.type("box", "echo typed-in-$((1))st")
    second.wait_for("box", "typed-in-1st")
    second.stop()
    expect(page.locator("[data-berth] [data-action=start]")).to_be_visible()


def test_from_another_host_name_by_plain_http(
    site: Site, new_context: Callable[..., BrowserContext]
) -> None:
    others = site.objects()
    context = new_context()
    page = context.new_page()
    url = f"http://classroom.test:{site.port}"
    lesson = LessonPage(page, url, "playground", "docker").open().start()
    lesson.wait_for("docker", r"\$")
    assert page.evaluate("window.isSecureContext") is False
    lesson.click_run("docker version")
    lesson.wait_for("docker", "Server:", 30)

    page.get_by_role("tab", name=re.compile("Port 8080")).click()
    expect(page.locator(".panel-preview:visible .preview-bar")).to_contain_text("by port")
    board = page.frame_locator(".panel-preview:visible iframe")
    expect(board.get_by_role("heading")).to_have_text("Nothing answers on port 8080 of docker.")
    lesson.stop()
    assert_gone(site, others)


def test_a_stranger_gets_404(
    page: Page, site: Site, new_context: Callable[..., BrowserContext]
) -> None:
    LessonPage(page, site.url, "playground", "shell").open().start()
    mine = page.evaluate("JSON.parse(document.getElementById('lesson-data').textContent)")
    sandbox = page.request.get(f"{site.url}/api/v1/courses")
    assert sandbox.ok
    assert mine["lesson"]
    page.reload()
    data = page.evaluate("JSON.parse(document.getElementById('lesson-data').textContent)")
    address = f"{site.url}/api/v1/sandboxes/{data['sandbox']['id']}"
    assert page.request.get(address).status == 200
    stranger = new_context().new_page()
    LessonPage(stranger, site.url, "playground", "docker").open()
    assert stranger.request.get(address).status in (401, 404)
