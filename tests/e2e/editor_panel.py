"""The Files panel as a person uses it, for the browser tests."""

from playwright.sync_api import Locator, Page, expect

# Each step is some calls into the machine, and other tests have the processors too.
PATIENCE_MS = 30_000


class EditorPanel:
    """The editor of an open lesson."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.panel = page.locator(".panel-files")
        self.said = self.panel.locator(".said")
        self.text = self.panel.locator(".cm-content")

    def open(self) -> "EditorPanel":
        self.page.get_by_role("tab", name="Files", exact=True).click()
        expect(self.tree_item("~")).to_be_visible(timeout=PATIENCE_MS)
        return self

    def tree_item(self, name: str) -> Locator:
        return self.panel.locator(".tree-row").filter(has_text=name).first

    def answer(self, text: str | None = None) -> None:
        """Fill in the dialog, if it asks for something, and confirm it."""
        dialog = self.page.locator("dialog.ask")
        if text is not None:
            dialog.locator("input").fill(text)
        dialog.locator("button[value=yes]").click()
        expect(dialog).to_have_count(0)

    def new_file(self, path: str, content: str) -> None:
        self.panel.get_by_role("button", name="New file").click()
        self.answer(path)
        expect(self.panel.locator(".file-tab[aria-selected=true]")).to_contain_text(
            path.rpartition("/")[2], timeout=PATIENCE_MS
        )
        self.write(content)
        self.save()

    def write(self, content: str) -> None:
        """Replace the whole text, as a paste."""
        self.text.focus()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(content)

    def save(self) -> None:
        self.page.keyboard.press("ControlOrMeta+s")
        expect(self.said).to_have_text("Saved.", timeout=PATIENCE_MS)
