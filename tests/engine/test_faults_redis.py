"""Redis killed, and Redis emptied: costs a moment, never a sandbox and never two."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
import redis

from tests.engine.conftest import TrueAfter
from tests.engine.site_learners import Learner, containers, eventually, learners
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=35)]
AWAY_SECONDS = 30 if os.environ.get("SLIPWAY_SOAK") else 4
BACK_SECONDS = 30
# The server names itself so, with its address, in the list of processes.
SERVER = "valkey-server "


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("redis")
    with running_site(folder, SANDBOX_STALL_SECONDS="6") as running:
        yield running


def flush(site: Site) -> None:
    """Empty the site's Redis: messages, bindings, subscribers' groups, rate limits."""
    pid = site.child(SERVER)
    title = subprocess.check_output(["ps", "-ww", "-o", "args=", "-p", str(pid)], text=True)
    redis.Redis(port=int(title.split()[1].rpartition(":")[2])).flushall()


@contextmanager
def away(site: Site, seconds: float) -> Iterator[Future[None]]:
    """Kill Redis, and for so long whatever the supervisor starts in its place.

    What the block does is done meanwhile: the future is not done as long as Redis is away.
    """
    os.kill(site.child(SERVER), signal.SIGKILL)

    def keep_away() -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # Not always started again yet.
            with suppress(StopIteration, ProcessLookupError):
                os.kill(site.child(SERVER), signal.SIGKILL)
            time.sleep(0.05)

    with ThreadPoolExecutor(1) as threads:
        outage = threads.submit(keep_away)
        yield outage
        outage.result()


def starts_again(learner: Learner) -> float:
    """Start must work within half a minute, refused before or not, and make one machine.

    Returns the seconds that took.
    """
    began = time.monotonic()
    eventually(lambda: learner.start(), BACK_SECONDS, "Start")
    sandbox_id = learner.start()
    now = learner.wait_for(sandbox_id, seconds=began + BACK_SECONDS - time.monotonic())
    assert now["state"] == "ready", now
    assert len([name for name in containers(learner.site) if sandbox_id in name]) == 1
    seconds = round(time.monotonic() - began, 2)
    learner.stop(sandbox_id)
    return seconds


@pytest.mark.fault("redis")
def test_terminals_live_without_redis_and_starts_come_back(
    site: Site, true_after: TrueAfter
) -> None:
    working, late = learners(site, "working", "late")
    sandbox_id = working.ready()
    terminal = working.terminal(sandbox_id)
    pid = terminal.shell_pid()
    with away(site, AWAY_SECONDS) as outage:
        typed = 0
        while not outage.done():
            terminal.says(f"echo typed-$((1000 + {typed}))", f"typed-{1000 + typed}")
            typed += 1
            time.sleep(0.2)
    assert typed >= AWAY_SECONDS, "typed and answered once a second at least, all the time"
    assert terminal.shell_pid() == pid
    true_after(starts_again(late))
    assert terminal.shell_pid() == pid
    assert len([name for name in containers(site) if sandbox_id in name]) == 1
    terminal.close()
    working.stop(sandbox_id)


@pytest.mark.fault("redis")
def test_a_start_whose_message_was_flushed_is_ready_all_the_same(
    site: Site, true_after: TrueAfter
) -> None:
    working, late, later = learners(site, "at-work", "flushed", "after")
    sandbox_id = working.ready()
    terminal = working.terminal(sandbox_id)
    pid = terminal.shell_pid()
    worker = site.child(" worker ")
    # Held still, the worker can't take the message before it is lost.
    os.kill(worker, signal.SIGSTOP)
    try:
        lost = late.start()
        flush(site)
        began = time.monotonic()
    finally:
        os.kill(worker, signal.SIGCONT)
    assert late.wait_for(lost, seconds=BACK_SECONDS)["state"] == "ready"
    true_after(time.monotonic() - began)
    assert len([name for name in containers(site) if lost in name]) == 1
    starts_again(later)
    assert terminal.shell_pid() == pid
    terminal.close()
    late.stop(lost)
    working.stop(sandbox_id)
