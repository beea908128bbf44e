"""The terminal in Firefox: typing, copy and paste, and the same shell after a reload."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Site, stop_session
from tests.e2e.firefox import RIGHT, Firefox, running_firefox

pytestmark = pytest.mark.e2e
SCREEN = """[...document.querySelectorAll("#panel-box .xterm-rows > div")]
    .map((row) => row.innerText.replaceAll("\\u00a0", " ").trimEnd()).join("\\n")"""
# A place on the last row that holds a text.
PLACE = """(() => {{ const row = [...document.querySelectorAll("#panel-box .xterm-rows > div")]
    .findLast((each) => each.innerText.includes("{}")); const box = row?.getBoundingClientRect();
    return box && [box.x + 20, box.y + box.height / 2]; }})()"""
# The middle of the screen, where nothing is written.
MIDDLE = """(() => { const box = document.querySelector("#panel-box .xterm-screen").getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2]; })()"""
# What the menu's Paste makes there, as Firefox lets a page make it.
PASTE = """{}.dispatchEvent(new ClipboardEvent("paste",
    {{dataType: "text/plain", data: {}, bubbles: true, cancelable: true}}))"""
CLIPBOARD = "navigator.clipboard.readText()"


class FirefoxTerminal:
    """The playground's shell in it."""

    def __init__(self, firefox: Firefox) -> None:
        self.firefox = firefox

    def start(self, url: str) -> None:
        self.firefox.open(f"{url}/courses/playground/shell/")
        self.firefox.wait("document.documentElement.dataset.lesson === 'started'")
        self.firefox.click_on("[data-berth] [data-action=start]")
        self.see(r"\$\s*$", 60)

    def see(self, pattern: str, seconds: float = 20) -> re.Match[str]:
        """Wait until the screen matches; the error shows the screen."""
        end = time.monotonic() + seconds
        while True:
            text = str(self.firefox.run(SCREEN))
            if found := re.search(pattern, text):
                return found
            assert time.monotonic() < end, f"{pattern!r} is not on the screen:\n{text}"
            time.sleep(0.1)

    def do(self, line: str, pattern: str) -> re.Match[str]:
        self.firefox.type(line)
        self.firefox.press("Enter")
        return self.see(pattern)

    def select(self, word: str) -> tuple[float, float]:
        """Double-click the last `word` on the screen; where that is."""
        x, y = self.firefox.wait(PLACE.format(word))
        self.firefox.click(x, y, times=2)
        return x, y


@pytest.fixture(scope="module")
def terminal(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirefoxTerminal]:
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("not run: no Firefox on this machine (on Debian: apt-get install firefox-esr)")
    with running_firefox(program, tmp_path_factory.mktemp("firefox")) as firefox:
        firefox.resize(1440, 900)
        shown = FirefoxTerminal(firefox)
        shown.start(site.url)
        yield shown
        if key := firefox.cookie("sessionid"):
            stop_session(site, key)
        assert firefox.faults == []


def test_the_keyboard_is_in_the_terminal_as_soon_as_it_is_there(
    terminal: FirefoxTerminal,
) -> None:
    terminal.do("echo typed-$((40+2))", r"\ntyped-42")


@pytest.mark.parametrize("keys", ["Control+c", "Control+Shift+c"])
def test_what_is_selected_is_copied_and_pasted_with_keys(
    terminal: FirefoxTerminal, keys: str
) -> None:
    word = "with" + keys.replace("+", "")
    terminal.do(f"printf '%s%s\\n' with {word.removeprefix('with')}", rf"\n{word}\n")
    terminal.select(word)
    terminal.firefox.press(keys)
    terminal.firefox.wait(f"{CLIPBOARD}.then((text) => text === '{word}')")
    terminal.firefox.type("echo again-")
    terminal.firefox.press("Control+v" if keys == "Control+c" else "Control+Shift+v")
    terminal.see(rf"echo again-{word}\s*$")
    terminal.firefox.press("Enter")
    terminal.see(rf"\nagain-{word}\n")


def test_the_browsers_own_menu_finds_the_selection_and_a_place_to_paste(
    terminal: FirefoxTerminal,
) -> None:
    firefox = terminal.firefox
    terminal.do("printf '%s%s\\n' by menu", r"\nbymenu\n")
    x, y = terminal.select("bymenu")
    firefox.click(x, y, button=RIGHT)
    # What lies under the pointer is what the menu works on.
    under = f"document.elementFromPoint({x}, {y})"
    assert firefox.run(f"[{under}.localName, {under}.value]") == ["textarea", "bymenu"]
    assert firefox.run("document.execCommand('copy')", as_learner=True)
    firefox.wait(f"{CLIPBOARD}.then((text) => text === 'bymenu')")
    firefox.click(x + 200, y)  # away from the menu, which closes it

    firefox.run("document.activeElement.blur()")
    x, y = firefox.run(MIDDLE)
    firefox.click(x, y, button=RIGHT)
    field = f"document.elementFromPoint({x}, {y})"
    assert firefox.run(f"[{field}.localName, {field} === document.activeElement]") == [
        "textarea",
        True,
    ]
    assert firefox.run(f"[{field}.readOnly, {field}.disabled]") == [False, False]
    firefox.run(PASTE.format(field, json.dumps("echo go-$((40+3))")))
    terminal.see(r"\$ echo go-\$\(\(40\+3\)\)")
    firefox.click(x + 200, y)
    firefox.press("Enter")
    terminal.see(r"\ngo-43")


def test_escape_sequences_in_a_paste_are_dropped(terminal: FirefoxTerminal) -> None:
    firefox = terminal.firefox
    text = "echo a\x1b[201~-\x1b]0;t\x07b\x9d52;c;eA==\x9c\x03-$((40+5))"
    firefox.run(f"navigator.clipboard.writeText({json.dumps(text)})", as_learner=True)
    firefox.press("Control+v")
    terminal.see(r"\$ echo a-b52;c;eA==-\$\(\(40\+5\)\)\s*$")
    firefox.press("Control+u")


def test_several_lines_are_asked_about_before_they_are_pasted(terminal: FirefoxTerminal) -> None:
    firefox = terminal.firefox
    firefox.run("navigator.clipboard.writeText('echo a1\\necho b2')", as_learner=True)
    firefox.press("Control+v")
    firefox.wait("document.querySelector('dialog.ask')?.innerText.includes('Paste 2 lines')")
    firefox.click_on("dialog.ask button[value=no]")
    firefox.wait("document.querySelector('dialog.ask') === null")
    terminal.do("echo none-$((40+4))", r"\nnone-44")


def test_a_reload_keeps_the_shell_and_shows_its_output_once(terminal: FirefoxTerminal) -> None:
    before = terminal.do("echo pid-$$-", r"\npid-(\d+)-")[1]
    terminal.firefox.reload()
    terminal.see(rf"\npid-{before}-\n.*\$\s*$")
    assert len(re.findall(rf"\npid-{before}-", str(terminal.firefox.run(SCREEN)))) == 1
    terminal.firefox.click_on("#panel-box .xterm-screen")
    terminal.do("echo again-$$-", rf"\nagain-{before}-")
    picture = Path("test-results/images")
    picture.mkdir(parents=True, exist_ok=True)
    terminal.firefox.picture(picture / "terminal-firefox.png")
