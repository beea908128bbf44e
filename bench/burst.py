"""A class presses Start at once: `python -m bench.burst [LEARNERS] [WARM]`.

Runs a site of its own as `./start` does, orders WARM `shell` machines (default: as many as
LEARNERS, 50), waits until they are up, then lets all learners press Start within one second
while somebody else keeps opening a lesson page. Prints, in seconds: POST to answer, POST to
ready, the other pages before and meanwhile; and how many were lost, doubled or refused.

For comparison, the best public figures found for a comparable system, 50 starts at once: 2.0
to 8.4 s, mean 5.8 s, other users' pages 1.2 s on average meanwhile.
"""

import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from websockets.sync.client import connect

from tests.running_site import Site, running_site

LEARNERS = int(sys.argv[1]) if len(sys.argv) > 1 else 50
WARM = int(sys.argv[2]) if len(sys.argv) > 2 else LEARNERS
PUBLISHED_MEAN_SECONDS = 5.8
PATIENCE_SECONDS = 240
TOKENS = (
    "from classroom.models import Token, User;"
    "print(*[Token.issue(User.objects.create_user(f'burst-{n}'), 'burst') for n in range(%d)])"
)


@dataclass
class Outcome:
    """What one learner got: seconds to the answer and to ready, status, state, sandbox id."""

    answered: float = 0.0
    ready: float = 0.0
    status: int = 0
    position: int | None = None
    state: str = ""
    sandbox: str = ""


@dataclass
class Pages:
    """Somebody who reads: opens a lesson page again and again."""

    site: Site
    seconds: list[float] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        while not self.stop.is_set():
            began = time.perf_counter()
            with urllib.request.urlopen(f"{self.site.url}/courses/playground/shell/") as page:
                page.read()
            self.seconds.append(time.perf_counter() - began)
            time.sleep(0.1)

    def p95(self) -> float:
        return statistics.quantiles(self.seconds, n=20)[-1]


@contextmanager
def reading(site: Site) -> Iterator[Pages]:
    """Somebody reads while the block runs."""
    pages = Pages(site)
    reader = threading.Thread(target=pages.read)
    reader.start()
    try:
        yield pages
    finally:
        pages.stop.set()
        reader.join()


def press(site: Site, token: str, begin: threading.Barrier) -> Outcome:
    """One learner's Start, watched until ready or over."""
    outcome = Outcome()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = json.dumps({"course": "playground", "lesson": "shell"}).encode()
    request = urllib.request.Request(f"{site.url}/api/v1/sandboxes", body, headers)
    begin.wait()
    began = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            said, outcome.status = json.loads(answer.read()), answer.status
    except urllib.error.HTTPError as error:
        outcome.status, outcome.state = error.code, "refused"
        return outcome
    outcome.answered = time.perf_counter() - began
    outcome.sandbox, outcome.position = said["id"], said["queue_position"]
    address = site.url.replace("http", "ws", 1) + f"/ws/sandboxes/{said['id']}/events"
    with connect(address, additional_headers=headers, proxy=None, open_timeout=60) as events:
        while outcome.state not in ("ready", "failed", "gone"):
            event = json.loads(events.recv(timeout=PATIENCE_SECONDS))
            outcome.state = event.get("sandbox", {}).get("state", outcome.state)
    outcome.ready = time.perf_counter() - began
    return outcome


def warm_up(site: Site) -> None:
    if not WARM:
        return
    order = ("--kind", "shell", "--name", "box", "--count", str(WARM))
    site.manage("pool", "warm", *order)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while f"box: {WARM} ready" not in (said := site.manage("pool", "show")):
        if time.monotonic() > deadline:
            raise TimeoutError(said)
        time.sleep(1)


def main() -> None:
    generous = {"START_RATE_ADDRESS": "10000/minute", "SANDBOX_POOL_RESERVE_PERCENT": "0"}
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder), **generous) as site:
        tokens = site.manage("shell", "-v", "0", "-c", TOKENS % LEARNERS).split()
        warm_up(site)
        time.sleep(3)
        begin = threading.Barrier(LEARNERS)
        with reading(site) as idle:
            time.sleep(5)
        with reading(site) as busy, ThreadPoolExecutor(LEARNERS) as threads:
            outcomes = list(threads.map(lambda token: press(site, token, begin), tokens))
        report(outcomes, idle, busy)


def report(outcomes: list[Outcome], idle: Pages, busy: Pages) -> None:
    print(f"{platform.platform()}, {os.cpu_count()} processors; {LEARNERS} Starts, {WARM} warm")
    ready = [o.ready for o in outcomes if o.state == "ready"]
    for name, values in (("answer", [o.answered for o in outcomes if o.sandbox]), ("ready", ready)):
        if values:
            spread = f"min {min(values):.2f}  max {max(values):.2f}"
            middle = f"mean {statistics.mean(values):.2f}  median {statistics.median(values):.2f}"
            print(f"{name:7} {len(values):3}  {middle}  {spread} s")
    refused = sum(o.state == "refused" for o in outcomes)
    doubled = len([o for o in outcomes if o.sandbox]) - len({o.sandbox for o in outcomes} - {""})
    lost = len(outcomes) - len(ready) - refused
    print(f"refused {refused}, lost or failed {lost}, doubled {doubled}")
    print(
        f"pages: p95 {idle.p95() * 1000:.0f} ms idle, {busy.p95() * 1000:.0f} ms meanwhile "
        f"({busy.p95() / idle.p95():.1f} x, goal 2)"
    )
    if ready:
        ratio = PUBLISHED_MEAN_SECONDS / statistics.mean(ready)
        print(f"mean against the published {PUBLISHED_MEAN_SECONDS} s: {ratio:.1f} x (goal 3)")


if __name__ == "__main__":
    main()
