"""The editor in a real browser on real machines: from an empty folder to the page, and conflicts."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site
from tests.e2e.editor_panel import PATIENCE_MS, EditorPanel
from tests.e2e.lesson_page import LessonPage

pytestmark = pytest.mark.e2e
APP = """\
from flask import Flask
app = Flask(__name__)

@app.get("/")
def board():
    return "<h1>Next ferries</h1>"
"""
DOCKERFILE = """\
FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY app.py .
CMD ["flask", "run", "--host=0.0.0.0"]
"""


def test_from_an_empty_folder_to_the_page_and_a_change(page: Page, site: Site) -> None:
    lesson = LessonPage(page, site.url, "containers-vs-vms", "a-dockerfile-line-by-line")
    lesson.open().start()
    lesson.wait_for("laptop", r"learner@laptop:~\$")
    editor = EditorPanel(page).open()
    editor.panel.get_by_role("button", name="New folder").click()
    editor.answer("~/board")
    expect(editor.tree_item("board")).to_be_visible(timeout=PATIENCE_MS)
    editor.new_file("~/board/app.py", APP)
    editor.new_file("~/board/requirements.txt", "flask\n")
    editor.new_file("~/board/Dockerfile", DOCKERFILE)
    expect(editor.panel.locator(".cm-line").first.locator("span").first).to_have_text("FROM")

    page.get_by_role("tab", name="laptop").click()
    build = "cd ~/board && docker build -q -t board . && docker rm -f board 2>/dev/null; "
    run = "docker run -d --name board -p 5000:5000 board; echo ran=$?"
    lesson.run("laptop", build + run, r"ran=0", 120)
    line = page.locator("[data-lines]")
    expect(line).to_contain_text("Port 5000 of laptop is up.", timeout=30_000)
    line.get_by_role("button", name="Open").click()
    board = page.frame_locator(".panel-preview:visible iframe")
    expect(board.get_by_role("heading")).to_have_text("Next ferries", timeout=30_000)

    editor.open()
    editor.panel.locator(".file-tab", has_text="app.py").click()
    editor.write(APP.replace("Next ferries", "No ferries today"))
    editor.save()
    page.get_by_role("tab", name="laptop").click()
    lesson.run("laptop", "clear; " + build + run, r"ran=0", 120)
    page.get_by_role("tab", name=re.compile(":5000")).click()
    reload = page.locator(".panel-preview:visible").get_by_role("button", name="Load again")
    for _ in range(20):
        reload.click()
        page.wait_for_timeout(500)
        if board.get_by_role("heading", name="No ferries today").count():
            break
    expect(board.get_by_role("heading")).to_have_text("No ferries today")


def test_changes_on_both_sides_and_files_that_are_no_text(page: Page, site: Site) -> None:
    lesson = LessonPage(page, site.url, "playground", "shell").open().start()
    lesson.wait_for("box", r"\$")
    editor = EditorPanel(page).open()
    editor.new_file("~/notes.md", "# One\n")

    # Changed on the machine while nothing is unsaved: loaded by itself after the command.
    page.get_by_role("tab", name="box").first.click()
    lesson.run("box", "echo two >>notes.md; echo done=$?", r"done=0")
    editor.open()
    expect(editor.text).to_contain_text("two", timeout=PATIENCE_MS)

    # Changed on both sides: nothing is lost unasked.
    editor.write("mine")
    page.get_by_role("tab", name="box").first.click()
    lesson.run("box", "clear; echo theirs >notes.md; echo again=$?", r"again=0")
    editor.open()
    expect(editor.said).to_contain_text("changed on box too", timeout=PATIENCE_MS)
    editor.text.focus()
    page.keyboard.press("ControlOrMeta+s")
    dialog = page.locator("dialog.ask")
    expect(dialog).to_contain_text("notes.md changed on the machine", timeout=PATIENCE_MS)
    dialog.locator("button[value=no]").click()
    page.get_by_role("tab", name="box").first.click()
    assert lesson.run("box", "clear; cat notes.md", r"theirs|mine")[0] == "theirs"
    editor.open()
    editor.text.focus()
    page.keyboard.press("ControlOrMeta+s")
    editor.answer()
    expect(editor.said).to_have_text("Saved.", timeout=PATIENCE_MS)

    # Esc, then Tab leaves the text for the buttons below.
    editor.text.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(editor.panel.get_by_role("button", name="Save")).to_be_focused()

    page.get_by_role("tab", name="box").first.click()
    make = "clear; head -c 100 /dev/zero >zeros; head -c 6000000 /dev/zero >large; "
    lesson.run("box", make + "ln -s /etc/passwd accounts; echo made=$?", r"made=0")
    editor.open()
    editor.tree_item("zeros").click()
    expect(editor.said).to_contain_text("no text", timeout=PATIENCE_MS)
    editor.tree_item("large").click()
    expect(editor.said).to_contain_text("larger than 5 MB", timeout=PATIENCE_MS)
    expect(editor.said.get_by_role("link")).to_have_attribute("download", "large")

    # Through a link as the learner: read, but not written.
    editor.tree_item("accounts").click()
    expect(editor.text).to_contain_text("root:x:0:0", timeout=PATIENCE_MS)
    editor.write("mine:x:0:0")
    page.keyboard.press("ControlOrMeta+s")
    expect(editor.said).to_have_class(re.compile("is-bad"), timeout=PATIENCE_MS)
    page.get_by_role("tab", name="box").first.click()
    lesson.run("box", "clear; echo mine=$(grep -c ^mine /etc/passwd)", r"mine=0")
