"""A worker that is killed in the middle of a removal leaves nothing behind."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.engine.conftest import TrueAfter
from tests.engine.site_learners import Learner, learners
from tests.engine.worker_kills import (
    ROUNDS,
    engine_events,
    kill_worker,
    wait_for_event,
    worker_is_back,
)
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=70)]
LONGEST_STOP_SECONDS = 60
# What the engine reports when the worker has come so far; the first point is before that.
REMOVING = ("asked", "container kill", "container die", "container destroy", "volume destroy")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("killed")
    with running_site(folder, SANDBOX_STALL_SECONDS="6") as running:
        yield running


def killed_removal(learner: Learner, sandbox_id: str, point: str) -> None:
    """Stop and kill the worker at `point`."""
    worker_is_back(learner.site)
    with engine_events() as events:
        learner.call("DELETE", f"/sandboxes/{sandbox_id}")
        if point != "asked":
            wait_for_event(events, sandbox_id, point)
        kill_worker(learner.site)


@pytest.mark.fault("worker")
@pytest.mark.parametrize("number", range(ROUNDS))
def test_killed_while_removing(
    site: Site, number: int, record_property: Callable[[str, object], None], true_after: TrueAfter
) -> None:
    record_property("times", len(REMOVING))
    people = learners(site, *(f"killed-{number}-{point}" for point in range(len(REMOVING))))
    sandboxes = [person.start("docker") for person in people]
    for person, sandbox_id in zip(people, sandboxes, strict=True):
        assert person.wait_for(sandbox_id)["state"] == "ready"
    # One after another, and only then waited for: a stop is repeated after a while.
    killed_at = []
    for person, sandbox_id, point in zip(people, sandboxes, REMOVING, strict=True):
        killed_removal(person, sandbox_id, point)
        killed_at.append(time.monotonic())
    for person, sandbox_id, killed in zip(people, sandboxes, killed_at, strict=True):
        person.wait_for(sandbox_id, ("gone",), LONGEST_STOP_SECONDS)
        # At most: others were killed and waited for in between.
        true_after(time.monotonic() - killed)
        assert site.manage("sandbox", "objects", sandbox_id) == ""
