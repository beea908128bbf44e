"""The site's own process killed under open terminals: everybody is back in the same shell."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.engine.site_learners import Learner, Screen, eventually, learners
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=35)]
TERMINALS = 50 if os.environ.get("SLIPWAY_SOAK") else 20
BACK_SECONDS = 10


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(
        tmp_path_factory.mktemp("console"),
        # Small machines, so that a small host has room for all of them.
        SANDBOX_SHELL_MEMORY_MIB="64",
    ) as running:
        yield running


def come_back(learner: Learner, sandbox_id: str) -> Screen:
    """Open the terminal again, as the page does, until it is there."""
    found: list[Screen] = []

    def again() -> bool:
        found.append(learner.terminal(sandbox_id))
        return True

    eventually(again, BACK_SECONDS, "terminal")
    return found[0]


def test_all_terminals_come_back_to_the_same_shells(
    site: Site, record_property: Callable[[str, object], None]
) -> None:
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
        back = list(threads.map(come_back, people, sandboxes))
        record_property("true_after_seconds", round(time.monotonic() - began, 2))
        assert time.monotonic() - began < BACK_SECONDS

        assert list(threads.map(Screen.shell_pid, back)) == pids
        for number, screen in enumerate(back):
            screen.says("echo it-is-$kept", f"it-is-treasure-{number}\\b")
        list(threads.map(Screen.close, back))
        list(threads.map(Learner.stop, people, sandboxes))
