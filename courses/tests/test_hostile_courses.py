"""No folder makes the loader or the linter crash, hang, or read what is outside of it."""

import io
import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courses import lint
from courses.lint import lint_course
from courses.loader import load_course
from courses.schema import CourseMeta, LessonMeta, TaskMeta
from courses.tests.conftest import HULL, boats, write
from courses.tests.test_markdown import assert_harmless

MANY = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
FILES = sorted(boats())
KEYS = sorted({*CourseMeta.model_fields, *LessonMeta.model_fields, *TaskMeta.model_fields})
WORDS = st.sampled_from(
    [
        "---\n", "```", "```sh {run}\n", "```sh {run on=production}\n", "~~~ {file=~/x}\n", "{", "}",
        ":::task float\n", ":::quiz q\n", ":::predict p\n", ":::hint a\n", ":::reveal p\n", ":::\n",
        "- [x] a\n", "- [ ] b\n", "  > why\n", "> so\n", "- a\n", "unit: s\n", "\n", " ", "a", "`",
        "[x](../02-keel/lesson.md)", "[x](/../../etc)", "![](x)", "<b>", "\u2028", "\x0b", "&amp;",
        "&a", "*a", "!!python/none", "? ", ": ", "[", "]", "1e999", "0x1f", "2001-01-01", "\t",
        *(f"{key}: " for key in KEYS),
    ]
)  # fmt: skip
TEXT = st.lists(WORDS, max_size=30).map("".join) | st.text(max_size=200)
# Of the processor: how loaded the machine is must not matter.
SLOW_SECONDS = 15


