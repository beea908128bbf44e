"""The lesson page as a person uses it, for the browser tests."""

import re
import time

from playwright.sync_api import Locator, Page, expect


class LessonPage:
    """One open lesson."""

    def __init__(self, page: Page, url: str, course: str, lesson: str) -> None:
        self.page = page
        self.address = f"{url}/courses/{course}/{lesson}/"

    def open(self) -> "LessonPage":
        self.page.goto(self.address)
        return self

    def start(self, seconds: float = 60) -> "LessonPage":
        self.page.locator("[data-berth] [data-action=start]").click()
        return self.ready(seconds)

    def ready(self, seconds: float = 60) -> "LessonPage":
        expect(self.page.locator("[data-status] .ready")).to_contain_text(
            "Ready in", timeout=seconds * 1000
        )
        return self

    def panel(self, machine: str) -> Locator:
        return self.page.locator(f"#panel-{machine}")

    def screen(self, machine: str) -> str:
        """The text on the terminal's screen (the DOM renderer's rows)."""
        rows = self.panel(machine).locator(".xterm-rows > div").all_inner_texts()
        return "\n".join(row.replace("\xa0", " ").rstrip() for row in rows)

    def wait_for(self, machine: str, pattern: str, seconds: float = 20) -> re.Match[str]:
        """Wait until the screen matches; the error shows the screen."""
        deadline = time.monotonic() + seconds
        while True:
            text = self.screen(machine)
            if found := re.search(pattern, text):
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"{pattern!r} is not on the screen of {machine}:\n{text}")
            self.page.wait_for_timeout(100)

    def type(self, machine: str, text: str) -> None:
        """Type a line and press Enter, as a person with the keyboard in the terminal."""
        self.panel(machine).locator(".xterm-helper-textarea").focus()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def run(self, machine: str, line: str, pattern: str, seconds: float = 20) -> re.Match[str]:
        self.type(machine, line)
        return self.wait_for(machine, pattern, seconds)

    def task(self, name: str) -> Locator:
        return self.page.locator(f"[data-task={name}].task, section[data-task={name}]").first

    def click_run(self, command: str) -> None:
        """Press the Run button of the block that holds `command`."""
        block = self.page.locator(".cmd.can-run").filter(has_text=command).first
        block.locator("[data-action=run]").click()

    def write_file(self, name: str) -> None:
        """Press the Write button of the file block for `name`, wait until it is written."""
        block = self.page.locator(".cmd").filter(has=self.page.locator(".cmd-file", has_text=name))
        block.first.locator("[data-action=write-file]").click()
        expect(block.first.locator(".cmd-note")).to_contain_text("ritten")

    def stop(self) -> None:
        """Press Stop and confirm it."""
        self.page.locator(".bar [data-action=stop]").click()
        self.page.locator("dialog.ask button[value=yes]").click()
