"""Several terminals of a machine, several machines: tabs, marks, and two side by side."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.e2e.conftest import Site
from tests.e2e.lesson_page import LessonPage
from tests.e2e.terminal_page import TerminalPage, started_terminal

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def shared(site: Site, browser: Browser) -> Iterator[TerminalPage]:
    with started_terminal(site, browser) as terminal:
        yield terminal


@pytest.fixture
def terminal(shared: TerminalPage) -> Iterator[TerminalPage]:
    """One terminal, `main`, in view."""
    shared.page.get_by_role("tab", name="box", exact=True).click()
    yield shared.fresh()
    if shared.page.locator("[data-action=beside][aria-pressed=true]").count():
        shared.page.locator("[data-action=beside]").click()
    while shared.page.locator(".tab-extra").count():
        count = shared.page.locator(".tab-extra").count()
        shared.page.locator(".tab-extra").first.focus()
        shared.page.keyboard.press("Delete")
        expect(shared.page.locator(".tab-extra")).to_have_count(count - 1)
    if shared.page.get_by_role("button", name="Got it").count():
        shared.page.get_by_role("button", name="Got it").click()


def extra(page: Page) -> Locator:
    return page.locator(".tab-extra")


def another(terminal: TerminalPage) -> Locator:
    """Open another terminal with the keyboard; answers its panel."""
    terminal.keyboard.focus()
    terminal.page.keyboard.press("Control+Shift+Enter")
    panel = terminal.page.locator(".panel-term[data-terminal]:not([hidden])")
    expect(panel.locator(".xterm-rows")).to_contain_text("$")
    return panel


def type_into(panel: Locator, line: str) -> None:
    panel.locator(".xterm-helper-textarea").focus()
    panel.page.keyboard.type(line)
    panel.page.keyboard.press("Enter")


def test_another_terminal_is_a_shell_of_its_own_that_survives_a_reload(
    terminal: TerminalPage,
) -> None:
    mine = terminal.do("echo pid-$$-", r"\npid-(\d+)-")[1]
    panel = another(terminal)
    inside = "document.activeElement.closest('.panel-term').dataset.terminal"
    assert terminal.page.evaluate(inside), "the keyboard is in the new terminal"
    type_into(panel, "echo pid-$$-")
    rows = panel.locator(".xterm-rows")
    expect(rows).to_contain_text(re.compile(r"pid-\d+-"))
    other = re.search(r"pid-(\d+)-", rows.inner_text())
    assert other
    assert other[1] != mine
    terminal.page.reload()
    terminal.ready()
    extra(terminal.page).click()
    expect(rows).to_contain_text(f"pid-{other[1]}-")
    type_into(panel, "echo again-$$-")
    expect(rows).to_contain_text(f"again-{other[1]}-")


def test_a_terminal_is_renamed_closed_and_opened_again(terminal: TerminalPage) -> None:
    page = terminal.page
    another(terminal)
    extra(page).focus()
    page.keyboard.press("F2")
    page.get_by_label("Name of the terminal").fill("<b>log</b> 1")
    page.keyboard.press("Enter")
    expect(extra(page).locator(".tab-title")).to_have_text("<b>log</b> 1")
    assert extra(page).locator("b").count() == 0
    page.reload()
    terminal.ready()
    expect(extra(page).locator(".tab-title")).to_have_text("<b>log</b> 1")
    extra(page).locator(".tab-close").click()
    expect(extra(page)).to_have_count(0)
    line = page.locator("[data-lines]")
    expect(line).to_contain_text("<b>log</b> 1 on box is closed; its shell has ended.")
    line.get_by_role("button", name="Open it again").click()
    expect(extra(page).locator(".tab-title")).to_have_text("<b>log</b> 1")


def test_a_shell_that_ends_takes_its_tab_with_it_and_says_how(terminal: TerminalPage) -> None:
    panel = another(terminal)
    type_into(panel, "exit 3")
    expect(extra(terminal.page)).to_have_count(0)
    expect(terminal.page.locator("[data-lines]")).to_contain_text("ended with exit 3")
    assert terminal.page.evaluate("document.activeElement.closest('#panel-box') !== null")


# Holds back what comes to the page, by what it says, until it is let go; keeps the latest state.
HOLD = """(() => {
  window.held = { words: [], waiting: [], state: null };
  const wait = (text) => window.held.words.some((word) => text.includes(word));
  window.letGo = () => {
    window.held.words = [];
    for (const pass of window.held.waiting.splice(0)) pass();
  };
  const Real = window.WebSocket;
  window.WebSocket = class extends Real {
    addEventListener(type, listener) {
      super.addEventListener(type, (event) => {
        const text = type === "message" && typeof event.data === "string" ? event.data : `${type} ${event.code}`;
        if (text.includes('"type":"state"') || text.includes('"type": "state"')) {
          window.held.state = () => listener(new MessageEvent("message", { data: text }));
        }
        if (wait(text)) window.held.waiting.push(() => listener(event));
        else listener(event);
      });
    }
  };
})()"""


@pytest.fixture
def held(terminal: TerminalPage) -> Iterator[Locator]:
    """Another terminal on a page whose connections can be held back; answers its panel."""
    terminal.page.add_init_script(HOLD)
    terminal.page.reload()
    terminal.ready()
    yield another(terminal)
    terminal.page.evaluate("letGo()")


def hold(panel: Locator, *words: str) -> None:
    panel.page.evaluate("words => { held.words = words; }", list(words))


def notices(page: Page) -> Locator:
    return page.locator("[data-lines] .line-now")


def until_held(page: Page, count: int) -> None:
    """Wait until so much is held back."""
    for _ in range(200):
        if page.evaluate("held.waiting.length") >= count:
            return
        page.wait_for_timeout(50)
    raise AssertionError(page.evaluate("held.waiting.length"))


EXIT, CLOSED = ('"exit"', "close 1000"), ('"closed"',)


def test_an_end_that_the_list_tells_first_is_said_once(held: Locator) -> None:
    page = held.page
    hold(held, *EXIT)
    type_into(held, "exit 3")
    expect(extra(page)).to_have_count(0)
    expect(notices(page)).to_have_text([re.compile("2 on box is closed; its shell has ended")])
    page.evaluate("letGo()")
    page.wait_for_timeout(300)
    expect(notices(page)).to_have_count(1)


def test_closing_a_terminal_whose_shell_has_just_ended_is_said_once(held: Locator) -> None:
    page = held.page
    hold(held, *EXIT, *CLOSED)
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as answer:
        type_into(held, "exit 3")
        until_held(page, 3)
        extra(page).focus()
        page.keyboard.press("Delete")
    assert answer.value.status == 404, "the site knows already"
    expect(extra(page)).to_have_count(0)
    expect(notices(page)).to_have_text([re.compile("2 on box is closed; its shell has ended")])
    page.evaluate("letGo()")
    page.wait_for_timeout(300)
    expect(notices(page)).to_have_count(1)


def test_while_a_terminal_is_being_closed_nothing_else_is_said(held: Locator) -> None:
    """Its connection ends before the request is answered."""
    page = held.page
    answers: list[Route] = []
    page.route("**/terminals/*", lambda route: answers.append(route))
    try:
        hold(held, '"exit"', *CLOSED)
        extra(page).focus()
        page.keyboard.press("Delete")
        type_into(held, "exit 3")
        until_held(page, 2)
        page.wait_for_timeout(300)
        expect(notices(page)).to_have_count(0)
        answers[0].fulfill(status=204)
        expect(notices(page)).to_have_text([re.compile("is closed; its shell has ended")])
    finally:
        page.unroute("**/terminals/*")


def test_a_state_from_before_the_end_brings_no_tab_back(held: Locator) -> None:
    page = held.page
    page.evaluate("held.state()")
    page.reload()
    held = page.locator(".panel-term[data-terminal]")
    extra(page).click()
    expect(held.locator(".xterm-rows")).to_contain_text("$")
    type_into(held, "exit 3")
    expect(extra(page)).to_have_count(0)
    page.evaluate("held.state()")
    page.wait_for_timeout(300)
    expect(extra(page)).to_have_count(0)
    expect(notices(page)).to_have_text([re.compile("ended with exit 3")])


def test_the_main_shell_that_ends_is_followed_by_another(terminal: TerminalPage) -> None:
    before = terminal.do("echo pid-$$-", r"\npid-(\d+)-")[1]
    terminal.type("box", "exit")
    terminal.page.wait_for_timeout(500)
    after = terminal.fresh().do("echo pid-$$-", r"\npid-(\d+)-")[1]
    assert after != before
    expect(terminal.page.locator("[data-lines]")).to_be_empty()


def test_output_and_bells_elsewhere_are_marked_on_the_tab(terminal: TerminalPage) -> None:
    page = terminal.page
    panel = another(terminal)
    type_into(panel, "sleep 2; echo there; sleep 1; printf '\\a'")
    page.keyboard.press("Control+Shift+ArrowLeft")
    expect(page.get_by_role("tab", name="box", exact=True)).to_have_attribute(
        "aria-selected", "true"
    )
    expect(extra(page)).to_have_attribute("aria-description", "new output")
    expect(extra(page)).to_have_attribute("aria-description", "the bell rang")
    page.keyboard.press("Control+Shift+ArrowRight")
    expect(extra(page)).to_have_attribute("aria-selected", "true")
    assert extra(page).get_attribute("data-mark") is None


def test_two_terminals_side_by_side_each_take_what_is_typed_into_them(
    terminal: TerminalPage,
) -> None:
    page = terminal.page
    whole = int(terminal.do("echo whole-$(tput cols)-", r"whole-(\d+)-")[1])
    page.keyboard.press("Control+Shift+S")
    panel = page.locator(".panel-term[data-terminal]")
    expect(panel.locator(".xterm-rows")).to_contain_text("$")
    type_into(panel, "echo right-$((40+2))")
    expect(panel.locator(".xterm-rows")).to_contain_text("right-42")
    terminal.do("echo left-$((40+2))", r"\nleft-42")
    assert "right-42" not in terminal.screen("box")
    half = int(terminal.do("echo half-$(tput cols)-", r"half-(\d+)-")[1])
    assert half < whole / 2 + 3
    expect(page.locator("[data-action=beside]")).to_have_attribute("aria-pressed", "true")
    # Where the keyboard is, there is the current tab.
    expect(page.get_by_role("tab", name="box", exact=True)).to_have_attribute(
        "aria-selected", "true"
    )
    page.keyboard.press("Control+Shift+S")
    expect(panel).to_be_hidden()


def test_the_separator_between_two_terminals_moves_by_mouse_and_keys_and_is_kept(
    terminal: TerminalPage,
) -> None:
    page = terminal.page
    page.keyboard.press("Control+Shift+S")
    bar = page.get_by_role("separator", name="Width of the left one")
    expect(bar).to_have_attribute("aria-valuenow", "50")
    half = int(terminal.do("echo half-$(tput cols)-", r"half-(\d+)-")[1])
    box = bar.bounding_box()
    deck = page.locator(".deck").bounding_box()
    assert box
    assert deck
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(deck["x"] + deck["width"] * 0.3, box["y"] + 120, steps=4)
    page.mouse.up()
    expect(bar).to_have_attribute("aria-valuenow", "30")
    terminal.fresh()
    assert int(terminal.do("echo less-$(tput cols)-", r"less-(\d+)-")[1]) < half * 0.75
    bar.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(bar).to_have_attribute("aria-valuenow", "40")
    page.reload()
    terminal.ready()
    expect(bar).to_be_hidden()
    page.locator("[data-action=beside]").click()
    expect(bar).to_have_attribute("aria-valuenow", "40")
    bar.press("Enter")
    expect(bar).to_have_attribute("aria-valuenow", "50")


def test_two_machines_side_by_side_stand_on_their_kernels(page: Page, site: Site) -> None:
    lesson = LessonPage(page, site.url, "containers-vs-vms", "it-works-on-my-machine")
    lesson.open().start()
    lesson.wait_for("laptop", r"\$")
    lesson.click_run("./start &")
    lesson.wait_for("laptop", "5000")
    page.locator("[data-action=beside]").click()
    lesson.run("production", "curl -s laptop:5000/total", r"41\.30")
    expect(lesson.panel("laptop")).to_be_visible()
    expect(lesson.panel("production")).to_be_visible()
    expect(page.locator("[data-waterlines] .waterline")).to_have_count(2)
    # Run finds its machine, wherever it is.
    lesson.click_run("curl localhost:5000/total")
    lesson.wait_for("laptop", r"41\.30")
