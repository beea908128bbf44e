"""A hundred sockets to one terminal, one after another: nothing of them stays behind."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.site_learners import Learner, eventually, learners
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=120)]
TIMES = 100
# The first ones make what is kept: connections of the database, threads, the terminal itself.
FIRST = 10
# By an exec a process stands in the machine as long as the console has the terminal.
WAYS = {"directly": "true", "by exec": "false"}
MACHINES = {"shell": "box", "docker": "docker"}


@pytest.fixture(scope="module", params=WAYS)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    if request.param == "directly" and os.geteuid() != 0:
        pytest.skip("not run: needs root, to enter a machine's network namespace")
    enters = WAYS[request.param]
    data = tmp_path_factory.mktemp("reconnects")
    with running_site(data, CONSOLE_ENTERS_NAMESPACES=enters) as running:
        yield running


def processes(site: Site, machine: str) -> list[str]:
    """What runs in the learner's machine, seen from outside."""
    containers = [found for found in site.objects() if found.endswith(f"-{machine}")]
    assert len(containers) == 1, site.objects()
    top = ["docker", "top", containers[0].split()[0], "-eo", "pid,comm"]
    lines = subprocess.check_output(top, text=True).splitlines()[1:]
    return sorted(line.split(None, 1)[1] for line in lines)


def descriptors(site: Site) -> list[str]:
    """What the console's process has open, by kind."""
    folder = Path(f"/proc/{site.child('uvicorn')}/fd")
    return sorted(re.sub(r"\[?\d+\]?", "", os.readlink(entry)) for entry in folder.iterdir())


def come_and_go(learner: Learner, sandbox_id: str, machine: str, times: int) -> set[int]:
    """The shells that were met."""
    met = set()
    for number in range(times):
        screen = learner.terminal(sandbox_id, machine)
        screen.says(f"echo here-{number}-$((40 + 2))", f"here-{number}-42")
        met.add(screen.pid)
        screen.close()
    return met


@pytest.mark.parametrize("lesson", MACHINES)
def test_a_hundred_reconnects_leave_no_process_and_no_descriptor(site: Site, lesson: str) -> None:
    machine = MACHINES[lesson]
    [learner] = learners(site, f"returning-{lesson}")
    sandbox_id = learner.ready(lesson)
    try:
        come_and_go(learner, sandbox_id, machine, FIRST)
        before = processes(site, machine), descriptors(site)
        assert len(come_and_go(learner, sandbox_id, machine, TIMES)) == 1, "another shell"
        eventually(lambda: processes(site, machine) == before[0], 10, before[0])
        # The site's other work opens and closes some; of each socket's there would be a hundred.
        few = len(before[1]) + TIMES // 10
        eventually(lambda: len(descriptors(site)) < few, 10, before[1])
    finally:
        learner.stop(sandbox_id)
