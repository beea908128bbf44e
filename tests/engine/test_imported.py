"""A scenario of another platform runs on a real machine: as it was written, as it was meant."""

from pathlib import Path

import pytest

from courses import verdicts
from courses.folder import CourseFolder
from courses.importers.run import import_scenarios
from courses.loader import load_course
from courses.rehearsal import fresh_sandbox
from courses.scripts import SOLUTION, scripts_of
from courses.tests.importers.scenarios import scenario
from courses.tests.importers.test_scenarios import lay_out
from sandbox import machines

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
VERIFY = """\
#!/bin/bash
# As scenarios are: root of the host, the file in root's home, the port on localhost.
[ "$(id -u)" = 0 ] || exit 1
grep -q carried /root/asset.txt || exit 1
docker ps --format '{{.Names}}' | grep -qx web
"""
FILES = scenario(
    "Start it:\n\n`docker run -d --name web -p 8080:80 nginx:alpine`{{exec}}\n\n"
    "Open [the page]({{TRAFFIC_HOST1_8080}}).\n",
    step={"verify": "verify.sh", "background": "background.sh"},
    intro={"text": "intro.md", "background": "intro.sh"},
    files={
        "intro.md": "# Welcome\n",
        "intro.sh": "#!/bin/bash\necho prepared > /root/prepared\n",
        "background.sh": "#!/bin/bash\nmkdir -p /opt/lab && echo here > /opt/lab/seen\n",
        "verify.sh": VERIFY,
        "assets/asset.txt": "carried\n",
    },
    details={"assets": {"host01": [{"file": "*.txt", "target": "/root"}]}},
    image="docker",
)


def test_imported_scenario_runs_as_it_was_written(tmp_path: Path) -> None:
    roots, report = import_scenarios(lay_out(tmp_path / "from", FILES), tmp_path / "into")
    course = load_course(roots[0]).course
    assert course is not None
    (lesson,) = course.lessons
    (task,) = lesson.tasks
    assert [(p.machine, p.port) for p in lesson.previews] == [("host01", 8080)]
    with fresh_sandbox(course, lesson) as sandbox:
        said = inside(sandbox, "cat ~/asset.txt; cat ~/prepared")
        assert said.stdout == "carried\nprepared\n", said
        assert not verdicts.run_check(sandbox, task).passed
        for script in scripts_of(CourseFolder(roots[0]), lesson, task, SOLUTION):
            result = machines.run_script(
                sandbox, script.machine, f'cd "$HOME"\n{script.text}', user="learner",
                timeout_seconds=60,
            )  # fmt: skip
            assert result.exit_code == 0, result
        verdict = verdicts.run_check(sandbox, task)
        assert verdict.passed, verdict
    assert "runs" in "\n".join(report.lines())


def inside(sandbox: object, script: str) -> machines.ScriptResult:
    """As the learner; what runs in the background at the start gets a moment."""
    wait = "for i in $(seq 50); do [ -e ~/prepared ] && break; sleep 0.2; done\n"
    return machines.run_script(sandbox, "host01", wait + script, user="learner", timeout_seconds=30)
