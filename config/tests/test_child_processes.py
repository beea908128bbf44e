"""What dies is started again: at once if it was healthy, later each time it dies young."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import child_processes


@pytest.fixture
def child(tmp_path: Path) -> Iterator[child_processes.Child]:
    """A process that waits to be killed; nothing of it is left."""
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    made = child_processes.Child("site", command, {}, log=tmp_path / "log")
    made.start()
    yield made
    made.end(0)


def killed(child: child_processes.Child) -> None:
    assert child.process is not None
    child.process.kill()
    child.process.wait()


def test_a_healthy_process_that_dies_is_started_again_in_the_same_look(
    child: child_processes.Child,
) -> None:
    killed(child)
    child.tend(child.started_at + child_processes.HEALTHY_SECONDS + 1)
    assert child.process is not None
    assert child.process.poll() is None


def test_one_that_dies_young_waits_longer_each_time(child: child_processes.Child) -> None:
    for wait in child_processes.RESTART_SECONDS[1:]:
        killed(child)
        now = child.started_at + 1
        child.tend(now)
        child.tend(now + wait - 0.1)
        assert child.process is None
        child.tend(now + wait)
        assert child.process is not None


def test_a_nap_ends_when_a_child_dies() -> None:
    """In a process of its own, whose signals are its own."""
    script = """
import subprocess, time
from config.child_processes import Nap
nap = Nap()
dies = subprocess.Popen(["sleep", "0.3"])
began = time.monotonic()
nap(60)
nap(0)
print(dies.wait(), time.monotonic() - began < 30)
"""
    said = subprocess.check_output([sys.executable, "-c", script], text=True, timeout=50)
    assert said.split() == ["0", "True"]
