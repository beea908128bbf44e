"""A worker that is killed in the middle of a creation loses nothing and doubles nothing."""

from collections.abc import Iterator

import pytest

from tests.engine.site_learners import Learner, learners
from tests.engine.worker_kills import (
    containers_of,
    engine_events,
    kill_worker,
    wait_for_event,
    wait_for_stage,
)
from tests.running_site import Site, running_site

pytestmark = pytest.mark.engine
LONGEST_START_SECONDS = 60
# What the engine reports when the worker has come so far; others are what the API says.
CREATING = ("claimed", "volume create", "container create", "container start", "engine starting")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("killed")
    with running_site(folder, SANDBOX_STALL_SECONDS="6") as running:
        yield running


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


@pytest.mark.parametrize("point", CREATING)
def test_killed_while_creating(site: Site, point: str) -> None:
    (learner,) = learners(site, f"killed-{point.replace(' ', '-')}")
    sandbox_id = killed_creation(learner, point)
    learner.stop(sandbox_id)
    assert site.manage("sandbox", "objects", sandbox_id) == ""
