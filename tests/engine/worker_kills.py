"""Killing a site's worker at a chosen point of its work."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

from tests.engine.site_learners import Learner, containers, eventually
from tests.running_site import Site

FORMAT = "--format={{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}}"
EVENT_SECONDS = 45
# How often a worker is killed at each point.
ROUNDS = 10 if os.environ.get("SLIPWAY_SOAK") else 1


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
        # A data volume is named for its range of user ids, and its events tell no more.
        if what in line and (sandbox_id in line or what.startswith("volume")):
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


def kill_in_a_hand_over(learner: Learner) -> str | None:
    """Start, and kill the worker between its claim of a warm machine's row and "ready".

    The sandbox's id; None when the worker was faster, and was left alive.
    """
    worker = learner.site.child(" worker ")
    with rows_of(learner.site) as rows, ThreadPoolExecutor(1) as threads:
        starting = threads.submit(learner.start)
        deadline = time.monotonic() + EVENT_SECONDS
        while not silences(rows) and not (starting.done() and _is_ready(learner, starting)):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        # Held still first: what the row says now stays true until the kill.
        os.kill(worker, signal.SIGSTOP)
        hit = bool(silences(rows))
        os.kill(worker, signal.SIGKILL if hit else signal.SIGCONT)
        return starting.result() if hit else None


def _is_ready(learner: Learner, starting: "Future[str]") -> bool:
    return bool(learner.look(starting.result())["state"] == "ready")


@contextmanager
def rows_of(site: Site) -> Iterator[sqlite3.Connection]:
    """The site's SQLite file, beside its own processes and only to read."""
    address = f"file:{site.data / 'db.sqlite3'}?mode=ro"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=30)) as rows:
        yield rows


class StartingWatch:
    """Looks at a site all the time: how long a row in `starting` went without a worker, and how
    many containers a row had.

    A worker that lives says so every few seconds, so the age of its last word is the time for
    which the row is left to a dead one.
    """

    def __init__(self, site: Site) -> None:
        self.longest_silence_seconds = 0.0
        self.most_containers = 0
        self.looks = 0
        self._site = site
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "StartingWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        with rows_of(self._site) as rows:
            while not self._over.wait(1.0):
                self.looks += 1
                for age in silences(rows):
                    self.longest_silence_seconds = max(self.longest_silence_seconds, age)
                counted = containers_by_row(self._site, rows)
                self.most_containers = max(self.most_containers, *counted.values(), 0)


def silences(rows: sqlite3.Connection) -> list[float]:
    """Seconds since the last sign of life of each creation under way."""
    found = rows.execute("SELECT heartbeat_at FROM sandbox_sandbox WHERE state = 'starting'")
    now = datetime.now(UTC)
    beats = [datetime.fromisoformat(text).replace(tzinfo=UTC) for (text,) in found]
    return [(now - beat).total_seconds() for beat in beats]


def containers_by_row(site: Site, rows: sqlite3.Connection) -> Counter[str]:
    """How many containers each sandbox has now, those that were made before it included."""
    listing = ["docker", "ps", "--all", "--filter", f"label=slipway.instance={site.instance}"]
    listing += ["--format", '{{.Label "slipway.sandbox"}}']
    labels = subprocess.check_output(listing, text=True).split()
    warm = "SELECT id, sandbox_id FROM sandbox_warmmachine WHERE sandbox_id IS NOT NULL"
    owners = dict(rows.execute(warm).fetchall())
    known = {found for (found,) in rows.execute("SELECT id FROM sandbox_sandbox")}
    found = Counter(owners.get(label, label) for label in labels)
    return Counter({pk: count for pk, count in found.items() if pk in known})