def lint_with(changes):
    """Lint the sound course with some files changed; every problem says where and what."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "boats"
        write(root, {path: text for path, text in boats().items() if path not in changes})
        for path, data in changes.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        loaded, problems = lint_course(root)
        for problem in problems:
            assert problem.message
            assert problem.line is None or problem.line > 0
        for lesson in loaded.course.lessons if loaded.course else ():
            for block in lesson.body:
                if hasattr(block, "html"):
                    assert_harmless(block.html)
        return loaded, problems


@MANY
@given(st.dictionaries(st.sampled_from(FILES), st.binary(max_size=200), max_size=3))
def test_any_bytes_in_any_file(changes):
    lint_with(changes)


@MANY
@given(TEXT, TEXT)
def test_any_lesson_text(front, body):
    lint_with({"01-hull/lesson.md": f"---\n{front}\n---\n{body}".encode()})
    lint_with({"01-hull/lesson.md": (HULL + body).encode()})


@MANY
@given(TEXT, TEXT)
def test_any_task_text(front, body):
    lint_with({"01-hull/tasks/float/task.md": f"---\n{front}\n---\n{body}".encode()})


@MANY
@given(TEXT)
def test_any_course_file(text):
    lint_with({"course.yaml": text.encode()})


@MANY
@given(st.text(alphabet="(){}[]$`'\"<>|&;\\\n #!a=", max_size=300))
def test_any_script(text):
    lint_with({"01-hull/tasks/float/check.sh": text.encode()})


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("instead", ["link", "folder", "pipe", "giant", "nothing", "loop"])
def test_anything_in_place_of_a_file(tmp_path, path, instead):
    (tmp_path / "secret").write_text("title: the-secret\n")
    root = write(tmp_path / "boats", boats())
    target = root / path
    target.unlink()
    if instead == "link":
        target.symlink_to(tmp_path / "secret")
    elif instead == "loop":
        target.symlink_to(target.name)
    elif instead == "folder":
        target.mkdir()
    elif instead == "pipe":
        os.mkfifo(target)
    elif instead == "giant":
        with target.open("wb") as file:
            file.truncate(1 << 40)
    loaded, problems = lint_course(root)
    assert problems or instead == "nothing"
    assert "the-secret" not in repr(loaded)


@pytest.mark.parametrize(
    "name", ["01-hull", "01-hull/tasks", "01-hull/tasks/float", "01-hull/files"]
)
def test_folder_that_is_a_link_is_not_entered(tmp_path, name):
    root = write(tmp_path / "boats", boats())
    (root / name).rename(tmp_path / "outside")
    (root / name).symlink_to(tmp_path / "outside")
    _, problems = lint_course(root)
    assert any("symbolic links" in problem.message for problem in problems)
    assert all(lesson.slug != "hull" for lesson in load_course(root).course.lessons)


@pytest.mark.parametrize("name", ["../x", "/etc", "..", ".", "a/b", "a\\b", "A", "", "x" * 61])
def test_lesson_names_can_not_lead_outside(tmp_path, name):
    text = boats()["course.yaml"].replace("02-keel", f"'{name}'")
    loaded, problems = lint_with({"course.yaml": text.encode()})
    assert loaded.course is None
    assert problems[0].path == "course.yaml"


@pytest.fixture
def nested(tmp_path):
    """A course with folders nested deeper than Python's stack."""
    root = write(tmp_path / "boats", boats())
    here = os.open(root, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    yield root
    subprocess.run(["rm", "-rf", str(root)], check=True)


def test_deep_folders_do_no_harm(nested):
    loaded, problems = lint_course(nested)
    assert len(loaded.course.lessons) == 2
    assert [problem for problem in problems if problem.level == "error"] == []


def test_names_that_are_not_utf8_are_told_and_printed(tmp_path):
    root = write(tmp_path / "boats", boats())
    os.mkdir(os.fsencode(root) + b"/01-hull/tasks/\xff\xfe")
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    for options in (["--json"], []):
        with pytest.raises(SystemExit):
            call_command("checkcourse", str(root), *options, stdout=printed)


def test_check_of_the_syntax_that_does_not_end_is_told(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "bash").write_text("#!/bin/sh\nsleep 60\n")
    (tmp_path / "bin" / "bash").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(lint, "BASH_TIMEOUT_SECONDS", 1)
    root = write(
        tmp_path / "boats", {"course.yaml": boats()["course.yaml"], "x.sh": "true # of this test\n"}
    )
    _, problems = lint_course(root)
    assert any("took too long" in problem.message for problem in problems)


BLANKS = " " * 25_000
BODIES = {
    "blanks behind a directive": f":::note {BLANKS}x{BLANKS}\u2028\n:::",
    "blanks in a fence": f"```{BLANKS}{{{BLANKS}{{\nx\n```",
    "blanks in braces": f"```sh {{run{BLANKS}={BLANKS}}}\nx\n```",
    "attributes": "```sh {" + "a=b " * 30_000 + "}\nx\n```",
    "digits": "1" * 200_000 + "\n" + "1. " * 60_000 + "```",
    "bullets": "- " * 30_000 + "```",
    "opens": ":::note\n" * 2000,
    "closes": ":::\n" * 4000,
    "tasks": ":::task float\n\n" * 1000,
    "fences": "```sh {run}\n" * 20_000,
    "choices": ":::predict x\nWhat?\n\n- a\n" + " b\n" * 5000 + ":::",
    "quiz": ":::quiz x\nWhat?\n" + "- [x] a\n  > b\n" * 1000 + ":::",
    "unit": f":::predict x\nWhat?\n\nunit:{BLANKS}s{BLANKS}s\n:::",
    "quotes": "> " * 100_000,
    "brackets": "![" * 30_000,
}


@pytest.mark.parametrize("name", BODIES)
def test_no_body_takes_long(name):
    body = BODIES[name]
    began = time.process_time()
    lint_with({"01-hull/lesson.md": (HULL + body).encode()[: 64 * 1024]})
    lint_with({"01-hull/tasks/float/task.md": f"---\ntitle: x\n---\n{body}".encode()[: 64 * 1024]})
    assert time.process_time() - began < SLOW_SECONDS


FRONTS = {
    "hexadecimal": "minutes: 0x" + "f" * 60_000,
    "sexagesimal": "minutes: " + "1:" * 30_000 + "1",
    "digits": "minutes: " + "9" * 60_000,
    "blanks": f"title:{' ' * 60_000}x",
    "quotes": 'title: "' + "\\x41" * 15_000 + '"',
    "keys": "".join(f"k{number}: 1\n" for number in range(7000)),
    "anchors": "a: &a\n" * 10_000,
    "binary": "title: !!binary " + "A" * 60_000,
    "merge": "<<: {a: 1}\n" * 5000,
    "float": "minutes: 1" + "_" * 60_000 + "e",
}


@pytest.mark.parametrize("name", FRONTS)
def test_no_front_matter_takes_long(name):
    began = time.process_time()
    _, problems = lint_with({"01-hull/lesson.md": f"---\n{FRONTS[name]}\n---\nx".encode()})
    assert problems
    assert time.process_time() - began < SLOW_SECONDS
