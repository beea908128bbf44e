"""Sites and containers of tests and benchmarks end with whoever runs them, also by SIGKILL."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.images import image_ref
from tests.engine.site_learners import eventually, labelled
from tests.running_site import ROOT

pytestmark = pytest.mark.engine
END_SECONDS = 60
SITE = """
import sys, time
from pathlib import Path
from tests.engine.site_learners import learners
from tests.running_site import running_site
with running_site(Path(sys.argv[1])) as site:
    learners(site, "left-behind")[0].ready()
    print(f"slipway.instance={site.instance}", site.process.pid, flush=True)
    time.sleep(600)
"""
CONTAINER = """
import subprocess, sys, time
from bench.ending import removed_with_us
label = removed_with_us()
command = ["docker", "run", "-d", "--network=none", f"--label={label}", "--entrypoint=sleep"]
subprocess.check_output([*command, sys.argv[1], "600"])
print(label, flush=True)
time.sleep(600)
"""


@contextmanager
def program(script: str, *words: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", script, *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def first_words(running: "subprocess.Popen[str]") -> list[str]:
    assert running.stdout is not None
    return running.stdout.readline().split()


def test_a_site_ends_its_machines_and_itself_when_whoever_runs_it_is_killed(
    tmp_path: Path,
) -> None:
    with program(SITE, str(tmp_path)) as runner:
        label, pid = first_words(runner)
        assert len(labelled(label)) == 1, "a machine of the site"
        runner.kill()
        runner.wait()
        eventually(lambda: not labelled(label), END_SECONDS, "its machines")
        eventually(lambda: not Path(f"/proc/{pid}").exists(), END_SECONDS, "the site itself")


def test_containers_of_a_benchmark_that_is_killed_are_removed() -> None:
    with program(CONTAINER, image_ref("shell")) as bench:
        (label,) = first_words(bench)
        assert len(labelled(label)) == 1
        bench.kill()
        bench.wait()
        eventually(lambda: not labelled(label), END_SECONDS, label)
