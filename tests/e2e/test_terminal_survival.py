"""The terminal through reloads, a killed console, a silent network and several windows."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import CHROMIUM_FLAGS, Site, chromium_path
from tests.e2e.forwarder import forwarder
from tests.e2e.terminal_page import TerminalPage, started_terminal

pytestmark = pytest.mark.e2e
# Longer than the site waits for an answer to its pings, and than the page takes for a nap.
BACK_SECONDS = 30
ASLEEP_SECONDS = 22
AWAY_SECONDS = 16
# What shows each program in more than one colour or weight, how it is left, what stands there.
PROGRAMS = {
    "vim": ("vim -u NONE -c 'set number' text", ":q!\n", r"line 1\n(.*\n)*.*line 12\n"),
    "less": ("less -N text", "q", r"line 1\n(.*\n)*.*line 12\n"),
    "nano": ("nano text", "Control+x", r"GNU nano(.*\n)*line 12\n"),
    "htop": ("htop", "q", r"Tasks:(.*\n)*.*F1Help"),
}
# Of htop: what stays as it is, and what does but for its numbers.
HTOP_STAYS = re.compile(r"PID\b.*USER|F1Help")
HTOP_TOLD = re.compile(r"(Tasks|Load average|Uptime): .*")
# Each row: its text, and its pieces that do not look as usual, with how they look.
DRAWN = r"""rows => [...rows.children].map((row) => {
    const look = (span) => [...span.classList].filter((name) => !name.startsWith("xterm-cursor")).join(" ")
        + span.style.color;
    const text = (element) => element.textContent.replaceAll("\u00a0", " ");
    const pieces = [];
    for (const span of row.children) {
        if (pieces.at(-1)?.[0] === look(span)) pieces.at(-1)[1] += text(span);
        else pieces.push([look(span), text(span)]);
    }
    return [text(row).trimEnd(), pieces.filter(([looks]) => looks)];
})"""


@pytest.fixture(scope="module")
def shared(site: Site, browser: Browser) -> Iterator[TerminalPage]:
    with started_terminal(site, browser) as terminal:
        terminal.do("seq -f 'line %g' 99 >text; wc -l text", r"\n99 text")
        yield terminal


@pytest.fixture
def terminal(shared: TerminalPage) -> TerminalPage:
    return shared.fresh()


def drawn(terminal: TerminalPage, name: str) -> list[tuple[str, str]]:
    """Text and looks of the screen's rows, without what tells the time or the moment."""
    rows = terminal.panel("box").locator(".xterm-rows").evaluate(DRAWN)
    if name == "htop":
        told = [found[0] for text, _ in rows if (found := HTOP_TOLD.search(text))]
        stays = [(text, str(looks)) for text, looks in rows if HTOP_STAYS.search(text)]
        return [(re.sub(r"\d+", "0", text), "") for text in told] + stays
    # The last line holds a message of the moment, which vim takes back when it redraws.
    kept = [row for row in rows[:-1] if not re.search(r"^ +\[ .* \]$", row[0])]
    return [(text, str(looks)) for text, looks in kept]


def leave(terminal: TerminalPage, end: str) -> None:
    keyboard = terminal.page.keyboard
    keyboard.press(end) if end.startswith("Control+") else keyboard.type(end)


def kill_console(site: Site, terminal: TerminalPage) -> None:
    """Kill the process that serves the page's sockets; wait until the page is back."""
    said = terminal.page.locator("[data-lines]")
    os.kill(site.child("uvicorn"), signal.SIGKILL)
    expect(said).to_contain_text("Connection lost", timeout=15_000)
    expect(said).to_be_empty(timeout=60_000)


def reload(site: Site, terminal: TerminalPage) -> None:
    terminal.page.reload()
    terminal.ready()


@pytest.mark.parametrize("interrupt", [reload, kill_console])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_full_screen_program_is_drawn_right_after(
    terminal: TerminalPage, site: Site, name: str, interrupt: Callable[[Site, TerminalPage], None]
) -> None:
    shell = terminal.do("echo pid-$$-", r"\npid-(\d+)-")[1]
    begin, end, there = PROGRAMS[name]
    terminal.do(begin, there)
    terminal.page.wait_for_timeout(500)
    before = drawn(terminal, name)
    interrupt(site, terminal)
    terminal.see(there)
    terminal.page.wait_for_timeout(800)
    after = drawn(terminal, name)
    # Left before anything is compared: the next test wants its prompt.
    terminal.keyboard.focus()
    leave(terminal, end)
    assert after == before
    assert any(looks not in ("", "[]") for _, looks in before), "something stands out"
    terminal.see(r"\$\s*$")
    terminal.do("echo again-$$-", rf"\nagain-{shell}-")


def test_vim_takes_up_what_was_typed_before_its_console_was_killed(
    terminal: TerminalPage, site: Site
) -> None:
    begin, end, there = PROGRAMS["vim"]
    terminal.do(begin, there)
    terminal.page.keyboard.type("Gotyped before")
    terminal.see("typed before")
    kill_console(site, terminal)
    terminal.see("typed before")
    terminal.keyboard.focus()
    terminal.page.keyboard.type(", and after")
    terminal.see("typed before, and after")
    terminal.page.keyboard.press("Escape")
    leave(terminal, end)
    terminal.see(r"\$\s*$")


