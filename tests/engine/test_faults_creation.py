"""A worker that is killed in the middle of a creation loses nothing and doubles nothing."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.engine.conftest import TrueAfter
from tests.engine.site_learners import Learner, learners
from tests.engine.worker_kills import (
    EVENT_SECONDS,
    ROUNDS,
    StartingWatch,
    containers_of,
    engine_events,
    kill_worker,
    wait_for_event,
    wait_for_stage,
    worker_is_back,
)
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=80)]
# No creation is left to a dead worker for longer, and none is older after the last kill.
OLDEST_STARTING_SECONDS = 60
# What the engine reports when the worker has come so far; others are what the API says.
CREATING = ("claimed", "volume create", "container create", "container start", "engine starting")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("killed")
    more = {"SANDBOX_STALL_SECONDS": "6", "SANDBOX_ATTEMPTS": "9"}
    with running_site(folder, **more) as running:
        yield running


def killed_creation(learner: Learner, point: str) -> str:
    """Start, and kill the worker at `point`; the sandbox's id."""
    with engine_events() as events:
        sandbox_id = learner.start("docker")
        if point == "claimed":
            learner.wait_for(sandbox_id, ("starting",), EVENT_SECONDS)
        elif point == "engine starting":
            wait_for_stage(learner, sandbox_id, point)
        else:
            wait_for_event(events, sandbox_id, point)
        kill_worker(learner.site)
    return sandbox_id


@pytest.mark.fault("worker")
@pytest.mark.parametrize("number", range(ROUNDS))
def test_killed_while_creating(
    site: Site, number: int, record_property: Callable[[str, object], None], true_after: TrueAfter
) -> None:
    record_property("times", len(CREATING))
    people = learners(site, *(f"killed-{number}-{point}" for point in range(len(CREATING))))
    with StartingWatch(site) as watch:
        # One after another, and only then waited for: what is taken over may be hit once more.
        sandboxes, killed_at = [], []
        for person, point in zip(people, CREATING, strict=True):
            sandboxes.append(killed_creation(person, point))
            killed_at.append(time.monotonic())
            worker_is_back(site)
        cases = zip(people, sandboxes, CREATING, killed_at, strict=True)
        for person, sandbox_id, point, killed in cases:
            left = killed_at[-1] + OLDEST_STARTING_SECONDS - time.monotonic()
            now = person.wait_for(sandbox_id, seconds=left)
            assert now["state"] == "ready", (point, now)
            # At most: others were killed and waited for in between.
            true_after(time.monotonic() - killed)
            assert len(containers_of(site, sandbox_id)) == 1, point
    assert watch.longest_silence_seconds > 2, "it saw creations without a worker"
    assert watch.longest_silence_seconds < OLDEST_STARTING_SECONDS
    for person, sandbox_id in zip(people, sandboxes, strict=True):
        person.stop(sandbox_id)
        assert site.manage("sandbox", "objects", sandbox_id) == ""
