"""Starts when something is wrong: pressed many times at once, or nothing to start with."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.engine.site_learners import containers, learners
from tests.running_site import Site, running_site

pytestmark = pytest.mark.engine
TIMES = 20


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(
        tmp_path_factory.mktemp("starts"), START_RATE_LEARNER="100/minute"
    ) as running:
        yield running


def test_one_learner_who_starts_many_times_at_once_gets_one_sandbox(site: Site) -> None:
    (learner,) = learners(site, "impatient")
    with ThreadPoolExecutor(TIMES) as threads:
        given = set(threads.map(lambda _: learner.start(), range(TIMES)))
    assert len(given) == 1
    sandbox_id = given.pop()
    assert learner.wait_for(sandbox_id)["state"] == "ready"
    assert [name for name in containers(site) if sandbox_id in name] == containers(site)
    assert len(containers(site)) == 1
    learner.stop(sandbox_id)
