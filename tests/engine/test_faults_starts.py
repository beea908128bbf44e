"""Starts when there is too much of something: clicks of one learner, or beats of one site."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings

from tests.engine.conftest import TrueAfter
from tests.engine.site_learners import containers, eventually, learners
from tests.running_site import ROOT, Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=35)]
TIMES = 20


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("starts")) as running:
        yield running


@pytest.mark.fault("posts")
def test_one_learner_who_starts_many_times_at_once_gets_one_sandbox(
    site: Site, true_after: TrueAfter
) -> None:
    (learner,) = learners(site, "impatient")
    with ThreadPoolExecutor(TIMES) as threads:
        began = time.monotonic()
        # Each is answered with it; one that was refused (429) would raise here. More often than
        # a learner may start in a minute, but it is one Start.
        given = list(threads.map(lambda _: learner.start(), range(TIMES)))
        true_after(time.monotonic() - began)
    assert int(settings.START_RATE_LEARNER.partition("/")[0]) < TIMES
    assert given == [given[0]] * TIMES
    sandbox_id = given[0]
    assert learner.wait_for(sandbox_id)["state"] == "ready"
    assert [name for name in containers(site) if sandbox_id in name] == containers(site)
    assert len(containers(site)) == 1
    learner.stop(sandbox_id)


@pytest.fixture
def second_beat(site: Site) -> Iterator[None]:
    """Another beat beside the supervised one, with its environment."""
    beat = Path(f"/proc/{site.child(' beat ')}")
    pairs = (beat / "environ").read_bytes().split(b"\0")
    environment = dict(pair.decode().split("=", 1) for pair in pairs if b"=" in pair)
    said = site.data / "second-beat.log"
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "config",
        "-q",
        "beat",
        "-l",
        "INFO",
        "--pidfile=",
    ]
    with said.open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | environment, stdout=log, stderr=log
        )
    try:
        eventually(lambda: "Sending due task" in said.read_text(), 60, "second beat")
        yield
        assert process.poll() is None, "it has beaten all the time"
    finally:
        process.kill()
        process.wait()


@pytest.mark.fault("beats")
def test_with_two_beats_nothing_is_doubled(site: Site, second_beat: None) -> None:
    (learner,) = learners(site, "twice")
    began = time.monotonic()
    sandbox_id = learner.ready()
    terminal = learner.terminal(sandbox_id)
    pid = terminal.shell_pid()
    # Two ticks of each at least.
    time.sleep(max(0.0, began + 12 - time.monotonic()))
    assert learner.look(sandbox_id)["state"] == "ready"
    assert len(containers(site)) == 1
    assert terminal.shell_pid() == pid
    terminal.close()
    learner.stop(sandbox_id)
    assert containers(site) == []
