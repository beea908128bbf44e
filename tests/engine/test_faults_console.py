"""The site's own process killed under open terminals: everybody is back in the same shell."""

import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.engine.conftest import TrueAfter
from tests.engine.site_learners import Learner, Screen, learners
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=35)]
TERMINALS = 50 if os.environ.get("SLIPWAY_SOAK") else 20
BACK_SECONDS = 10
# How long is waited for them, so that it can be said how late they were.
LONGEST_SECONDS = 60


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(
        tmp_path_factory.mktemp("console"),
        # Small machines, so that a small host has room for all of them.
        SANDBOX_SHELL_MEMORY_MIB="64",
    ) as running:
        yield running


def come_back(learner: Learner, sandbox_id: str) -> Screen:
    """Open the terminal again until it is there, with the waits of static/js/reconnecting-socket.js.

    More often would be no page's doing, and take from the site the processor it needs to start.
    """
    longest = 0.5
    while True:
        time.sleep(longest / 2 + random.random() * longest / 2)
        longest = min(2 * longest, 2.0)
        try:
            return learner.terminal(sandbox_id)
        except OSError:
            continue


@pytest.mark.fault("console")
def test_all_terminals_come_back_to_the_same_shells(site: Site, true_after: TrueAfter) -> None:
    people = learners(site, *(f"sitting-{number}" for number in range(TERMINALS)))
    with ThreadPoolExecutor(TERMINALS) as threads:
        sandboxes = list(threads.map(lambda person: person.start(), people))
        for person, sandbox_id in zip(people, sandboxes, strict=True):
            assert person.wait_for(sandbox_id, seconds=120)["state"] == "ready"
        screens = list(threads.map(Learner.terminal, people, sandboxes))
        pids = list(threads.map(Screen.shell_pid, screens))
        for number, screen in enumerate(screens):
            screen.says(f"kept=treasure-{number}; echo set-$((1 + 1))", "set-2")

        os.kill(site.child("uvicorn"), signal.SIGKILL)
        began = time.monotonic()
        assert all(threads.map(Screen.broken, screens)), "the process that served them died"
        coming = [threads.submit(come_back, *pair) for pair in zip(people, sandboxes, strict=True)]
        back = [one.result(LONGEST_SECONDS) for one in coming]
        true_after(time.monotonic() - began)
        assert time.monotonic() - began < BACK_SECONDS

        assert list(threads.map(Screen.shell_pid, back)) == pids
        for number, screen in enumerate(back):
            screen.says("echo it-is-$kept", f"it-is-treasure-{number}\\b")
        list(threads.map(Screen.close, back))
        list(threads.map(Learner.stop, people, sandboxes))
