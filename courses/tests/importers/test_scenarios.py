"""Katacoda and Killercoda scenarios, sound and damaged, become courses that load."""

import json
import subprocess
import zipfile

import pytest
from django.core.management import call_command

from courses.importers.run import import_scenarios
from courses.lint import lint_course
from courses.tests.importers.scenarios import HOPELESS, ROWS

# What an imported course still lacks, because nobody but its author can know it.
UNKNOWABLE = ("solve-2.sh", "nearmiss.sh")


def lay_out(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def pack(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"repository-main/{name}", content)
    return path


def test_there_are_at_least_forty():
    assert len(ROWS) >= 40


@pytest.mark.parametrize("name", ROWS)
def test_scenario_becomes_a_course_that_loads(tmp_path, name):
    row = ROWS[name]
    roots, report = import_scenarios(lay_out(tmp_path / name, row.files), tmp_path / "into")
    assert report.notes == []
    (root,) = roots
    loaded, problems = lint_course(root)
    assert len(loaded.course.lessons) == 1
    errors = [p for p in problems if p.level == "error" and not p.path.endswith(UNKNOWABLE)]
    assert errors == []
    assert tuple(s.outcome.value for s in report.scenarios[0].steps) == row.outcomes
    said = "\n".join(report.lines())
    assert [words for words in row.says if words not in said] == []
    lesson = next(root.glob("*/lesson.md"))
    text = lesson.read_text(encoding="utf-8")
    assert [words for words in row.has if words not in text] == []
    assert [words for words in row.lacks if words in text] == []
    assert [path for path in row.paths if not (lesson.parent / path).is_file()] == []


@pytest.mark.parametrize("name", ROWS)
def test_zip_gives_what_the_folder_gives(tmp_path, name):
    files = ROWS[name].files
    roots, _ = import_scenarios(lay_out(tmp_path / "repository-main", files), tmp_path / "a")
    packed = pack(tmp_path / "x.zip", files)
    again, _ = import_scenarios(packed, tmp_path / "b")
    trees = [
        {
            str(p.relative_to(root)): p.read_bytes()
            for p in root.rglob("*")
            if p.is_file() and p.name != "IMPORT.md"
        }
        for root in (*roots, *again)
    ]
    assert trees[0] == trees[1]


@pytest.mark.parametrize("name", HOPELESS)
def test_index_that_is_no_index_is_told_and_nothing_is_written(tmp_path, capsys, name):
    lay_out(tmp_path / "x", {"index.json": HOPELESS[name]})
    with pytest.raises(SystemExit):
        call_command(
            "importscenario", str(tmp_path / "x"), "--into", str(tmp_path / "into"), "--json"
        )
    (step,) = json.loads(capsys.readouterr().out)["scenarios"][0]["steps"]
    assert step["outcome"] == "can't"
    assert step["reasons"]
    assert not (tmp_path / "into").exists()


def test_scripts_are_kept_byte_for_byte(tmp_path):
    script = "#!/bin/bash\ncat <<'IMPORTED'\n  $x `y` \\\nIMPORTED\nexit 0"
    row = ROWS["verify"]
    lay_out(tmp_path / "x", row.files | {"v.sh": script})
    (root,), _ = import_scenarios(tmp_path / "x", tmp_path / "into")
    check = next(root.glob("*/tasks/step-1/check.sh")).read_text()
    assert f"<<'IMPORTED_'\n{script}\nIMPORTED_\n" in check


def test_second_task_needs_the_first(tmp_path):
    files = ROWS["verify"].files
    index = json.loads(files["index.json"])
    index["details"]["steps"] *= 2
    lay_out(tmp_path / "x", files | {"index.json": json.dumps(index)})
    (root,), _ = import_scenarios(tmp_path / "x", tmp_path / "into")
    course = lint_course(root)[0].course
    assert [task.needs for task in course.lessons[0].tasks] == [(), ("step-1",)]


def test_report_is_written_beside_the_lessons(tmp_path):
    (root,), _ = import_scenarios(lay_out(tmp_path / "x", ROWS["open"].files), tmp_path / "into")
    text = (root / "IMPORT.md").read_text()
    assert "runs with loss  1. Part 1" in text
    assert "editor" in text


def test_setup_makes_the_file_that_names_public_addresses(tmp_path):
    """/etc/killercoda/host, as scripts there read it: PORT is replaced by the one they want."""
    files = ROWS["scripts-of-the-intro"].files
    (root,), _ = import_scenarios(lay_out(tmp_path / "x", files), tmp_path / "into")
    setup = next(root.glob("*/setup/host01.sh")).read_text()
    (line,) = [line for line in setup.splitlines() if "/etc/killercoda/host" in line]
    place = tmp_path / "etc"
    ended = subprocess.run(
        ["bash", "-c", line.replace("/etc/killercoda", str(place)) + f"; sed s/PORT/8080/ {place}/host"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ended.stdout == "http://localhost:8080\n"


@pytest.mark.parametrize(
    "feature",
    [
        "{{exec}}", "{{execute}}", "{{copy}}", "HOST2", "interrupt", "no-newline", "T2", "{{open}}",
        "{{TRAFFIC_HOST1_80}}", "{{TRAFFIC_SELECTOR}}", "[[HOST_SUBDOMAIN]]", "[[HOST2_IP]]",
        "[[KATACODA_HOST]]", '"dashboards"', '"uilayout"', '"layout"', '"assets"', '"target"', '"chmod"',
        '"background"', '"foreground"', '"courseData"', '"code"', '"verify"', '"answer"', '"intro"',
        '"finish"', ">>Q", "<details>", 'class="file"', "![", "<iframe",
    ],
)  # fmt: skip
def test_each_feature_of_the_formats_is_in_a_scenario(feature):
    everything = "".join(
        content if isinstance(content, str) else content.decode("utf-8", "replace")
        for row in ROWS.values()
        for content in row.files.values()
    )
    assert feature in everything or feature.replace('"', '\\"') in everything