def test_what_was_printed_while_nobody_served_comes_once(
    terminal: TerminalPage, site: Site
) -> None:
    terminal.type("box", "for i in $(seq 16); do echo tick-$i-; sleep 0.5; done")
    terminal.see("tick-3-")
    kill_console(site, terminal)
    terminal.see("tick-16-", seconds=30)
    ticks = re.findall(r"\ntick-(\d+)-", terminal.screen("box"))
    assert ticks == [str(number) for number in range(1, 17)]


def test_a_connection_lost_in_silence_is_noticed_by_who_types(
    terminal: TerminalPage, site: Site
) -> None:
    said = terminal.page.locator("[data-lines]")
    served = site.child("uvicorn")
    os.kill(served, signal.SIGSTOP)
    try:
        terminal.page.keyboard.type("#")
        expect(said).to_contain_text("Connection lost", timeout=15_000)
    finally:
        os.kill(served, signal.SIGCONT)
    expect(said).to_be_empty(timeout=30_000)
    terminal.fresh().do("echo on-$((40+2))", r"\non-42")


def test_a_network_that_was_away_cost_neither_the_shell_nor_a_line(
    site: Site, browser: Browser
) -> None:
    """Nothing comes through and nobody is told; then all connections are reset."""
    with forwarder(site.port) as network:
        way = f"--host-resolver-rules=MAP classroom.test 127.0.0.1:{network.port}"
        flags = [flag for flag in CHROMIUM_FLAGS if not flag.startswith(way.partition("=")[0])]
        away = browser.browser_type.launch(executable_path=chromium_path(), args=[*flags, way])
        try:
            url = f"http://classroom.test:{site.port}"
            with started_terminal(site, away, url=url) as terminal:
                shell = terminal.do("echo pid-$$-", r"\npid-(\d+)-")[1]
                terminal.type("box", "for i in $(seq 24); do echo tick-$i-; sleep 1; done")
                terminal.see("tick-2-")
                network.stall()
                terminal.page.wait_for_timeout(AWAY_SECONDS * 1000)
                assert "tick-6-" not in terminal.screen("box"), "nothing came through"
                network.drop()
                said = terminal.page.locator("[data-lines]")
                expect(said).to_contain_text("Connection lost")
                expect(said).to_be_empty(timeout=BACK_SECONDS * 1000)
                terminal.see("tick-24-", seconds=BACK_SECONDS)
                ticks = re.findall(r"\ntick-(\d+)-", terminal.screen("box"))
                assert ticks == [str(number) for number in range(1, 25)]
                terminal.fresh().do("echo again-$$-", rf"\nagain-{shell}-")
        finally:
            away.close()


def test_a_laptop_that_slept_finds_its_shell_and_what_it_missed_once(
    site: Site, browser: Browser
) -> None:
    """Its browser's processes stand still until the site has given the connection up."""
    laptop = browser.browser_type.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
    try:
        with started_terminal(site, laptop) as terminal:
            shell = terminal.do("echo pid-$$-", r"\npid-(\d+)-")[1]
            terminal.type("box", "for i in $(seq 12); do echo tick-$i-; sleep 1; done")
            terminal.see("tick-2-")
            information = laptop.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
            processes = [each["id"] for each in information["processInfo"]]
            opened: list[str] = []
            terminal.page.on("websocket", lambda made: opened.append(made.url))
            for process in processes:
                os.kill(process, signal.SIGSTOP)
            time.sleep(ASLEEP_SECONDS)
            for process in processes:
                os.kill(process, signal.SIGCONT)
            terminal.see("tick-12-")
            # What had come before the site gave up is shown first, by the connection that is none.
            deadline = time.monotonic() + BACK_SECONDS
            while not any("/terminals/main?after=" in url for url in opened):
                assert time.monotonic() < deadline, "it did not come back"
                terminal.page.wait_for_timeout(200)
            expect(terminal.page.locator("[data-lines]")).to_be_empty(timeout=BACK_SECONDS * 1000)
            ticks = re.findall(r"\ntick-(\d+)-", terminal.screen("box"))
            assert ticks == [str(number) for number in range(1, 13)]
            terminal.fresh().do("echo again-$$-", rf"\nagain-{shell}-")
    finally:
        laptop.close()


def test_the_size_is_that_of_the_window_in_use(
    terminal: TerminalPage, site: Site, browser: Browser
) -> None:
    columns = int(terminal.do("echo wide-$(tput cols)-", r"\nwide-(\d+)-")[1])
    other = terminal.page.context.new_page()
    other.set_viewport_size({"width": 900, "height": 700})
    second = TerminalPage(other, site.url, "playground", "shell", "box")
    second.open().ready()
    second.see(r"\$")
    smaller = int(second.do("echo narrow-$(tput cols)-", r"\nnarrow-(\d+)-")[1])
    assert smaller < columns
    terminal.page.bring_to_front()
    expect(terminal.panel("box")).to_have_class(re.compile("is-borrowed"))
    terminal.keyboard.focus()
    terminal.page.keyboard.type("#")
    expect(terminal.panel("box")).not_to_have_class(re.compile("is-borrowed"))
    terminal.fresh()
    assert int(terminal.do("echo mine-$(tput cols)-", r"\nmine-(\d+)-")[1]) == columns
    other.close()
