"""checkcourse and testcourse."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command

from courses import rehearsal, verdicts
from courses.junit import write_junit
from courses.lint import lint_course
from courses.management.commands import testcourse
from courses.problems import ContentProblem
from courses.tests.conftest import boats, write
from sandbox.machines import ScriptResult

pytestmark = pytest.mark.django_db
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
        ({LESSON: HULL + "\n![x](picture.png)\n"}, LESSON, "image is left out"),
        ({f"{FLOAT}/check.sh": "if true; then\n"}, f"{FLOAT}/check.sh", "bash"),
        ({f"{FLOAT}/solve-2.sh": None}, f"{FLOAT}/solve-2.sh", "second way"),
        ({f"{FLOAT}/nearmiss.sh": None}, f"{FLOAT}/nearmiss.sh", "near-miss"),
        ({f"{FLOAT}/check.sh": None}, f"{FLOAT}/check.sh", "missing"),
        ({f"{FLOAT}/solve.sh": None}, f"{FLOAT}/solve.sh", "missing"),
        ({f"{FLOAT}/solve-2.sh": "# solve\ntrue\n"}, f"{FLOAT}/solve-2.sh", "same as solve.sh"),
        ({f"{FLOAT}/nearmiss.sh": "# solve-2\ntrue\n"}, f"{FLOAT}/nearmiss.sh", "no near-miss"),
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


def test_shellcheck_is_asked_where_it_is_installed(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "shellcheck"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\ncat >/dev/null\necho '-:2:1: warning: found by it [SC1]'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    files = boats() | {"01-hull/setup/laptop.sh": "echo asked\necho shellcheck\n"}
    _, problems = lint_course(write(tmp_path / "boats", files))
    found = [p for p in problems if p.path == "01-hull/setup/laptop.sh"]
    assert [(p.line, p.level, "found by it" in p.message) for p in found] == [(2, "warning", True)]


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


def test_independent_tasks_are_tried_in_another_order(library, machine, capsys):
    sink = "01-hull/tasks/sink/task.md"
    write(library / "boats", {sink: boats()[sink].replace("needs: [float]\n", "")})
    call_command("testcourse", str(library / "boats"), "--lesson", "hull")
    said = capsys.readouterr().out
    lines = [line for line in said.split("\n") if "] 01-hull" in line and "other order" in line]
    assert [line.split()[2] for line in lines if "start" not in line] == ["sink", "float"]
    assert "[13/13]" in said


def test_dependent_tasks_have_one_order(library, machine, capsys):
    call_command("testcourse", str(library / "boats"), "--lesson", "hull")
    assert "other order" not in capsys.readouterr().out


def test_check_that_leans_on_the_order_is_found(library, machine, capsys):
    sink = "01-hull/tasks/sink/task.md"
    text = boats()[sink].replace("needs: [float]\n", "").replace("production", "laptop")
    # Sink's own scripts do nothing; on the fake machine float's solution makes both checks pass.
    idle = {f"01-hull/tasks/sink/{stem}.sh": "true\n" for stem in ("solve", "solve-2")}
    write(library / "boats", {sink: text} | idle)
    with pytest.raises(SystemExit):
        call_command("testcourse", str(library / "boats"), "--lesson", "hull")
    lines = capsys.readouterr().out.split("\n")
    assert any(line.startswith("!") and "sink other order: fails" in line for line in lines)


def test_jobs_are_lessons_at_once_and_the_table_keeps_their_order(tmp_path, monkeypatch, capsys):
    meeting = threading.Barrier(2)  # Nobody passes it alone.

    class Meets:
        def __init__(self, folder, course, lesson, report):
            self.lesson, self.report = lesson, report

        def planned(self):
            return 1

        def run(self):
            meeting.wait(30)
            if self.lesson.number == 1:
                meeting.wait(30)  # The second lesson reports first.
            self.report(
                rehearsal.Finding(self.lesson.folder, "", "start", "ready", "ready", 0.1, "")
            )
            if self.lesson.number == 2:
                meeting.wait(30)

    monkeypatch.setattr(testcourse, "Rehearsal", Meets)
    monkeypatch.setattr(testcourse, "require_runnable", lambda lesson: None)
    call_command("testcourse", str(write(tmp_path / "boats", boats())), "--jobs", "2")
    progress, _, table = capsys.readouterr().out.partition("\n\n")
    assert [line.split()[1] for line in progress.splitlines()] == ["02-keel", "01-hull"]
    assert re.findall(r"\d\d-\w+", table) == ["01-hull", "02-keel"]


@pytest.mark.parametrize("fault", [None, "never_passes"])
def test_outcome_is_written_as_junit(library, machine, tmp_path, fault):
    if fault:
        setattr(machine, fault, True)
    file = tmp_path / "out.xml"
    with contextlib.suppress(SystemExit):
        call_command("testcourse", str(library / "boats"), "--junit", str(file))
    (suite,) = ElementTree.parse(file).getroot()
    assert suite.get("name") == "boats.01-hull"
    assert int(suite.get("tests")) == len(suite) == 10
    assert int(suite.get("failures")) == len(suite.findall("*/failure")) == (4 if fault else 0)
    assert {case.get("name") for case in suite} >= {"start first", "float untouched", "sink solve"}


def test_junit_holds_any_text(tmp_path):
    finding = rehearsal.Finding("l", "t", "s", "a", "b", 1.0, "<&\x00\x1b\ud800]]>\ufffe")
    problem = ContentProblem("p\x07", 3, "m\udc80")
    write_junit(tmp_path / "x.xml", "c", [finding], [problem])
    first, second = ElementTree.parse(tmp_path / "x.xml").getroot()
    assert first.find("*/failure").get("message") == "p?:3: error: m?"
    assert second.find("*/failure").text == "<&???]]>?"


def test_run_without_a_redis_has_services_of_its_own(library):
    only_text = boats()["course.yaml"].replace("[01-hull, 02-keel]", "[02-keel]")
    write(library / "boats", {"course.yaml": only_text})
    ended = subprocess.run(
        [sys.executable, "manage.py", "testcourse", str(library / "boats"), "--jobs", "2"],
        env=os.environ | {"REDIS_URL": "redis://127.0.0.1:1/0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "services of its own" in ended.stderr
    assert "02-keel: skipped" in ended.stdout
