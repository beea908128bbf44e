"""Killing a site's worker at a chosen point of its work."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
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


class StartingWatch:
    """Looks at a site's rows in `starting` all the time: how long one went without a worker.

    A worker that lives says so every few seconds, so the age of its last word is the time for
    which the row is left to a dead one. Read beside the site's own processes, from its SQLite file.
    """

    def __init__(self, site: Site) -> None:
        self.longest_silence_seconds = 0.0
        self.looks = 0
        self._address = f"file:{site.data / 'db.sqlite3'}?mode=ro"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "StartingWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        with contextlib.closing(sqlite3.connect(self._address, uri=True, timeout=30)) as rows:
            while not self._over.wait(0.5):
                self.looks += 1
                for age in silences(rows):
                    self.longest_silence_seconds = max(self.longest_silence_seconds, age)


def silences(rows: sqlite3.Connection) -> list[float]:
    """Seconds since the last sign of life of each creation under way."""
    found = rows.execute("SELECT heartbeat_at FROM sandbox_sandbox WHERE state = 'starting'")
    now = datetime.now(UTC)
    beats = [datetime.fromisoformat(text).replace(tzinfo=UTC) for (text,) in found]
    return [(now - beat).total_seconds() for beat in beats]
