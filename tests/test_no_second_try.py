"""`./test` tries once more what failed beside other tests, and never an attack."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# The first try fails, all others pass.
FAILS_ONCE = """
from pathlib import Path

def test_it():
    tried = Path(__file__).with_suffix(".tried")
    was_tried = tried.exists()
    tried.touch()
    assert was_tried
"""
# The function as `./test` has it, with pytest in place of all that it would start.
RUN = """
eval "$(sed -n '/^beside_others()/,/^}/p' "$1/test")"
say() { echo "$1"; }
bin=$2 && shift 2
beside_others "$@"
"""


def tried(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    for name in names:
        (folder / name).write_text(FAILS_ONCE)
    options = ["-p", "tests.no_second_try", "-p", "no:django", "-n", "2", "--rootdir", "."]
    command = ["bash", "-c", RUN, "-", ROOT, Path(sys.executable).parent, *options, *names]
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_failed_beside_others_may_pass_alone(tmp_path: Path) -> None:
    done = tried(tmp_path, "test_busy.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 failed" in done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("others", [[], ["test_busy.py"]])
def test_an_attack_that_worked_once_makes_the_run_fail(tmp_path: Path, others: list[str]) -> None:
    done = tried(tmp_path, "test_attacks_kernel.py", *others)
    assert done.returncode not in (0, 1), done.stdout + done.stderr
    assert (
        "not tried again, because it is an attack: test_attacks_kernel.py::test_it" in done.stdout
    )
    assert "once more" not in done.stdout
