"""A full-screen program that has drawn more than is kept of a terminal's output."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Site
from tests.e2e.terminal_page import TerminalPage, started_terminal
from tests.e2e.test_terminal_survival import kill_console

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def terminal(site: Site, browser: Browser) -> Iterator[TerminalPage]:
    with started_terminal(site, browser) as terminal:
        terminal.do(r"printf '%0150d\n' {1..60} >wide; echo made-$((40+2))", r"\nmade-42")
        yield terminal


@pytest.mark.parametrize("restarted", [False, True], ids=["reload", "console-killed"])
def test_it_keeps_its_screen_its_keys_and_its_mouse(
    terminal: TerminalPage, site: Site, restarted: bool
) -> None:
    """vim says once, when it begins, what it wants of the terminal."""
    page, places = terminal.fresh().page, []
    mouse = terminal.panel("box").locator(".xterm.enable-mouse-events")
    terminal.type("box", "clear; vim -u NONE -c 'set mouse=a' wide")
    terminal.see(r"\n0+12\n")
    page.keyboard.type(":for i in range(400) | redraw! | endfor | echo 'drawn'\n")
    terminal.see("drawn", seconds=60)
    if restarted:
        kill_console(site, terminal)
    page.on(
        "websocket", lambda made: made.on("framereceived", lambda sent: places.append(str(sent)))
    )
    page.reload()
    terminal.ready()
    terminal.see(r"\n0+12\n")
    assert [place for place in places if place.startswith('{"seq":')], "it has all of it"
    expect(mouse).to_be_attached()
    terminal.keyboard.focus()
    # Ctrl+V makes vim show what the next key sends; on a shell's screen the page would paste.
    page.keyboard.type("ggO")
    page.keyboard.press("Control+v")
    page.keyboard.press("ArrowUp")
    terminal.see(r"\^\[OA")
    page.keyboard.press("Escape")
    page.keyboard.type(":q!\n")
    terminal.see(r"^\S+\$\s*$")
    expect(mouse).to_have_count(0)
