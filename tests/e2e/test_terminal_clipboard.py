"""Copy and paste in the terminal, with keys, mouse, on touch, and without a clipboard API."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e.conftest import Site
from tests.e2e.terminal_page import TerminalPage, started_terminal

pytestmark = pytest.mark.e2e
CLIPBOARD = ["clipboard-read", "clipboard-write"]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def shared(site: Site, browser: Browser) -> Iterator[TerminalPage]:
    with started_terminal(site, browser, permissions=CLIPBOARD) as terminal:
        yield terminal


@pytest.fixture
def terminal(shared: TerminalPage) -> TerminalPage:
    shared.page.evaluate("navigator.clipboard.writeText('nothing')")
    shared.page.evaluate("sessionStorage.clear(), localStorage.clear()")
    return shared.fresh()


def clipboard(terminal: TerminalPage) -> str:
    return str(terminal.page.evaluate("navigator.clipboard.readText()"))


def select_word(terminal: TerminalPage, word: str) -> None:
    row: Locator = (
        terminal.panel(terminal.machine).locator(".xterm-rows > div").filter(has_text=word)
    )
    box = row.last.bounding_box()
    assert box
    terminal.page.mouse.dblclick(box["x"] + 20, box["y"] + box["height"] / 2)


def test_what_the_mouse_selects_is_copied_with_either_key(terminal: TerminalPage) -> None:
    for keys, word in (("Control+Shift+c", "first-word"), ("Control+c", "second-word")):
        terminal.do(f"printf '%s-word\\n' {word.split('-')[0]}", rf"\n{word}")
        select_word(terminal, word)
        terminal.page.keyboard.press(keys)
        terminal.page.wait_for_function(
            "w => navigator.clipboard.readText().then(t => t === w)", arg=word
        )
    # Without a selection Ctrl+C is the machine's again.
    terminal.page.keyboard.type("sleep 60")
    terminal.page.keyboard.press("Enter")
    terminal.page.keyboard.press("Control+c")
    terminal.see(r"\^C")


def test_copy_on_select_is_off_until_it_is_set(terminal: TerminalPage) -> None:
    terminal.do("printf '%s-word\\n' chosen", r"\nchosen-word")
    select_word(terminal, "chosen-word")
    terminal.page.wait_for_timeout(200)
    assert clipboard(terminal) == "nothing"
    terminal.page.locator(".tools summary").click()
    switch = terminal.page.get_by_role("switch", name="Copy what is selected")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    terminal.page.keyboard.press("Escape")
    select_word(terminal, "chosen-word")
    terminal.page.wait_for_function(
        "() => navigator.clipboard.readText().then(t => t === 'chosen-word')"
    )


@pytest.mark.parametrize("keys", ["Control+v", "Control+Shift+v"])
def test_keys_paste_at_the_prompt(terminal: TerminalPage, keys: str) -> None:
    terminal.page.evaluate("navigator.clipboard.writeText('echo pasted-$((40+2))')")
    terminal.keyboard.focus()
    terminal.page.keyboard.press(keys)
    terminal.see(r"\$ echo pasted-\$\(\(40\+2\)\)")
    terminal.page.keyboard.press("Enter")
    terminal.see(r"\npasted-42")


def test_the_right_button_puts_the_selection_where_the_browsers_menu_copies(
    terminal: TerminalPage,
) -> None:
    terminal.do("printf '%s-word\\n' menu", r"\nmenu-word")
    select_word(terminal, "menu-word")
    row = terminal.panel("box").locator(".xterm-rows > div").filter(has_text="menu-word").last
    box = row.bounding_box()
    assert box
    point = {"x": box["x"] + 20, "y": box["y"] + box["height"] / 2}
    terminal.page.mouse.click(point["x"], point["y"], button="right")
    under = terminal.page.evaluate(
        "({x, y}) => { const e = document.elementFromPoint(x, y); return [e.localName, e.value]; }",
        point,
    )
    assert under == ["textarea", "menu-word"]
    assert terminal.page.evaluate("document.execCommand('copy')")
    assert clipboard(terminal) == "menu-word"


def test_the_right_button_puts_a_field_where_the_browsers_menu_pastes(
    terminal: TerminalPage,
) -> None:
    page = terminal.page
    page.evaluate("navigator.clipboard.writeText('echo by-menu-$((40+2))')")
    # Nobody is at the keyboard, and the pointer is nowhere near the prompt.
    page.get_by_label("Terminal settings").focus()
    box = terminal.panel("box").locator(".xterm-screen").bounding_box()
    assert box
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    page.mouse.click(point["x"], point["y"], button="right")
    under = page.evaluate(
        """({x, y}) => { const field = document.elementFromPoint(x, y);
            return [field.localName, field === document.activeElement, field.readOnly, field.disabled]; }""",
        point,
    )
    assert under == ["textarea", True, False, False]
    # What the menu's entry does: the browser's own command, on what has the focus.
    devtools = page.context.new_cdp_session(page)
    devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "commands": ["paste"]})
    terminal.see(r"\$ echo by-menu-\$\(\(40\+2\)\)")
    terminal.keyboard.focus()
    page.keyboard.press("Enter")
    terminal.see(r"\nby-menu-42")


def test_the_middle_button_pastes_what_was_selected_last(terminal: TerminalPage) -> None:
    terminal.do("printf '%s-word\\n' middle", r"\nmiddle-word")
    select_word(terminal, "middle-word")
    box = terminal.panel("box").locator(".xterm-screen").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    terminal.page.mouse.click(x, y, button="middle")
    terminal.see(r"\$ middle-word\s*$")


def test_several_lines_are_shown_and_asked_about_first(terminal: TerminalPage) -> None:
    dialog = terminal.page.locator("dialog.ask")
    terminal.paste("echo one-$((1+1))\necho two-$((1+1))\n")
    expect(dialog).to_contain_text("Paste 2 lines into box?")
    expect(dialog.locator("pre")).to_have_text("echo one-$((1+1))\necho two-$((1+1))")
    terminal.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert "one-" not in terminal.screen("box")

    terminal.paste("echo one-$((1+1))\necho two-$((1+1))\n")
    dialog.get_by_label("Don't ask again in this tab").check()
    dialog.get_by_role("button", name="Paste into box").click()
    # The shell takes a bracketed paste as one: nothing has run before Enter.
    terminal.see(r"echo two-\$\(\(1\+1\)\)")
    assert "two-2" not in terminal.screen("box")
    terminal.page.keyboard.press("Enter")
    terminal.see(r"\ntwo-2")
    terminal.paste("echo three\necho four")
    terminal.see(r"echo four")
    expect(dialog).to_have_count(0)


def test_a_line_that_would_run_at_once_is_asked_about(terminal: TerminalPage) -> None:
    # While a command runs, the shell takes no bracketed paste.
    terminal.do("printf 'list%s\\n' ening; cat", r"\nlistening")
    terminal.paste("only-a-line\n")
    expect(terminal.page.locator("dialog.ask")).to_contain_text("Each line runs as soon as it")
    terminal.page.keyboard.press("Escape")


def test_escape_sequences_in_a_paste_are_dropped(terminal: TerminalPage) -> None:
    terminal.page.evaluate("sessionStorage.setItem('slipway.told.paste-lines', 'yes')")
    terminal.paste("echo a\x1b[201~\recho b\x1b]0;t\x07\x9d52;c;eA==\x9c\x03 c")
    terminal.see(r"echo b.*c")
    # Nothing ended the bracketed paste early: both lines still wait for Enter.
    assert "\na" not in terminal.screen("box")
    terminal.page.keyboard.press("Enter")
    terminal.see(r"\na\nb")


def test_touch_pastes_what_is_on_the_clipboard(site: Site, browser: Browser) -> None:
    with started_terminal(site, browser, permissions=CLIPBOARD, **PHONE) as terminal:
        page = terminal.page
        page.evaluate("navigator.clipboard.writeText('echo by-touch-$((40+2))')")
        page.locator("[data-key=paste]").tap()
        terminal.see(r"\$ echo by-touch-\$\(\(40\+2\)\)")
        expect(page.locator("dialog.ask")).to_have_count(0)
        page.locator("[data-key=enter]").tap()
        terminal.see(r"\nby-touch-42")


def test_without_a_clipboard_api_text_is_pasted_through_a_field(
    site: Site, browser: Browser
) -> None:
    url = f"http://classroom.test:{site.port}"
    with started_terminal(site, browser, url=url, **PHONE) as terminal:
        page = terminal.page
        assert page.evaluate("navigator.clipboard === undefined")
        page.locator("[data-key=paste]").tap()
        page.get_by_label("Text to paste").fill("echo by-$((40+2))")
        page.get_by_role("button", name="Paste into box").tap()
        terminal.see(r"echo by-\$\(\(40\+2\)\)")
        page.locator("[data-key=enter]").tap()
        terminal.see(r"\nby-42")
        page.locator("[data-key=copy]").tap()
        output = page.get_by_label("Output of box")
        assert "by-42" in output.input_value()
        page.locator("dialog.ask button[value=yes]").tap()
        expect(page.locator("dialog.ask")).to_have_count(0)
        keys_of_a_phone(terminal)


def keys_of_a_phone(terminal: TerminalPage) -> None:
    """The row under the terminal: every key, and Ctrl that holds for the next one."""
    page = terminal.page
    terminal.keyboard.focus()
    page.keyboard.type("cat -v")
    page.locator("[data-key=enter]").tap()
    for key in ("esc", "|", "/", "~", "-", "left", "up", "right", "down", "enter"):
        page.locator(f"[data-key='{key}']").tap()
    terminal.see(r"\^\[\|/~-\^\[\[D\^\[\[A\^\[\[C\^\[\[B")
    control = page.locator("[data-key=ctrl]")
    control.tap()
    expect(control).to_have_attribute("aria-pressed", "true")
    page.keyboard.type("c")
    terminal.see(r"\^C")
    expect(control).to_have_attribute("aria-pressed", "false")
    page.keyboard.type("ech")
    page.locator("[data-key=tab]").tap()
    terminal.see(r"\$ echo")
    assert page.evaluate("document.activeElement.closest('.xterm') !== null"), "the focus stays"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
