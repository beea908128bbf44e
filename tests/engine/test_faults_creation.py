"""A worker that is killed in the middle of a creation loses nothing and doubles nothing."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.engine.conftest import TrueAfter
from tests.engine.site_learners import Learner, eventually, learners
from tests.engine.worker_kills import (
    EVENT_SECONDS,
    ROUNDS,
    StartingWatch,
    containers_by_row,
    containers_of,
    engine_events,
    kill_in_a_hand_over,
    kill_worker,
    rows_of,
    wait_for_event,
    wait_for_stage,
    worker_is_back,
)
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=170)]
# No creation is left to a dead worker for longer, and none is older after the last kill.
OLDEST_STARTING_SECONDS = 60
# A hand-over takes some 30 ms, and must be hit.
TRIES = 5
# One that the killed worker was making is given up after two minutes (`sandbox/pool_keeper.py`).
WARM_AGAIN_SECONDS = 150
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
    assert watch.most_containers == 1, "never two, also while one worker died and another came"
    assert watch.longest_silence_seconds > 2, "it saw creations without a worker"
    assert watch.longest_silence_seconds < OLDEST_STARTING_SECONDS
    for person, sandbox_id in zip(people, sandboxes, strict=True):
        person.stop(sandbox_id)
        assert site.manage("sandbox", "objects", sandbox_id) == ""


@pytest.fixture(scope="module")
def usual_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One with its usual patience and number of attempts, and a warm machine."""
    with running_site(tmp_path_factory.mktemp("usual"), SANDBOX_POOL_SHELL="1") as running:
        yield running


def killed_hand_over(learner: Learner) -> str:
    """Start, and kill the worker while it hands a warm machine over; the sandbox's id."""
    for _ in range(TRIES):
        eventually(lambda: warm_machines(learner.site), WARM_AGAIN_SECONDS, "a warm machine")
        if sandbox_id := kill_in_a_hand_over(learner):
            return sandbox_id
        # Whoever has a sandbox is given it again.
        learner.stop(learner.start())
    raise AssertionError(f"the worker was faster {TRIES} times")


def warm_machines(site: Site) -> list[str]:
    with rows_of(site) as rows:
        found = rows.execute("SELECT container_id FROM sandbox_warmmachine WHERE state = 'ready'")
        return [container_id for (container_id,) in found]


@pytest.mark.fault("worker")
@pytest.mark.parametrize("number", range(ROUNDS))
def test_killed_while_handing_over_and_while_creating_with_the_usual_patience(
    usual_site: Site,
    number: int,
    record_property: Callable[[str, object], None],
    true_after: TrueAfter,
) -> None:
    record_property("times", 2)
    warm, cold = learners(usual_site, f"warm-{number}", f"cold-{number}")
    with StartingWatch(usual_site) as watch:
        killed = []
        for person, kill in ((warm, killed_hand_over), (cold, killed_at_its_start)):
            sandbox_id = kill(person)
            killed.append((person, sandbox_id, time.monotonic()))
            worker_is_back(usual_site)
        for person, sandbox_id, killed_at in killed:
            left = killed_at + OLDEST_STARTING_SECONDS - time.monotonic()
            now = person.wait_for(sandbox_id, seconds=left)
            assert now["state"] == "ready", now
            true_after(time.monotonic() - killed_at)
    assert watch.most_containers == 1
    with rows_of(usual_site) as rows:
        counted = containers_by_row(usual_site, rows)
    for person, sandbox_id, _ in killed:
        assert counted[sandbox_id] == 1
        terminal = person.terminal(sandbox_id, person.look(sandbox_id)["machines"][0]["name"])
        terminal.says("echo works-$((1 + 1))", "works-2")
        terminal.close()
        person.stop(sandbox_id)
        assert usual_site.manage("sandbox", "objects", sandbox_id) == ""


def killed_at_its_start(learner: Learner) -> str:
    return killed_creation(learner, "container start")
