"""A lesson with each directive once, in the browser, on real machines.

The course lies beside this file, in `courses/`; it has a site of its own.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import stop_machines
from tests.e2e.editor_panel import PATIENCE_MS, EditorPanel
from tests.e2e.lesson_page import LessonPage
from tests.running_site import ROOT, Site, running_site

pytestmark = pytest.mark.e2e
COURSE = "every-directive"


@pytest.fixture(scope="module")
def course_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = ROOT / "tests/e2e/courses"
    with running_site(tmp_path_factory.mktemp("site"), COURSES_PATH=str(folder)) as running:
        yield running


@pytest.fixture(scope="module")
def context(browser: Browser, course_site: Site) -> Iterator[BrowserContext]:
    """One learner for all of it: the lesson's machines are started once."""
    made = browser.new_context(viewport={"width": 1440, "height": 900})
    made.set_default_timeout(30_000)
    yield made
    stop_machines(course_site, made)
    made.close()


@pytest.fixture(scope="module")
def lesson(context: BrowserContext, course_site: Site) -> LessonPage:
    page = context.new_page()
    return LessonPage(page, course_site.url, COURSE, "all").open().start()


@pytest.fixture
def page(lesson: LessonPage) -> Page:
    return lesson.page


def test_set_up_files_and_run(lesson: LessonPage) -> None:
    lesson.page.get_by_role("tab", name="box", exact=True).click()
    lesson.wait_for("box", r"learner@box:~\$")
    lesson.click_run("cat ready.txt set-up.txt")
    lesson.wait_for("box", r"carried\s+done")


def test_run_on_another_machine(lesson: LessonPage, page: Page) -> None:
    lesson.click_run("echo on-$HOSTNAME")
    lesson.wait_for("other", r"\non-other")
    block = page.locator(".cmd").filter(has_text="echo on-$HOSTNAME")
    expect(block.locator("[data-action=copy]")).to_have_count(1)


def test_copy(page: Page, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    block = page.locator(".cmd").filter(has_text="echo only copied")
    expect(block.locator("[data-action=run]")).to_have_count(0)
    block.locator("[data-action=copy]").click()
    expect(block.locator(".cmd-note")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "echo only copied"


def test_file_and_preview(lesson: LessonPage, page: Page) -> None:
    page.get_by_role("tab", name="box", exact=True).click()
    lesson.write_file("index.html")
    lesson.click_run("python3 -m http.server")
    page.get_by_role("tab", name="The page").click()
    frame = page.frame_locator(".panel-preview iframe")
    again = page.locator(".panel-preview:visible").get_by_role("button", name="Load again")
    for _ in range(10):
        if frame.get_by_text("Served from the box").is_visible():
            break
        page.wait_for_timeout(500)
        again.click()
    expect(frame.get_by_role("heading", name="Served from the box")).to_be_visible()


def test_a_file_of_the_text_opens_in_the_editor(lesson: LessonPage, page: Page) -> None:
    page.get_by_role("button", name="Open in the editor").click()
    editor = EditorPanel(page)
    shown = editor.panel.locator(".file-tab[aria-selected=true]")
    expect(shown).to_contain_text("index.html", timeout=PATIENCE_MS)
    expect(editor.text).to_contain_text("Served from the box")
    page.get_by_role("tab", name="box", exact=True).click()


def test_output_is_not_to_be_clicked(page: Page) -> None:
    sample = page.locator("figure.sample")
    expect(sample).to_contain_text("sample of output")
    expect(sample.locator("button")).to_have_count(0)


def test_predictions(page: Page) -> None:
    count = page.locator("[data-prediction=count]")
    count.locator("input").fill("3.5")
    count.get_by_role("button", name="Keep my guess").click()
    expect(count.locator("[data-outcome]")).to_contain_text("turned out")
    fate = page.locator("[data-prediction=fate]")
    fate.get_by_text("The first").click()
    fate.get_by_role("button", name="Keep my guess").click()
    expect(fate.locator("[data-kept-note]")).to_be_visible()
    expect(fate.locator("[data-outcome]")).to_be_hidden()
    reveal = page.locator("[data-reveal=fate]")
    expect(reveal).to_contain_text("The first")
    expect(reveal).to_contain_text("at the reveal")


def test_quiz(page: Page) -> None:
    assert "Not the left" not in page.content()
    quiz = page.locator("[data-quiz=one]")
    quiz.get_by_text("The left").click()
    quiz.get_by_role("button", name="Answer", exact=True).click()
    expect(quiz).to_contain_text("Not the left")
    expect(quiz).to_contain_text("The right one")
    several = page.locator("[data-quiz=several]")
    expect(several.get_by_role("checkbox")).to_have_count(3)
    several.get_by_text("The first half").click()
    several.get_by_role("button", name="Answer", exact=True).click()
    expect(several).to_contain_text("Also right.")
    several.get_by_role("button", name="Answer again").click()
    several.get_by_text("The first half").click()
    several.get_by_text("The other half").click()
    several.get_by_role("button", name="Answer", exact=True).click()
    expect(several.locator(".is-right")).to_have_count(2)


def test_tasks_one_after_the_other_and_then_a_certificate(lesson: LessonPage, page: Page) -> None:
    make, follow = lesson.task("make"), lesson.task("follow")
    follow.get_by_role("button", name="Check now").click()
    expect(follow).to_contain_text("First pass task 1")
    make.get_by_role("button", name="Check now").click()
    expect(make).to_contain_text("There is no ~/made yet", timeout=20_000)
    make.get_by_role("button", name="Show hint 1 of 2").click()
    expect(make.locator(".hint")).to_have_count(1)
    page.get_by_role("tab", name="box", exact=True).click()
    lesson.type("box", "touch ~/made")
    expect(make).to_have_class(re.compile("is-passed"), timeout=20_000)
    page.get_by_role("tab", name="other", exact=True).click()
    lesson.type("other", "cp ~/word ~/copied")
    expect(follow).to_have_class(re.compile("is-passed"), timeout=20_000)
    certificate_proves_it(lesson)


def test_panels_show_the_machines_that_run(page: Page) -> None:
    expect(page.locator("[data-measure]")).to_contain_text("box", timeout=30_000)
    expect(page.locator("[data-diagram]")).to_contain_text("box", timeout=30_000)


def test_on_paper_there_is_the_text_and_nothing_to_press(page: Page) -> None:
    page.emulate_media(media="print")
    try:
        expect(page.locator("#machines")).to_be_hidden()
        expect(page.locator(".bar-end")).to_be_hidden()
        expect(page.locator(".text .btn:visible")).to_have_count(0)
        expect(page.get_by_text("cat ready.txt set-up.txt", exact=True)).to_be_visible()
        whole = page.evaluate("document.documentElement.scrollHeight > innerHeight")
    finally:
        page.emulate_media(media="screen")
    assert whole, "the text is cut at the window"


def test_call_outs_and_pictures(page: Page) -> None:
    hint = page.locator("details.callout-hint")
    hint.locator("summary").click()
    expect(hint).to_contain_text("Below the waterline.")
    expect(page.locator(".callout-note")).to_contain_text("Note")
    expect(page.locator(".callout-warning")).to_contain_text("Mind the gap")
    picture = page.locator("figure.picture img.on-light")
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 120


def test_a_word_of_the_glossary_opens_its_card_by_pointer_and_by_key(page: Page) -> None:
    word, card = page.locator("a[data-gloss=keel]"), page.locator("#term-keel")
    # Also while a terminal has the keys, which does not get this one.
    page.locator(".xterm-helper-textarea").first.evaluate("field => field.focus()")
    word.hover()
    expect(card).to_be_visible()
    card.hover()
    page.wait_for_timeout(400)
    expect(card).to_be_visible()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    page.locator("h1").hover()
    word.focus()
    expect(card).to_be_visible()
    expect(word).to_have_attribute("aria-describedby", "term-keel")
    page.keyboard.press("Tab")
    expect(card).to_be_hidden()


def test_keys_of_the_page(lesson: LessonPage, page: Page) -> None:
    page.locator("h1").click()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog")
    expect(keys).to_contain_text("Next lesson: Layout terminal")
    keys.get_by_label("Single keys work on this site").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="All of them")).to_be_visible()
    page.get_by_role("button", name="Keys on this page").click()
    keys.get_by_label("Single keys work on this site").check()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("heading", name="Search the lessons")).to_be_visible()
    lesson.open().ready()


