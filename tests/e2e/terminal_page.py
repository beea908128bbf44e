"""A lesson page with a started machine that the tests of a module share."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Locator, Page

from tests.e2e.conftest import Site, stop_machines
from tests.e2e.lesson_page import LessonPage


class TerminalPage(LessonPage):
    """The lesson page, and what a person does with one terminal."""

    def __init__(self, page: Page, url: str, course: str, lesson: str, machine: str) -> None:
        super().__init__(page, url, course, lesson)
        self.machine = machine

    @property
    def keyboard(self) -> Locator:
        return self.panel(self.machine).locator(".xterm-helper-textarea")

    def fresh(self) -> "TerminalPage":
        """An empty prompt in a terminal that has the focus."""
        dialog = self.page.locator("dialog.ask")
        if dialog.count():
            self.page.keyboard.press("Escape")
        self.keyboard.focus()
        # Empties the line, goes back to the bottom, and selects nothing.
        self.page.keyboard.press("Control+u")
        self.page.wait_for_timeout(200)
        if not re.search(r"\S+@\S+\$\s*$", self.screen(self.machine)):
            self.page.keyboard.press("Control+c")
            self.see(r"\$\s*$")
            # The signal throws away what is typed right behind it.
            self.page.wait_for_timeout(300)
        self.page.keyboard.press("Control+l")
        self.see(r"^\S+\$\s*$")
        return self

    def see(self, pattern: str, seconds: float = 20) -> re.Match[str]:
        return self.wait_for(self.machine, pattern, seconds)

    def do(self, line: str, pattern: str) -> re.Match[str]:
        return self.run(self.machine, line, pattern)

    def paste(self, text: str) -> None:
        """Paste as the browser does: an event with the clipboard's text."""
        self.keyboard.evaluate(
            """(field, text) => {
                const clipboardData = new DataTransfer();
                clipboardData.setData("text/plain", text);
                field.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true}));
            }""",
            text,
        )


@contextmanager
def started_terminal(
    site: Site,
    browser: Browser,
    *,
    url: str | None = None,
    sees_text: bool = True,
    **options: object,
) -> Iterator[TerminalPage]:
    """A guest's browser with the playground's shell; script errors fail, machines are ended."""
    context: BrowserContext = browser.new_context(
        **{"viewport": {"width": 1440, "height": 900}, **options}
    )
    context.set_default_timeout(30_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    lesson = TerminalPage(page, url or site.url, "playground", "shell", "box")
    try:
        lesson.open()
        if page.locator(".dock").is_visible():
            page.locator(".dock [data-pane=machines]").click()
        lesson.start()
        if sees_text:
            lesson.see(r"\$")
        yield lesson
    finally:
        # Also after a test that fails: other tests count what is left of the site's machines.
        stop_machines(site, context)
        context.close()
    assert faults == []
