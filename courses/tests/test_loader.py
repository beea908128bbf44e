"""A course folder becomes a course; whatever is wrong becomes a problem."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courses.blocks import CommandBlock, FileBlock, OutputBlock, Slot
from courses.loader import load_course
from courses.tests.conftest import boats, write


@pytest.fixture
def load(tmp_path):
    def from_files(**changes):
        files = boats() | {name.replace("__", "/"): text for name, text in changes.items()}
        return load_course(write(tmp_path / "boats", files))

    return from_files


@pytest.fixture
def with_files(tmp_path):
    def from_files(changes):
        files = {name: text for name, text in (boats() | changes).items() if text is not None}
        return load_course(write(tmp_path / "boats", files))

    return from_files


def test_whole_course_without_problems(with_files):
    loaded = with_files({})
    assert loaded.problems == ()
    hull, keel = loaded.course.lessons
    assert (hull.slug, hull.folder, hull.number) == ("hull", "01-hull", 1)
    assert (hull.next.slug, keel.previous.slug, keel.next) == ("keel", "hull", None)
    assert [(m.name, m.kind) for m in hull.machines] == [
        ("laptop", "docker"),
        ("production", "shell"),
    ]
    assert hull.images == ("nginx:alpine",)
    assert hull.setups == {"laptop": "echo set-up\n"}
    assert hull.files["laptop"].name == "laptop"


def test_tasks_come_in_the_order_of_the_page(with_files):
    hull = with_files({}).course.lessons[0]
    assert [(task.name, task.number) for task in hull.tasks] == [("float", 1), ("sink", 2)]
    assert hull.tasks[1].needs == ("float",)
    assert (hull.tasks[1].machine, hull.tasks[1].user) == ("production", "learner")


def test_solution_is_the_script_without_its_first_lines(with_files):
    change = {"01-hull/tasks/float/solve.sh": "#!/bin/bash\nset -eu\n\ntouch `x`\n"}
    html = with_files(change).course.lessons[0].tasks[0].solution_html
    assert "touch `x`" in html
    assert "bash" not in html
    assert "<strong>laptop</strong>" in html


def test_blocks_of_the_body(with_files):
    body = with_files({}).course.lessons[0].body
    commands = [block for block in body if isinstance(block, CommandBlock)]
    assert (commands[0].machine, commands[0].runnable, commands[0].copyable) == (
        "laptop",
        True,
        False,
    )
    assert (commands[1].machine, commands[1].lines) == ("production", ["echo one", "echo two"])
    assert next(b for b in body if isinstance(b, FileBlock)) == FileBlock(
        "~/app/note.txt", "production", "hello\n", "text"
    )
    assert next(b for b in body if isinstance(b, OutputBlock)).text == "6.1.0"
    assert [b.name for b in body if isinstance(b, Slot) and b.kind == "task"] == ["float", "sink"]


def test_links_between_lessons_become_addresses(with_files):
    assert 'href="/courses/boats/keel/"' in with_files({}).course.lessons[0].body[0].html


LESSON = "01-hull/lesson.md"
FLOAT = "01-hull/tasks/float"
HULL = boats()[LESSON]


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({LESSON: "no front matter"}, LESSON, "front matter"),
        ({LESSON: "---\ntitle: x\n"}, LESSON, "never closed"),
        ({LESSON: HULL.replace("on=production copy", "on=server")}, LESSON, "unknown machine"),
        ({LESSON: HULL.replace("{run}", "{launch}")}, LESSON, "unknown button"),
        ({LESSON: HULL.replace("{run}", "{on=laptop}")}, LESSON, "no button"),
        ({LESSON: HULL.replace("{run}", "{copy on=laptop}")}, LESSON, "needs “run”"),
        ({LESSON: HULL.replace("{output}", "{output run}")}, LESSON, "does not go with"),
        ({LESSON: HULL.replace("~/app/note.txt", "~/../x")}, LESSON, "no file path"),
        ({LESSON: HULL.replace("~/app/note.txt", "relative")}, LESSON, "no file path"),
        ({LESSON: HULL.replace(":::task float", ":::task nope")}, LESSON, "no task “nope”"),
        ({LESSON: HULL.replace(":::task sink", ":::task float")}, LESSON, "twice"),
        ({LESSON: HULL.replace(":::task sink\n:::", "")}, LESSON, "nowhere on the page"),
        ({LESSON: HULL.replace(":::reveal fate", ":::reveal doom")}, LESSON, "to reveal"),
        ({LESSON: HULL.replace(":::quiz several", ":::quiz kernels")}, LESSON, "is taken"),
        ({LESSON: HULL.replace(":::measure start-time", ":::measure")}, LESSON, "needs a name"),
        (
            {LESSON: HULL.replace("At the **", "```sh {run}\nls\n```\nAt the **")},
            LESSON,
            "inside :::hint",
        ),
        ({f"{FLOAT}/check.sh": None}, f"{FLOAT}/check.sh", "missing"),
        ({f"{FLOAT}/solve.sh": None}, f"{FLOAT}/solve.sh", "missing"),
        ({f"{FLOAT}/check.sh": " \n"}, f"{FLOAT}/check.sh", "empty"),
        ({f"{FLOAT}/task.md": None}, f"{FLOAT}/task.md", "missing"),
        (
            {f"{FLOAT}/task.md": "---\ntitle: x\nmachine: server\n---\n"},
            f"{FLOAT}/task.md",
            "unknown machine",
        ),
        (
            {f"{FLOAT}/task.md": "---\ntitle: x\nneeds: [sink]\n---\n"},
            f"{FLOAT}/task.md",
            "before it",
        ),
        (
            {f"{FLOAT}/task.md": "---\ntitle: x\nneeds: [nope]\n---\n"},
            f"{FLOAT}/task.md",
            "unknown task",
        ),
        (
            {f"{FLOAT}/task.md": "---\ntitle: x\n---\n```sh {run}\nls\n```\n"},
            f"{FLOAT}/task.md",
            "no buttons",
        ),
        ({"01-hull/setup/server.sh": "true"}, "01-hull/setup/server.sh", "no machine"),
        ({"01-hull/files/server/x": "x"}, "01-hull/files/server", "no machine"),
        ({"01-hull/images.txt": "ok\n--privileged\n"}, "01-hull/images.txt", "no image name"),
        ({LESSON: None}, LESSON, "missing"),
    ],
)
def test_fault_is_named_and_leaves_the_other_lesson(with_files, changes, path, words):
    loaded = with_files(changes)
    assert any(p.path == path and words in p.message for p in loaded.problems), loaded.problems
    assert [lesson.slug for lesson in loaded.course.lessons] == ["keel"]
    assert loaded.course.lessons[0].number == 2
    assert loaded.course.lessons[0].previous is None


def test_fault_names_the_line_in_the_file(with_files):
    text = HULL.replace("on=production copy", "on=server")
    (problem,) = with_files({LESSON: text}).problems
    assert text.split("\n")[problem.line - 1] == "```sh {run on=server}"


def test_course_file_that_is_wrong_gives_no_course(with_files):
    loaded = with_files({"course.yaml": "title: x\n"})
    assert loaded.course is None
    assert loaded.problems


def test_two_lessons_with_one_address(with_files):
    course = boats()["course.yaml"].replace("02-keel", "02-hull")
    changes = {"course.yaml": course, "02-hull/lesson.md": boats()["02-keel/lesson.md"]}
    assert "same address" in with_files(changes).problems[0].message


def test_lesson_that_is_a_link_is_refused(with_files, tmp_path):
    course = boats()["course.yaml"].replace("02-keel]", "02-keel, 03-link]")
    (tmp_path / "boats").mkdir()
    (tmp_path / "boats" / "03-link").symlink_to("/etc")
    loaded = with_files({"course.yaml": course})
    assert "symbolic" in loaded.problems[0].message


def test_check_that_is_a_link_is_refused(with_files, tmp_path):
    base = tmp_path / "boats" / FLOAT
    base.mkdir(parents=True)
    (base / "check.sh").symlink_to("/etc/hostname")
    loaded = with_files({f"{FLOAT}/check.sh": None})
    assert any("symbolic" in problem.message for problem in loaded.problems)


def test_missing_folder_is_a_problem(tmp_path):
    assert load_course(tmp_path / "nothing").problems


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(name=st.sampled_from(sorted(boats())), data=st.binary(max_size=300))
def test_no_bytes_in_any_file_crash_the_loader(tmp_path, name, data):
    root = write(tmp_path / "boats", boats())
    (root / name).write_bytes(data)
    loaded = load_course(root)
    assert loaded.problems or loaded.course


@settings(
    max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(seed=st.integers(0, 10_000))
def test_no_shuffled_lesson_crashes_the_loader(tmp_path, seed):
    chance = random.Random(seed)
    lines = HULL.split("\n")
    for _ in range(chance.randint(1, 8)):
        del lines[chance.randrange(len(lines))]
        lines.insert(chance.randrange(len(lines)), chance.choice(lines))
    load_course(write(tmp_path / "boats", boats() | {LESSON: "\n".join(lines)}))


def test_the_courses_that_ship_have_no_problems(flagship):
    for folder in flagship.iterdir():
        if (folder / "course.yaml").exists():
            assert load_course(folder).problems == ()


def test_course_without_any_readable_lesson_is_an_empty_one(with_files):
    loaded = with_files({"01-hull/lesson.md": "x", "02-keel/lesson.md": "x"})
    assert loaded.course.lessons == ()
    assert loaded.problems


def test_ticks_behind_ticks_are_no_code_block(with_files):
    lesson = "---\ntitle: T\nsummary: s\nminutes: 1\n---\n```x`\n\n```sh {copy}\ny\n```\n"
    loaded = with_files({"02-keel/lesson.md": lesson})
    assert loaded.problems == ()
    assert CommandBlock("y", None, False, True, "sh") in loaded.course.lessons[1].body