@pytest.mark.parametrize(("slug", "layout"), [("all", "split"), ("terminal", "terminal")])
def test_layouts(context: BrowserContext, course_site: Site, slug: str, layout: str) -> None:
    page = context.new_page()
    page.goto(f"{course_site.url}/courses/{COURSE}/{slug}/")
    expect(page.locator("main.lesson")).to_have_attribute("data-layout", layout)
    text, window = page.locator("#lesson-text").bounding_box(), page.viewport_size
    assert text
    assert window
    share = text["width"] / window["width"]
    assert (0.38 < share < 0.46) if layout == "split" else (0.28 < share < 0.36)
    page.close()


def test_layout_text_is_only_text(context: BrowserContext, course_site: Site) -> None:
    page = context.new_page()
    page.goto(f"{course_site.url}/courses/{COURSE}/text/")
    expect(page.locator("main.lesson")).to_have_attribute("data-layout", "text")
    expect(page.get_by_text("Only the layout.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Start"))).to_have_count(0)
    page.close()


def test_scripts_speak_german_to_readers_of_german(browser: Browser, course_site: Site) -> None:
    reader = browser.new_context(locale="de-DE")
    page = reader.new_page()
    page.goto(f"{course_site.url}/courses/{COURSE}/all/")
    block = page.locator(".cmd").filter(has_text="cat ready.txt set-up.txt")
    block.locator("[data-action=run]").click()
    expect(block.locator(".cmd-note")).to_have_text("Es läuft keine Maschine. Zu „Starten“")
    guess = page.locator("[data-prediction=count]")
    guess.locator("input").fill("drei")
    guess.get_by_role("button", name="Meinen Tipp festhalten").click()
    expect(guess).to_contain_text("Schreib eine Zahl in s, zum Beispiel 2,5.")
    reader.close()


def certificate_proves_it(lesson: LessonPage) -> None:
    page = lesson.page.context.new_page()
    page.goto(lesson.address.removesuffix("all/"))
    page.get_by_role("link", name="Your certificate").click()
    page.get_by_label("Name on the certificate").fill("Mara Å.")
    page.get_by_role("button", name="Make the certificate").click()
    expect(page.get_by_role("heading", name="Mara Å.")).to_be_visible()
    address = page.url
    page.close()
    browser = lesson.page.context.browser
    assert browser
    stranger = browser.new_context()
    answer = (seen := stranger.new_page()).goto(address)
    assert answer
    assert answer.status == 200
    expect(seen.get_by_text("Every directive")).to_be_visible()
    stranger.close()
