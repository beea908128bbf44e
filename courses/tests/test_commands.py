"""checkcourse and testcourse."""

import json
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command

from courses import rehearsal, verdicts
from courses.lint import lint_course
from courses.tests.conftest import boats, write
from sandbox.machines import ScriptResult

LESSON = "01-hull/lesson.md"
HULL = boats()[LESSON]
FLOAT = "01-hull/tasks/float"


def test_good_course_is_clean(library, capsys):
    call_command("checkcourse", str(library / "boats"))
    assert "2 lessons read, 0 errors" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({LESSON: HULL + "\n<div>x</div>\n"}, LESSON, "raw HTML"),
        ({LESSON: HULL + "\n[x](../09-nope/lesson.md)\n"}, LESSON, "dead link"),
        ({LESSON: HULL + "\n[x](#top)\n"}, LESSON, "dead link"),
        ({LESSON: HULL + "\n![x](picture.png)\n"}, LESSON, "images"),
        ({f"{FLOAT}/check.sh": "if true; then\n"}, f"{FLOAT}/check.sh", "bash"),
        ({f"{FLOAT}/solve-2.sh": None}, f"{FLOAT}/solve-2.sh", "second way"),
        ({f"{FLOAT}/nearmiss.sh": None}, f"{FLOAT}/nearmiss.sh", "near-miss"),
        ({f"{FLOAT}/check.sh": None}, f"{FLOAT}/check.sh", "missing"),
        ({f"{FLOAT}/solve.sh": None}, f"{FLOAT}/solve.sh", "missing"),
        ({"01-hull/setup/laptop.sh": "echo 'x\n"}, "01-hull/setup/laptop.sh", "bash"),
    ],
)
def test_fault_is_found_with_exit_status_1(tmp_path, capsys, changes, path, words):
    files = {name: text for name, text in (boats() | changes).items() if text is not None}
    root = write(tmp_path / "boats", files)
    with pytest.raises(SystemExit) as ended:
        call_command("checkcourse", str(root), "--json")
    assert ended.value.code == 1
    problems = json.loads(capsys.readouterr().out)
    assert any(p["path"] == path and words in p["message"] for p in problems), problems


def test_raw_html_names_its_line_in_the_file(tmp_path):
    text = HULL.replace("Read **this**", "Read <b>this</b>")
    root = write(tmp_path / "boats", boats() | {LESSON: text})
    _, problems = lint_course(root)
    lines = {problem.line for problem in problems if problem.level == "error"}
    assert {text.split("\n")[line - 1][:8] for line in lines} == {"Read <b>"}


def test_links_and_material_are_told_apart(tmp_path):
    root = write(tmp_path / "boats", boats() | {"01-hull/files/laptop/x.sh": "if"})
    (root / "stray").symlink_to("/etc/passwd")
    _, problems = lint_course(root)
    errors = [problem for problem in problems if problem.level == "error"]
    assert [(error.path, "symbolic" in error.message) for error in errors] == [("stray", True)]


def test_unlisted_lesson_is_a_warning(tmp_path, capsys):
    root = write(tmp_path / "boats", boats() | {"03-new/lesson.md": "x"})
    call_command("checkcourse", str(root))
    assert "03-new is not listed" in capsys.readouterr().out


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(CommandError):
        call_command("checkcourse", str(tmp_path / "nope"))


class Machine:
    """A sandbox on which a check passes once a solution ran; faults can be switched on."""

    def __init__(self):
        self.solved = set()
        self.always_passes = self.never_passes = self.nearmiss_passes = False
        self.acted = []

    def run_script(self, sandbox, name, script, *, user="root", env=None, timeout_seconds=10):
        if env is None:
            self.acted.append((name, user, script))
            if "solve" in script or self.nearmiss_passes:
                self.solved.add(name)
            return ScriptResult(0, "", "", False, 0.1)
        passes = (name in self.solved or self.always_passes) and not self.never_passes
        return ScriptResult(0 if passes else 1, "said\n", "", False, 0.1)


@pytest.fixture
def machine(monkeypatch):
    fake = Machine()

    @contextmanager
    def fresh(course, lesson):
        fake.solved.clear()
        yield type("Sandbox", (), {"course": "boats", "lesson": "hull", "id": "s"})()

    monkeypatch.setattr(rehearsal, "fresh_sandbox", fresh)
    monkeypatch.setattr(verdicts.machines, "run_script", fake.run_script)
    return fake


def test_course_that_works_has_no_surprises(library, machine, capsys):
    call_command("testcourse", str(library / "boats"))
    said = capsys.readouterr().out
    assert "0 surprises" in said
    assert "02-keel: skipped" in said
    assert {user for _, user, _ in machine.acted} == {"learner"}
    assert machine.acted[0][2].startswith('cd "$HOME"\n')


@pytest.mark.parametrize("fault", ["always_passes", "never_passes", "nearmiss_passes"])
def test_check_that_can_not_tell_right_from_wrong_is_found(library, machine, capsys, fault):
    setattr(machine, fault, True)
    with pytest.raises(SystemExit) as ended:
        call_command("testcourse", str(library / "boats"))
    assert ended.value.code == 1
    assert "!" in capsys.readouterr().out


def test_unknown_lesson_is_refused(library, machine):
    with pytest.raises(CommandError):
        call_command("testcourse", str(library / "boats"), "--lesson", "nope")


def test_script_for_another_machine_runs_there_first(library, machine):
    write(library / "boats", {f"{FLOAT}/solve.production.sh": "echo there"})
    call_command("testcourse", str(library / "boats"), "--lesson", "hull")
    there = [
        name for name, _, script in machine.acted if "there" in script or "# solve\n" in script
    ]
    assert there[:2] == ["production", "laptop"]
