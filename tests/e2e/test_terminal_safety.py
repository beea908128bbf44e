"""What a machine prints can't type into the shell, open pages, reach the clipboard or the page."""

import base64
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Site
from tests.e2e.terminal_page import TerminalPage, started_terminal

pytestmark = pytest.mark.e2e
# Every question to a terminal that "XTerm Control Sequences" knows, as printf writes it.
QUESTIONS = {
    "primary device attributes": r"\e[c",
    "secondary device attributes": r"\e[>c",
    "tertiary device attributes": r"\e[=c",
    "status": r"\e[5n",
    "cursor position": r"\e[6n",
    "extended cursor position": r"\e[?6n",
    "mode": r"\e[?2004$p",
    "setting": r"\eP$qm\e\\",
    "setting that is none": r"\eP$q;id\n\e\\",
    "capability": r"\eP+q544e\e\\",
    "foreground": r"\e]10;?\a",
    "background": r"\e]11;?\a",
    "cursor colour": r"\e]12;?\a",
    "palette": r"\e]4;1;?\a",
    "version": r"\e[>q",
    "keyboard": r"\e[?u",
    "title": r"\e]2;; id;\a\e[21t",
    "icon title": r"\e]1;; id;\a\e[20t",
    "size in cells": r"\e[18t",
    "size in pixels": r"\e[14t",
    "place": r"\e[13t",
    "clipboard": r"\e]52;c;?\a",
    "checksum": r"\e[1;1;1;1;1;1*y",
    "terminal parameters": r"\e[x",
    "answerback": r"\005",
}
ASK = " stty raw -echo; printf '{}'; timeout {} cat | cat -v; stty sane; echo END"


@pytest.fixture(scope="module")
def shared(site: Site, browser: Browser) -> Iterator[TerminalPage]:
    permissions = ["clipboard-read", "clipboard-write"]
    with started_terminal(site, browser, permissions=permissions) as terminal:
        yield terminal


@pytest.fixture
def terminal(shared: TerminalPage) -> TerminalPage:
    shared.page.evaluate("localStorage.clear()")
    return shared.fresh()


def point_at(terminal: TerminalPage, text: str) -> tuple[float, float]:
    """Move the mouse onto the last row that holds `text`; answers where that is."""
    row = terminal.panel("box").locator(".xterm-rows > div").filter(has_text=text).last
    box = row.bounding_box()
    assert box
    x, y = box["x"] + 20, box["y"] + box["height"] / 2
    pointer = terminal.panel("box").locator(".xterm-cursor-pointer")
    # As a hand comes: xterm.js looks for links only when the mouse has come to another cell.
    terminal.page.mouse.move(x + 200, y + 2 * box["height"])
    for step in range(8):
        terminal.page.mouse.move(x + 5 * (step % 2), y)
        terminal.page.wait_for_timeout(150)
        if pointer.count():
            break
    return x, y


def test_no_answer_to_a_question_holds_what_a_program_chose_or_a_line_end(
    terminal: TerminalPage,
) -> None:
    terminal.do(ASK.format("".join(QUESTIONS.values()), 2), r"\n *END\n")
    answers = terminal.screen("box").partition("END")[2].partition("END")[0]
    for known in ("^[[?1;2c", "^[[0n", "^[P1$r0m", "^[]10;rgb:"):
        assert known in answers
    assert "id" not in answers
    assert "^M" not in answers
    assert "^J" not in answers


def test_a_program_that_asks_for_the_cursor_gets_one_answer_and_none_when_it_is_replayed(
    terminal: TerminalPage,
) -> None:
    terminal.do(ASK.format(r"\e[6n", 0.7), r"\n\^\[\[\d+;\d+R[^R]*\n *END")
    terminal.page.reload()
    terminal.ready()
    terminal.see(r"END")
    terminal.page.wait_for_timeout(700)
    # A late answer would stand at the prompt.
    terminal.see(r"\$\s*$")
    terminal.do("echo still-$((40+2))", r"\nstill-42")


def test_what_a_reload_replays_is_there_once(terminal: TerminalPage) -> None:
    terminal.do("for i in 1 2 3; do echo once-$((i*7)); done", r"once-21")
    for _ in range(2):
        terminal.page.reload()
        terminal.ready()
        terminal.see(r"\nonce-21")
    assert terminal.screen("box").count("\nonce-14") == 1


def test_a_link_is_followed_only_after_its_whole_address_was_shown(
    terminal: TerminalPage,
) -> None:
    page = terminal.page
    address = "http://localhost:1/a?really=another"
    terminal.do(rf"printf '\e]8;;{address}\e\\harmless.example\e]8;;\e\\\n'", r"\nharmless")
    x, y = point_at(terminal, "harmless.example")
    expect(terminal.panel("box").locator(".xterm-cursor-pointer")).to_have_count(1)
    page.mouse.click(x, y)
    dialog = page.locator("dialog.ask")
    expect(dialog).to_contain_text("Open this address?")
    expect(dialog.locator("pre")).to_have_text(address)
    dialog.get_by_role("button", name="Stay here").click()
    assert len(page.context.pages) == 1


