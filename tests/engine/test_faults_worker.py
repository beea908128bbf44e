"""A worker that is killed in the middle of its work loses nothing and doubles nothing."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.engine.site_learners import Learner, containers, eventually, learners
from tests.running_site import Site, running_site

pytestmark = pytest.mark.engine
FORMAT = "--format={{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}}"
LONGEST_START_SECONDS = 60
EVENT_SECONDS = 45
# What the engine reports when the worker has come so far; others are what the API says.
CREATING = ("claimed", "container create", "container start", "engine starting")
DESTROYING = ("asked", "container kill", "container die", "container destroy")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("killed")
    with running_site(folder, SANDBOX_STALL_SECONDS="6") as running:
        yield running


@contextmanager
def engine_events() -> Iterator["subprocess.Popen[str]"]:
    command = ["timeout", str(EVENT_SECONDS), "docker", "events", FORMAT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as events:
        time.sleep(0.3)  # it reports from when it has connected
        try:
            yield events
        finally:
            events.kill()


def wait_for_event(events: "subprocess.Popen[str]", sandbox_id: str, what: str) -> None:
    """Wait until the engine reports `what` of an object of this sandbox."""
    assert events.stdout is not None
    for line in events.stdout:
        if sandbox_id in line and what in line:
            return
    raise AssertionError(f"no {what} of {sandbox_id} in {EVENT_SECONDS} s")


def wait_for_stage(learner: Learner, sandbox_id: str, name: str) -> None:
    """Wait until the API shows the stage of the creation as done."""
    now = learner.look(sandbox_id)
    while name not in [stage["name"] for stage in now["stages"]]:
        assert now["state"] in ("requested", "starting"), now
        now = learner.look(sandbox_id)


def kill_worker(site: Site) -> None:
    os.kill(site.child(" worker "), signal.SIGKILL)


def worker_is_back(site: Site) -> None:
    """Wait until the supervisor has started another one."""

    def there() -> bool:
        try:
            return bool(site.child(" worker "))
        except StopIteration:
            return False

    eventually(there, 10, "worker")


def containers_of(site: Site, sandbox_id: str) -> list[str]:
    return [name for name in containers(site) if sandbox_id in name]


def killed_creation(learner: Learner, point: str) -> str:
    """Start, kill the worker at `point`, see it end well; the sandbox's id."""
    with engine_events() as events:
        sandbox_id = learner.start("docker")
        if point == "claimed":
            learner.wait_for(sandbox_id, ("starting",), 20)
        elif point == "engine starting":
            wait_for_stage(learner, sandbox_id, point)
        else:
            wait_for_event(events, sandbox_id, point)
        kill_worker(learner.site)
    now = learner.wait_for(sandbox_id, seconds=LONGEST_START_SECONDS)
    assert now["state"] == "ready", (point, now)
    assert len(containers_of(learner.site, sandbox_id)) == 1, point
    return sandbox_id


def killed_removal(learner: Learner, sandbox_id: str, point: str) -> None:
    """Stop and kill the worker at `point`."""
    worker_is_back(learner.site)
    with engine_events() as events:
        learner.call("DELETE", f"/sandboxes/{sandbox_id}")
        if point != "asked":
            wait_for_event(events, sandbox_id, point)
        kill_worker(learner.site)


def test_killed_while_creating_and_while_removing(site: Site) -> None:
    people = learners(site, *(f"killed-{number}" for number in range(len(CREATING))))
    sandboxes = [
        killed_creation(person, point) for person, point in zip(people, CREATING, strict=True)
    ]
    for person, sandbox_id, point in zip(people, sandboxes, DESTROYING, strict=True):
        killed_removal(person, sandbox_id, point)
    for person, sandbox_id in zip(people, sandboxes, strict=True):
        person.wait_for(sandbox_id, ("gone",), LONGEST_START_SECONDS)
        assert site.manage("sandbox", "objects", sandbox_id) == ""
