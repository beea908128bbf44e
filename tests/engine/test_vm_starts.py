"""Many learners start virtual machines at once: few boot at a time, and none is lost."""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.specs import BOOTS_AT_ONCE
from tests.engine.conftest import TrueAfter
from tests.engine.site_learners import SETTLED, Learner, learners
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=30), pytest.mark.timeout(900)]
STARTS = 10 if os.environ.get("SLIPWAY_SOAK") else BOOTS_AT_ONCE + 2
# For all of them on a host that has other work; what is tested is that they come.
READY_SECONDS = 700
LOOK_SECONDS = 1.0


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("guests")
    with running_site(folder, START_RATE_ADDRESS="100/minute") as running:
        yield running


@pytest.mark.fault("guests")
def test_guests_that_are_started_at_once_all_come_to_their_prompt(
    site: Site, true_after: TrueAfter
) -> None:
    class_ = learners(site, *(f"learner-{number}" for number in range(STARTS)))
    began = time.monotonic()
    ids = {learner: learner.start("vm") for learner in class_}
    places: set[int] = set()
    most = 0
    ready: dict[Learner, dict[str, Any]] = {}
    while len(ready) < STARTS:
        assert time.monotonic() - began < READY_SECONDS, f"{len(ready)} of {STARTS} are ready"
        time.sleep(LOOK_SECONDS)
        now = {one: one.look(ids[one]) for one in class_ if one not in ready}
        places |= {look["queue_position"] for look in now.values() if look["queue_position"]}
        most = max(most, sum(look["state"] == "starting" for look in now.values()))
        ready |= {one: look for one, look in now.items() if look["state"] in SETTLED}
    true_after(time.monotonic() - began)
    machines = [look["machines"][0] for look in ready.values()]
    assert [look["error"] for look in ready.values()] == [None] * STARTS
    assert len({machine["boot_id"] for machine in machines}) == STARTS
    assert max(places) > 1, "who waits sees a place in the line"
    # The looks at them are not taken at one moment: one may end and the next begin between two.
    assert most <= 2 * BOOTS_AT_ONCE
    hangs = sum(machine["guest"]["hangs"] for machine in machines)
    seconds = [machine["guest"]["seconds"] for machine in machines]
    print(
        f"{STARTS} guests ready in {time.monotonic() - began:.0f} s, each {min(seconds)} to"
        f" {max(seconds)} s, {hangs} hung and were begun again"
    )
    for learner in class_:
        learner.stop(ids[learner])