@pytest.mark.parametrize("marked", [True, False], ids=["marked by OSC 8", "plain"])
def test_an_address_opens_in_a_tab_that_knows_nothing_of_this_one(
    terminal: TerminalPage, site: Site, marked: bool
) -> None:
    page = terminal.page
    address = f"{site.url}/search/?q=a&really=another#there"
    text = rf"\e]8;;{address}\e\\a-%s\e]8;;\e\\\n" if marked else rf"{address}. So much for a-%s\n"
    terminal.do(f"printf '{text}' link", r"\n.*a-link")
    x, y = point_at(terminal, "a-link")
    expect(terminal.panel("box").locator(".xterm-cursor-pointer")).to_have_count(1)
    page.mouse.click(x, y)
    dialog = page.locator("dialog.ask")
    expect(dialog.locator("pre")).to_have_text(address)
    with page.context.expect_page() as opened:
        dialog.get_by_role("button", name="Open in a new tab").click()
    other = opened.value
    other.wait_for_load_state()
    assert other.url == address
    assert other.evaluate("[opener, document.referrer]") == [None, ""]
    other.close()


def test_what_is_printed_over_a_link_is_not_followed_as_that_link(
    terminal: TerminalPage,
) -> None:
    page = terminal.page
    terminal.do(r"printf '\e]8;;http://localhost:1/\e\\here-was\e]8;;\e\\\n'", r"\nhere-was")
    point_at(terminal, "here-was")
    expect(terminal.panel("box").locator(".xterm-cursor-pointer")).to_have_count(1)
    page.get_by_role("tab", name="box", exact=True).hover()
    page.keyboard.press("Control+l")
    terminal.see(r"^\S+\$\s*$")
    terminal.do("printf '%s-text\\n' now", r"\nnow-text")
    x, y = point_at(terminal, "now-text")
    page.mouse.click(x, y)
    page.wait_for_timeout(200)
    expect(page.locator("dialog.ask")).to_have_count(0)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x"]
)
def test_a_link_that_is_no_web_address_is_none(terminal: TerminalPage, address: str) -> None:
    terminal.do(rf"printf '\e]8;;{address}\e\\press-me\e]8;;\e\\\n'", r"\npress-me")
    x, y = point_at(terminal, "press-me")
    terminal.page.mouse.click(x, y)
    terminal.page.wait_for_timeout(200)
    expect(terminal.page.locator("dialog.ask")).to_have_count(0)
    assert len(terminal.page.context.pages) == 1


def test_a_program_reaches_the_clipboard_only_where_the_learner_lets_it(
    terminal: TerminalPage,
) -> None:
    page = terminal.page
    page.evaluate("navigator.clipboard.writeText('mine')")
    read = "navigator.clipboard.readText()"
    said = base64.b64encode(b"from a program").decode()
    terminal.do(rf"printf '\e]52;c;{said}\a'; echo asked-$((40+2))", "asked-42")
    line = page.locator("[data-lines]")
    expect(line).to_contain_text("A program on box wants to put text on your clipboard.")
    assert page.evaluate(read) == "mine"
    line.get_by_role("button", name="Show it").click()
    expect(page.locator("dialog.ask pre")).to_have_text("from a program")
    page.locator("dialog.ask button[value=no]").click()
    assert page.evaluate(read) == "mine"

    page.locator(".tools summary").click()
    page.get_by_role("switch", name="Programs may copy").click()
    page.keyboard.press("Escape")
    terminal.do(rf"printf '\e]52;c;{said}\a'; echo allowed-$((40+2))", "allowed-42")
    expect(line).to_contain_text("put 14 characters on your clipboard")
    assert page.evaluate(read) == "from a program"
    line.get_by_role("button", name="Got it").click()
    page.get_by_label("Terminal settings").click()
    page.get_by_role("switch", name="Programs may copy").click()
    page.keyboard.press("Escape")


def test_markup_in_output_command_and_title_stays_text(terminal: TerminalPage) -> None:
    page = terminal.page
    evil = "<img src=x onerror=document.title=1337>"
    terminal.do(rf"echo '{evil}'; printf '\e]2;{evil}\a'; (exit 3)", "onerror")
    terminal.page.locator("[aria-label='Terminal settings']").click()
    page.get_by_role("switch", name="Screen reader mode").click()
    terminal.do(f"echo '{evil}'", "onerror")
    page.wait_for_timeout(300)
    assert page.locator("img[src=x]").count() == 0
    assert page.title() != "1337"
    page.get_by_role("switch", name="Screen reader mode").click()
    page.keyboard.press("Escape")
