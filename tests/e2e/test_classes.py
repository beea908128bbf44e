"""A class, as its teacher and two learners see it: made, joined, watched without a reload, closed."""

import os
import re
import signal
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import Site, stop_machines
from tests.e2e.lesson_page import LessonPage
from tests.e2e.test_pages import WIDTHS, take

pytestmark = pytest.mark.e2e
PASSWORD = "only for this test"
MAKE_TEACHER = (
    "from classroom.models import User;"
    "u, _ = User.objects.get_or_create(username='grace', defaults={'role': 'instructor'});"
    f"u.set_password('{PASSWORD}'); u.save()"
)


class Teacher:
    """A browser in which an instructor is signed in, and the class that it shows."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page, self.site = page, site
        self.code = ""

    def sign_in(self) -> "Teacher":
        self.page.goto(f"{self.site.url}/accounts/login/?next=/classes/")
        self.page.fill("[name=login]", "grace")
        self.page.fill("[name=password]", PASSWORD)
        self.page.get_by_role("button", name=re.compile("Sign in")).click()
        return self

    def open_class(self, name: str) -> "Teacher":
        self.page.goto(f"{self.site.url}/classes/")
        self.page.get_by_label(re.compile("Name of ")).fill(name)
        self.page.get_by_role("button", name="Make it").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(name)
        self.code = self.page.url.rstrip("/").rsplit("/", 1)[1]
        return self


@pytest.fixture(scope="module")
def teacher(site: Site, browser: Browser) -> Iterator[Teacher]:
    site.manage("shell", "-v", "0", "-c", MAKE_TEACHER)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield Teacher(page, site).sign_in()
    context.close()
    assert faults == []


@pytest.fixture
def learner(site: Site, new_context: Callable[..., BrowserContext]) -> Iterator[Callable[[], Page]]:
    """Open a browser of another learner; their machines are ended."""
    contexts: list[BrowserContext] = []

    def make() -> Page:
        contexts.append(new_context())
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        stop_machines(site, context)


def join(page: Page, site: Site, code: str, name: str) -> None:
    """As learners do: from the first page, by the code on the wall."""
    page.goto(site.url)
    page.get_by_role("link", name="Join it by its code").click()
    page.get_by_label("The class's code").fill(code)
    page.get_by_label("Your name in the class").fill(name)
    page.get_by_role("button", name="Join the class").click()


def test_the_board_shows_who_joins_and_who_starts_without_a_reload(
    teacher: Teacher, learner: Callable[[], Page], site: Site
) -> None:
    board = teacher.open_class("Systems 2").page
    expect(board.locator("[data-live=learners]")).to_contain_text("Nobody has joined yet.")
    board.evaluate("window.sameDocument = true")
    # The keyboard is in a field, and the page is scrolled: neither may be lost.
    board.get_by_label("How many").fill("7")

    ada, bob = learner(), learner()
    join(ada, site, f"{teacher.code[:3]}-{teacher.code[3:]}".lower(), "Ada")
    expect(ada.get_by_role("status")).to_contain_text("You have a seat in Systems 2.")
    join(bob, site, teacher.code, "Bob <b>")
    rows = board.locator(".class-seats tbody tr")
    expect(rows).to_have_count(2, timeout=15_000)
    expect(rows.locator("th")).to_have_text(["Ada", "Bob <b>"])

    ada.get_by_role("link", name="To the courses").click()
    LessonPage(ada, site.url, "playground", "shell").open().start()
    expect(rows.nth(0)).to_contain_text("Ready", timeout=15_000)
    expect(rows.nth(0)).to_contain_text("Here now")
    expect(rows.nth(0).get_by_role("link").nth(1)).to_contain_text("1. ")
    expect(rows.nth(1)).to_contain_text("none")
    expect(board.locator(".tally")).to_contain_text(re.compile(r"here now\s*1 of 2"))

    assert board.evaluate("window.sameDocument"), "the page was not loaded again"
    expect(board.get_by_label("How many")).to_be_focused()
    expect(board.get_by_label("How many")).to_have_value("7")


def test_a_link_on_the_board_keeps_the_keyboard_while_the_board_changes(
    teacher: Teacher, learner: Callable[[], Page], site: Site
) -> None:
    board = teacher.open_class("Keys").page
    first = learner()
    join(first, site, teacher.code, "Mia")
    first.goto(f"{site.url}/courses/playground/shell/")
    link = board.locator(".class-seats tbody td a")
    expect(link).to_be_visible(timeout=15_000)
    link.focus()
    # Above and below the row: it moves, and stays the same element.
    for name in ("Abe", "Zoe"):
        join(learner(), site, teacher.code, name)
    expect(board.locator(".class-seats tbody th")).to_have_text(
        ["Abe", "Mia", "Zoe"], timeout=15_000
    )
    expect(link).to_be_focused()


def test_a_hidden_board_asks_nothing_and_looks_at_once_when_it_is_back(teacher: Teacher) -> None:
    board = teacher.open_class("Hidden").page
    asked: list[str] = []
    board.on("request", lambda request: asked.append(request.url))
    hide = (
        "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange')); }"
    )
    with board.expect_response(re.compile("/board")) as answer:
        pass
    assert answer.value.status in (200, 304)
    board.evaluate(hide, True)
    board.wait_for_timeout(300)
    asked.clear()
    board.wait_for_timeout(6_000)
    assert asked == []
    with board.expect_response(re.compile("/board"), timeout=3_000):
        board.evaluate(hide, False)


def test_a_board_that_gets_no_answer_says_how_old_it_is(teacher: Teacher) -> None:
    board = teacher.open_class("Offline").page
    board.route("**/board?*", lambda route: route.abort())
    stale = board.locator("[data-stale]")
    expect(stale).to_contain_text("The site does not answer.", timeout=30_000)
    board.unroute("**/board?*")
    expect(stale).to_be_hidden(timeout=40_000)


def test_warm_machines_are_ordered_by_the_clock_on_the_wall(teacher: Teacher) -> None:
    board = teacher.open_class("Warm").page
    shape = board.get_by_label("Machine", exact=True)
    option = shape.locator("option", has_text=re.compile("^docker ")).first.get_attribute("value")
    shape.select_option(option)
    board.get_by_label("How many").fill("30")
    at = board.evaluate(
        "(() => { const d = new Date(Date.now() + 3 * 3600e3); d.setMinutes(55);"
        "return `${String(d.getHours()).padStart(2, '0')}:55`; })()"
    )
    board.get_by_label("Ready at (empty: now)").fill(at)
    board.get_by_label("Kept for minutes").fill("20")
    board.get_by_role("button", name="Keep them warm").click()
    order = board.locator("[data-live=warm] .class-list li", has_text="30 ×")
    expect(order).to_contain_text(f"docker {option.split()[1]}" if option else "docker")
    until = f"{(int(at[:2]) + 1) % 24:02}:15"
    expect(order).to_contain_text(f"kept until {until}", timeout=15_000)
    order.get_by_role("button", name=re.compile("^Forget")).click()
    expect(board.locator("[data-live=warm]")).not_to_contain_text("30 ×")


def test_a_wrong_code_and_a_closed_class_are_told_apart(
    teacher: Teacher, learner: Callable[[], Page], site: Site
) -> None:
    teacher.open_class("Short")
    page = learner()
    join(page, site, "QQQQQQ", "Ada")
    expect(page.get_by_role("alert")).to_contain_text("There is no open class with this code.")
    expect(page.get_by_label("The class's code")).to_be_focused()
    expect(page.get_by_label("Your name in the class")).to_have_value("Ada")
    teacher.page.get_by_text("Close this class").click()
    other = teacher.page.context.new_page()
    other.goto(teacher.page.url)
    teacher.page.get_by_role("button", name="Close Short").click()
    expect(teacher.page.get_by_role("heading", level=1)).to_have_text("Your classes")
    expect(other.locator("[data-stale]")).to_contain_text("the class is closed", timeout=15_000)
    other.close()
    page.get_by_label("The class's code").fill(teacher.code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This class is closed.")


def test_a_learner_can_not_see_a_board(
    teacher: Teacher, learner: Callable[[], Page], site: Site
) -> None:
    teacher.open_class("Private")
    page = learner()
    join(page, site, teacher.code, "Eve")
    for path in ("board", ""):
        answer = page.goto(f"{site.url}/classes/{teacher.code}/{path}")
        assert answer
        assert "Eve" not in answer.text()
    assert page.url.startswith(f"{site.url}/accounts/login/"), "a guest is asked to sign in"


def test_a_teacher_looks_at_a_terminal_and_its_learner_is_told(
    teacher: Teacher, learner: Callable[[], Page], site: Site
) -> None:
    board = teacher.open_class("Looking").page
    ada = learner()
    join(ada, site, teacher.code, "Ada")
    lesson = LessonPage(ada, site.url, "playground", "shell").open().start()
    lesson.run("box", "echo before", r"\nbefore")
    expect(board.locator(".class-seats tbody")).to_contain_text("Ready", timeout=15_000)
    expect(board.get_by_role("link", name="Look Ada")).to_have_count(0)
    board.get_by_label("You look at learners' terminals").check()
    board.get_by_role("button", name="Save").click()
    board.get_by_role("link", name="Look Ada").click()

    screen = board.locator(".look .xterm-rows")
    expect(screen).to_contain_text("before")
    expect(board.locator("[data-look-note]")).to_contain_text("Ada is told so.")
    told = ada.locator("[data-lines]")
    expect(told).to_contain_text("grace is looking at this terminal (box). They can't type.")
    lesson.run("box", "echo now", r"\nnow")
    expect(screen).to_contain_text("now")

    # Keys, a paste and a click into it: nothing of it arrives.
    board.locator(".look").click()
    board.keyboard.type("echo from the teacher\n")
    lesson.run("box", "echo later", r"\nlater")
    assert "teacher" not in lesson.screen("box")
    for width in WIDTHS:
        board.set_viewport_size({"width": width, "height": 900 if width > 400 else 740})
        board.evaluate("scrollTo(0, 0)")
        assert board.evaluate("document.documentElement.scrollWidth") <= width, width
        take(board, f"look-{width}-light")
    board.set_viewport_size({"width": 1440, "height": 900})
    take(ada, "looked-at-1440-light")

    # A page that is loaded meanwhile says it too; one that looks no longer is not named.
    ada.reload()
    lesson.ready()
    expect(told).to_contain_text("grace is looking at this terminal")
    board.goto(f"{site.url}/classes/{teacher.code}/")
    expect(told).not_to_contain_text("grace")

    board.get_by_role("link", name="Look Ada").click()
    expect(told).to_contain_text("grace is looking at this terminal")
    leaving = ada.context.new_page()
    leaving.goto(f"{site.url}/join/")
    expect(leaving.locator(".class-list")).to_contain_text("can look at your terminals")
    leaving.get_by_role("button", name="Leave Looking").click()
    expect(board.locator("[data-look-note]")).to_contain_text("no longer", timeout=15_000)
    expect(told).not_to_contain_text("grace")


# Twelve seats in every state there is, written and not run: this is about how they look.
MANY = """
from datetime import timedelta
from django.utils import timezone
from classroom import classes
from classroom.models import Class, User
from courses.models import LessonVisit, TaskProgress
from sandbox.models import Sandbox
found = Class.objects.get(code='%s')
classes.allow(found, looking=True, sharing=False)
now = timezone.now()
at = {'course': 'containers-vs-vms', 'lesson': 'a-dockerfile-line-by-line'}
names = 'Aiko Bilal Carmen Dario Elif Farid Greta Hugo Ines Jonas Kira'.split()
states = ['ready'] * 6 + ['queued', 'queued', 'starting', 'failed', 'expiring', '']
for n, name in enumerate([*names, 'Maximiliane von und zu Hohenstein']):
    user = User.objects.create(username=f'many-{n}')
    classes.seat(found, user, name)
    LessonVisit.objects.create(learner=user, last_at=now - timedelta(minutes=7 * n), **at)
    if n %% 2:
        TaskProgress.objects.create(
            learner=user, task='build', state='failing', tries=3 * n, **at)
    if states[n]:
        Sandbox.objects.create(
            learner=user, state=states[n], spec={}, memory_bytes=0,
            expires_at=now + timedelta(minutes=40 - n), heartbeat_at=now + timedelta(hours=1),
            last_seen_at=now + timedelta(minutes=4 if n %% 3 else -9),
            error_message='A machine did not come up.' if states[n] == 'failed' else '', **at)
"""
CLEAN = (
    "from classroom.models import User; User.objects.filter(username__startswith='many-').delete()"
)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_fit_every_width(teacher: Teacher, site: Site, theme: str) -> None:
    page = teacher.open_class(f"Systems 2, Monday {theme}").page
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    worker = site.child(" worker ")
    # Its reaper would tidy up what is only drawn here.
    os.kill(worker, signal.SIGSTOP)
    try:
        site.manage("shell", "-v", "0", "-c", MANY % teacher.code)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900 if width > 400 else 740})
            for name, path in (
                ("class", f"/classes/{teacher.code}/"), ("classes", "/classes/"), ("join", "/join/"),
            ):  # fmt: skip
                page.goto(site.url + path)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
                take(page, f"{name}-{width}-{theme}")
    finally:
        site.manage("shell", "-v", "0", "-c", CLEAN)
        os.kill(worker, signal.SIGCONT)
        page.set_viewport_size({"width": 1440, "height": 900})
        page.emulate_media(color_scheme="light")
