"""Learning in the browser: guesses, quizzes, hints, solutions, accounts, keyboard, phone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import Site
from tests.e2e.lesson_page import LessonPage

pytestmark = pytest.mark.e2e
FLAGSHIP, FIRST = "containers-vs-vms", "it-works-on-my-machine"


def test_lesson_one_is_solved_and_turns_green_by_itself(page: Page, site: Site) -> None:
    lesson = LessonPage(page, site.url, FLAGSHIP, FIRST).open().start()
    lesson.wait_for("laptop", r"learner@laptop:~\$")
    lesson.click_run("./start &")
    lesson.wait_for("laptop", "5000")
    lesson.click_run("curl localhost:5000/total")
    lesson.wait_for("laptop", r"41\.30")
    expect(lesson.task("laptop-answer")).to_have_class(re.compile("is-passed"), timeout=20_000)

    page.get_by_role("tab", name="production").click()
    lesson.wait_for("production", r"learner@production:~\$")
    lesson.run("production", "cd ~/tally && ./start", "ImportError")
    lesson.run("production", "curl -s laptop:5000/total", r"41\.30")


def test_a_failing_check_says_what_to_do_and_hints_come_one_by_one(page: Page, site: Site) -> None:
    lesson = LessonPage(page, site.url, FLAGSHIP, FIRST).open().start()
    task = lesson.task("name-the-cause")
    expect(task.get_by_role("button", name="Show a solution")).to_be_hidden()
    task.get_by_role("button", name="Check now").click()
    expect(task).to_have_class(re.compile("is-failing"), timeout=20_000)
    expect(task.locator("[data-feedback]")).not_to_be_empty()
    task.get_by_role("button", name=re.compile("Show hint 1 of")).click()
    expect(task.locator(".hint")).to_have_count(1)
    task.get_by_role("button", name="Show a solution").click()
    expect(task.locator("[data-solution]")).to_contain_text("why.txt")


def test_a_guess_is_kept_and_comes_back_where_the_lesson_reveals_it(page: Page, site: Site) -> None:
    LessonPage(page, site.url, FLAGSHIP, FIRST).open()
    guess = page.locator("[data-prediction=production-first-try]")
    guess.get_by_text("Print the same total").click()
    guess.get_by_role("button", name="Keep my guess").click()
    expect(guess.locator("[data-kept-note]")).to_be_visible()
    page.reload()
    reveal = page.locator("[data-reveal=production-first-try]")
    expect(reveal).to_contain_text("Print the same total")
    expect(reveal).to_contain_text("It stops with an error at start")


def test_a_quiz_explains_each_answer_and_can_be_answered_again(page: Page, site: Site) -> None:
    LessonPage(page, site.url, FLAGSHIP, FIRST).open()
    assert "not yet come to light" not in page.content()
    assert "People read it, machines do not" not in page.content()
    quiz = page.locator("[data-quiz=surroundings]")
    quiz.get_by_text("A longer README").click()
    quiz.get_by_role("button", name="Answer", exact=True).click()
    expect(quiz).to_contain_text("People read it, machines do not")
    quiz.get_by_role("button", name="Answer again").click()
    quiz.get_by_text("A whole machine, or an image of one").click()
    quiz.get_by_role("button", name="Answer", exact=True).click()
    expect(quiz).to_contain_text("Then the library travels with the app")


def test_a_guest_who_signs_up_keeps_what_was_answered(page: Page, site: Site) -> None:
    LessonPage(page, site.url, FLAGSHIP, FIRST).open()
    guess = page.locator("[data-prediction=production-first-try]")
    guess.get_by_text("Print a different total").click()
    guess.get_by_role("button", name="Keep my guess").click()
    expect(guess.locator("[data-kept-note]")).to_be_visible()
    page.goto(f"{site.url}/accounts/signup/")
    page.locator("input[name=username]").fill("mara")
    page.locator("input[name=password1]").fill("a-long-password-7")
    page.locator("main form button[type=submit]").click()
    page.goto(f"{site.url}/courses/{FLAGSHIP}/{FIRST}/")
    expect(page.locator("header")).to_contain_text("mara")
    expect(page.locator("[data-prediction=production-first-try] .is-kept")).to_contain_text(
        "Print a different total"
    )


def test_the_terminal_can_be_left_with_the_keyboard(page: Page, site: Site) -> None:
    lesson = LessonPage(page, site.url, "playground", "shell").open()
    page.locator("[data-berth] [data-action=start]").focus()
    page.keyboard.press("Enter")
    lesson.ready()
    lesson.wait_for("box", r"\$")
    lesson.panel("box").locator(".xterm-helper-textarea").focus()
    page.keyboard.press("F6")
    inside = "document.activeElement.closest('.xterm') !== null"
    assert page.evaluate(inside) is False


def test_on_a_phone_the_dock_switches_and_the_terminal_stays(
    site: Site, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    lesson = LessonPage(page, site.url, "playground", "shell").open()
    page.locator(".dock [data-pane=machines]").click()
    lesson.start()
    lesson.wait_for("box", r"\$")
    lesson.type("box", "echo still-$((40+2))")
    lesson.wait_for("box", "still-42")
    page.locator(".dock [data-pane=lesson]").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.locator(".dock [data-pane=machines]").click()
    lesson.wait_for("box", "still-42")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    lesson.stop()


def test_reset_gives_a_fresh_machine(page: Page, site: Site) -> None:
    lesson = LessonPage(page, site.url, "playground", "shell").open().start()
    lesson.wait_for("box", r"\$")
    lesson.run("box", "touch mine; ls", r"\nmine")
    page.locator("[data-action=reset]").click()
    page.locator("dialog.ask button[value=yes]").click()
    expect(page.locator("[data-status] .stages")).to_contain_text("cleared", timeout=30_000)
    lesson.ready()
    lesson.wait_for("box", r"\$")
    lesson.run("box", "ls | wc -l", r"\n0")


def test_another_lesson_with_live_machines_offers_both_ways(page: Page, site: Site) -> None:
    LessonPage(page, site.url, "playground", "shell").open().start()
    other = LessonPage(page, site.url, "playground", "docker").open()
    expect(page.locator("[data-berth]")).to_contain_text("A Linux shell")
    page.get_by_role("button", name=re.compile("Stop them and start here")).click()
    other.ready()


def test_copy_works_where_the_browser_offers_no_clipboard(
    site: Site, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context().new_page()
    LessonPage(page, f"http://classroom.test:{site.port}", "playground", "shell").open()
    assert page.evaluate("navigator.clipboard === undefined")
    block = page.locator(".cmd").filter(has=page.locator("[data-action=copy]")).first
    block.locator("[data-action=copy]").click()
    expect(block.locator(".cmd-note")).not_to_be_empty()
