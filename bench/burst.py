"""A class presses Start at once: `python -m bench.burst [--learners N] [--warm N] [--within S]`.

Runs a site of its own as `./start` does, orders WARM machines (default: one for each of the
50 learners), waits until they are up, then lets all learners press Start within S seconds
(default 1; 0 is the same moment) while somebody else keeps opening a lesson page. Prints, in
seconds: POST to answer, POST to ready, the other pages before and meanwhile; how many were
lost, doubled or refused; and what processor time each process took, the class's own apart.
Ends with 1 when a Start was lost, failed or doubled.

So that memory is not what is measured, its site oversells it: SANDBOX_MEMORY_PERCENT=400 and
SANDBOX_POOL_RESERVE_PERCENT=0, where 80 and 25 are the defaults.

For comparison, the best public figures found for a comparable system, 50 starts at once: 2.0
to 8.4 s, mean 5.8 s, other users' pages 1.2 s on average meanwhile.
"""

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.burst_client import Outcome, Pages, burst, reading
from tests.running_site import Site, running_site

PUBLISHED_MEAN_SECONDS = 5.8
PUBLISHED_PAGES = "published: 1.2 s"
PATIENCE_SECONDS = 600
PAGE = "/courses/playground/shell/"
LESSONS = {"shell": "box", "docker": "docker"}
TOKENS = (
    "from classroom.models import Token, User;"
    "print(*[Token.issue(User.objects.create_user(f'burst-{n}'), 'burst') for n in range(%d, %d)])"
)
# A class shares an address, and the limits of its machines may exceed this host's memory.
GENEROUS = {
    "START_RATE_ADDRESS": "10000/minute",
    "SANDBOX_POOL_RESERVE_PERCENT": "0",
    "SANDBOX_MEMORY_PERCENT": "400",
}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.burst")
    parser.add_argument("--learners", type=int, default=50)
    parser.add_argument("--warm", type=int, help="warm machines, default one for each")
    parser.add_argument("--within", type=float, default=1.0, help="seconds, default 1")
    parser.add_argument("--kind", choices=sorted(LESSONS), default="shell")
    parser.add_argument("--rounds", type=int, default=1)
    found = parser.parse_args()
    found.warm = found.learners if found.warm is None else found.warm
    return found


def warm_up(site: Site, kind: str, count: int) -> None:
    if not count:
        return
    name = LESSONS[kind]
    site.manage("pool", "warm", "--kind", kind, "--name", name, "--count", str(count))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while f"{name}: {count} ready" not in (said := site.manage("pool", "show")):
        if time.monotonic() > deadline:
            raise TimeoutError(said)
        time.sleep(2)


class Processors:
    """Processor seconds that the site's processes and the engine took since `begin`."""

    def __init__(self, site: Site) -> None:
        self._pids = {"site": site.child("uvicorn"), "redis": site.child("valkey-server")}
        self._pids["worker"] = site.child("celery -A config -q worker")
        self._pids |= {f"engine ({name})": pid for name, pid in _engine().items()}
        self._before = self._now()

    def _now(self) -> dict[str, float]:
        return {name: _processor_seconds(pid) for name, pid in self._pids.items()}

    def spent(self) -> dict[str, float]:
        return {name: now - self._before[name] for name, now in self._now().items()}


def _engine() -> dict[str, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name = (entry / "comm").read_text().strip()
                own = os.readlink(entry / "ns/pid") == os.readlink("/proc/self/ns/pid")
            except OSError:
                continue
            # Those inside machines have namespaces of their own.
            if own and name in ("dockerd", "containerd"):
                found[name] = int(entry.name)
    return found


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """How many Starts were lost, failed or doubled."""
    wanted, wrong = options(), 0
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder), **GENEROUS) as site:
        for number in range(wanted.rounds):
            first = number * wanted.learners
            code = TOKENS % (first, first + wanted.learners)
            tokens = site.manage("shell", "-v", "0", "-c", code).split()
            warm_up(site, wanted.kind, wanted.warm)
            time.sleep(3)
            with reading(site.port, PAGE) as idle:
                time.sleep(6)
            with reading(site.port, PAGE) as busy:
                time.sleep(1)  # the reader is a process that has to come up
                processors, own = Processors(site), time.process_time()
                outcomes = asyncio.run(burst(site.port, tokens, wanted.within, wanted.kind))
                spent = processors.spent() | {"the class": time.process_time() - own}
            # Refilling is another matter, and the end would wait for it.
            site.manage("pool", "cancel")
            wrong += report(wanted, outcomes, idle, busy, spent)
            if any(outcome.state != "ready" for outcome in outcomes):
                print((site.data / "site.log").read_text()[-3000:])
    return wrong


def report(
    wanted: argparse.Namespace,
    outcomes: list[Outcome],
    idle: Pages,
    busy: Pages,
    spent: dict[str, float],
) -> int:
    """Print what was measured; how many were lost, failed or doubled."""
    print(
        f"{platform.platform()}, {os.cpu_count()} processors; {wanted.learners} Starts within "
        f"{wanted.within:.1f} s, {wanted.warm} warm; memory oversold: "
        f"{GENEROUS['SANDBOX_MEMORY_PERCENT']} % of this host's, no reserve"
    )
    ready = [o.ready for o in outcomes if o.state == "ready"]
    for name, values in (("answer", [o.answered for o in outcomes if o.sandbox]), ("ready", ready)):
        if values:
            spread = f"min {min(values):.2f}  max {max(values):.2f}"
            middle = f"mean {statistics.mean(values):.2f}  median {statistics.median(values):.2f}"
            print(f"{name:7} {len(values):3}  {middle}  {spread} s")
    refused = sum(o.state == "refused" for o in outcomes)
    doubled = len([o for o in outcomes if o.sandbox]) - len({o.sandbox for o in outcomes} - {""})
    lost = len(outcomes) - len(ready) - refused
    placed = sum(o.position is not None for o in outcomes)
    print(f"refused {refused}, lost or failed {lost}, doubled {doubled}; {placed} with a position")
    print(f"other pages ({len(idle.seconds)} before, {len(busy.seconds)} meanwhile)")
    for name, of, goal in (("p95", Pages.p95, "goal 2"), ("mean", Pages.mean, PUBLISHED_PAGES)):
        before, meanwhile = of(idle), of(busy)
        print(
            f"  {name:4} {before * 1000:.0f} ms idle, {meanwhile * 1000:.0f} ms meanwhile; "
            f"idle to meanwhile {meanwhile / before:.1f} x ({goal})"
        )
    print("processor time: " + ", ".join(f"{name} {s:.2f} s" for name, s in spent.items()))
    if ready:
        ratio = PUBLISHED_MEAN_SECONDS / statistics.mean(ready)
        print(f"mean against the published {PUBLISHED_MEAN_SECONDS} s: {ratio:.1f} x (goal 3)")
    return lost + doubled


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
