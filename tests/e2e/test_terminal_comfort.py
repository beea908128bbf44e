"""Finding, moving between prompts, settings, and the way out of the terminal."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import CHROMIUM_FLAGS, Site, chromium_path
from tests.e2e.lesson_page import LessonPage
from tests.e2e.terminal_page import TerminalPage, started_terminal

pytestmark = pytest.mark.e2e
# The colour of the last piece of text that is `word`, and of what it stands on.
COLOURS = """(panel, word) => {
    const piece = [...panel.querySelectorAll(".xterm-rows span")].findLast((span) => span.textContent === word);
    const opaque = (element) => {
        const { backgroundColor } = getComputedStyle(element);
        return /^rgba.*, 0\\)/.test(backgroundColor) ? opaque(element.parentElement) : backgroundColor;
    };
    return [getComputedStyle(piece).color, opaque(piece)];
}"""
# What on the page takes time to change its looks.
MOVING = """[...document.querySelectorAll("*")].flatMap((element) => {
    const { transitionDuration, animationName, animationDuration } = getComputedStyle(element);
    const takes = [transitionDuration, animationName === "none" ? "" : animationDuration].join();
    return /[1-9]/.test(takes) ? [`${element.localName}.${element.className} ${takes}`] : [];
})"""


@pytest.fixture(scope="module")
def shared(site: Site, browser: Browser) -> Iterator[TerminalPage]:
    with started_terminal(site, browser) as terminal:
        yield terminal


@pytest.fixture
def terminal(shared: TerminalPage) -> TerminalPage:
    shared.page.evaluate("localStorage.clear()")
    return shared.fresh()


def settings_of(page: Page) -> None:
    if page.locator(".tools[open]").count() == 0:
        page.get_by_label("Terminal settings").click()


def test_failed_commands_are_marked_in_the_gutter(terminal: TerminalPage) -> None:
    terminal.do("true", r"true\n")
    terminal.do("(exit 7)", r"exit 7\)\n")
    marks = terminal.panel("box").locator(".gutter-mark")
    expect(marks.filter(has_text="×").last).to_have_attribute("title", "exit 7")
    expect(marks.filter(has_text="✓").last).to_have_attribute("title", "exit 0")


def test_the_last_command_and_how_it_ended_stand_below_the_terminal(
    terminal: TerminalPage,
) -> None:
    last = terminal.page.locator("[data-last-command]")
    terminal.do("echo '<b>one</b>'; (exit 7)", r"exit 7\)\n")
    expect(last).to_contain_text("$ echo '<b>one</b>'; (exit 7)")
    expect(last.locator(".bad")).to_have_text("× exit 7")
    terminal.do("true", r"true\n")
    expect(last).to_contain_text("$ true")
    expect(last.locator(".ok")).to_have_text("✓ exit 0")


def test_keys_jump_from_prompt_to_prompt_through_the_scrollback(terminal: TerminalPage) -> None:
    terminal.do("echo the-first; (exit 4)", r"\nthe-first")
    terminal.do("seq 300", r"\n300")
    assert "the-first" not in terminal.screen("box")
    here = terminal.panel("box").locator(".prompt-here")
    terminal.page.keyboard.press("Control+Shift+ArrowUp")
    expect(here).to_have_count(1)
    terminal.page.keyboard.press("Control+Shift+ArrowUp")
    terminal.see(r"\nthe-first")
    expect(terminal.page.locator("#announce")).to_contain_text("exit 4")
    terminal.page.keyboard.press("Control+Shift+ArrowDown")
    terminal.page.keyboard.press("Control+Shift+ArrowDown")
    terminal.see(r"\n300\n")
    terminal.page.keyboard.type("#")
    expect(here).to_have_count(0)


def test_what_scrolled_away_is_found(terminal: TerminalPage) -> None:
    terminal.do("echo needle-$((40+2)); seq 300", r"\n300")
    terminal.page.keyboard.press("Control+Shift+f")
    field = terminal.page.get_by_label("Find in the terminal")
    field.fill("needle-42")
    terminal.page.keyboard.press("Enter")
    terminal.see("\nneedle-42")
    terminal.page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    assert terminal.page.evaluate("document.activeElement.closest('.xterm') !== null")


def test_settings_are_kept_and_reach_the_terminal(terminal: TerminalPage) -> None:
    page = terminal.page
    columns = int(terminal.do("tput cols", r"\n(\d+)\n")[1])
    settings_of(page)
    for _ in range(4):
        page.get_by_role("button", name="Larger text").click()
    expect(page.locator("[data-size]")).to_have_text("18 px")
    page.get_by_role("switch", name="High contrast").click()
    page.keyboard.press("Escape")
    terminal.fresh()
    assert int(terminal.do("tput cols", r"\n(\d+)\n")[1]) < columns
    page.reload()
    terminal.ready()
    expect(page.locator("#machines")).to_have_attribute("data-contrast", "high")
    settings_of(page)
    expect(page.locator("[data-size]")).to_have_text("18 px")
    page.get_by_role("switch", name="High contrast").click()
    for _ in range(4):
        page.get_by_role("button", name="Smaller text").click()
    page.keyboard.press("Escape")


def test_screen_reader_mode_says_output(terminal: TerminalPage) -> None:
    page = terminal.page
    settings_of(page)
    switch = page.get_by_role("switch", name="Screen reader mode")
    switch.focus()
    page.keyboard.press("Space")
    expect(switch).to_have_attribute("aria-checked", "true")
    page.keyboard.press("Escape")
    terminal.do("echo spoken-$((40+2))", "spoken-42")
    tree = terminal.panel("box").locator(".xterm-accessibility")
    expect(tree).to_contain_text("spoken-42")
    settings_of(page)
    switch.click()
    expect(tree).to_have_count(0)
    page.keyboard.press("Escape")


def test_f6_leaves_the_terminal_and_comes_back(terminal: TerminalPage) -> None:
    inside = "document.activeElement.closest('.xterm') !== null"
    assert terminal.page.evaluate(inside)
    terminal.page.keyboard.press("F6")
    assert not terminal.page.evaluate(inside)
    terminal.page.keyboard.press("F6")
    assert terminal.page.evaluate(inside)


def test_what_is_typed_while_machines_start_is_for_the_terminal_not_the_page(
    page: Page, site: Site
) -> None:
    lesson = LessonPage(page, site.url, "playground", "shell").open()
    page.locator("[data-berth] [data-action=start]").click()
    page.keyboard.type("/?m")  # search, the list of keys, the course map
    lesson.ready()
    expect(page).to_have_url(lesson.address)
    expect(page.locator("dialog")).to_have_count(0)
    page.wait_for_function("document.activeElement.closest('.xterm') !== null")
    lesson.wait_for("box", r"\$")
    page.keyboard.type("echo first-$((40+2))\n")
    lesson.wait_for("box", r"\nfirst-42")


def contrast_of(terminal: TerminalPage, word: str) -> float:
    """How the last `word` on the screen stands out from its ground, as WCAG 2 counts."""
    colours = terminal.panel("box").evaluate(COLOURS, word)
    light, dark = sorted((luminance(each) for each in colours), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def blinks(terminal: TerminalPage) -> bool:
    cursor = terminal.panel("box").locator(".xterm-cursor")
    return bool(cursor.evaluate("cursor => getComputedStyle(cursor).animationName !== 'none'"))


def test_high_contrast_reaches_what_programs_colour(terminal: TerminalPage) -> None:
    page = terminal.page
    dark = r"printf '\e[38;5;236mdark\e[0m-\e[34mblue\e[0m\n'"
    terminal.do(dark, r"\ndark-blue")
    for word in ("dark", "blue"):
        assert contrast_of(terminal, word) >= 4.5
    assert contrast_of(terminal, "dark") < 7
    settings_of(page)
    switch = page.get_by_role("switch", name="High contrast")
    switch.click()
    for word in ("dark", "blue"):
        assert contrast_of(terminal, word) >= 7
    switch.click()
    page.keyboard.press("Escape")


def test_a_still_cursor_does_not_blink(terminal: TerminalPage) -> None:
    page = terminal.page
    assert blinks(terminal)
    settings_of(page)
    switch = page.get_by_role("switch", name="Still cursor")
    switch.click()
    page.keyboard.press("Escape")
    terminal.fresh()
    assert not blinks(terminal)
    settings_of(page)
    switch.click()
    page.keyboard.press("Escape")


def test_reduced_motion_and_more_contrast_hold_unless_the_learner_says_otherwise(
    site: Site, browser: Browser
) -> None:
    with started_terminal(site, browser, reduced_motion="reduce", contrast="more") as terminal:
        page = terminal.page
        expect(page.locator("[data-switch=still]")).to_have_attribute("aria-checked", "true")
        expect(page.locator("[data-switch=contrast]")).to_have_attribute("aria-checked", "true")
        terminal.do(r"printf '\e[38;5;236mdark\e[0m\n'", r"\ndark")
        assert contrast_of(terminal, "dark") >= 7
        assert not blinks(terminal)
        assert page.evaluate(MOVING) == []
        page.emulate_media(reduced_motion="no-preference")
        assert page.evaluate(MOVING) != []


def test_without_its_fast_renderer_the_terminal_draws_on(site: Site, browser: Browser) -> None:
    """WebGL (in software) draws; when its context is lost, rows of text take its place."""
    flags = [flag for flag in CHROMIUM_FLAGS if flag not in ("--disable-gpu", "--disable-3d-apis")]
    software = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    drawing = browser.browser_type.launch(executable_path=chromium_path(), args=[*flags, *software])
    try:
        with started_terminal(site, drawing, sees_text=False) as terminal:
            expect(terminal.panel("box").locator("canvas").first).to_be_attached()
            terminal.type("box", "echo drawn-$((40+2))")
            lost = terminal.panel("box").evaluate(
                """panel => [...panel.querySelectorAll("canvas")].filter((canvas) => {
                    const drawing = canvas.getContext("webgl2");
                    drawing?.getExtension("WEBGL_lose_context").loseContext();
                    return drawing !== null;
                }).length"""
            )
            assert lost == 1
            terminal.see(r"\ndrawn-42")
    finally:
        drawing.close()
