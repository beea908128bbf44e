"""Starts and stops for a long while: `python -m bench.soak [--minutes M] [--learners N] [--write]`.

Runs a site of its own as `./start` does; N learners (default 4) start, type and stop again and
again, three times a `shell` machine and then a `docker` one. Every few seconds the site's
processes are looked at: file descriptors, threads, open database files, memory. What grows from
the second quarter to the last one is said, and the command ends with 1. `--write` puts the
figures into docs/measurements.md.
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.caller import Caller
from bench.measurements import replace_part, where_and_when
from tests.running_site import Site, running_site

PROCESSES = {"site": "uvicorn", "worker": " worker ", "beat": " beat ", "redis": "valkey-server"}
FIGURES = ("descriptors", "threads", "database files", "memory MiB")
# What may be there more at the end than in the second quarter: pools that fill, a heap's edge.
ALLOWED = {"descriptors": 8, "threads": 4, "database files": 4, "memory MiB": 12}
EVERY_SECONDS = 3
LESSONS = [("shell", "box")] * 3 + [("docker", "docker")]
BEGIN = "<!-- bench/soak.py -->"


@dataclass
class Learner:
    """One who never stops beginning."""

    caller: Caller
    starts: int = 0
    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def work(self, over: threading.Event) -> None:
        while not over.is_set():
            try:
                _, prompt = self.caller.start(*LESSONS[self.starts % len(LESSONS)])
                self.seconds.append(prompt)
            except Exception as error:
                self.faults.append(f"{type(error).__name__}: {error}"[:200])
                time.sleep(5)
            self.starts += 1


def figures_of(pid: int) -> tuple[float, ...]:
    """In the order of FIGURES."""
    folder = Path("/proc") / str(pid)
    targets = []
    for entry in (folder / "fd").iterdir():
        try:
            targets.append(os.readlink(entry))
        except OSError:
            continue
    status = dict(
        line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line
    )
    databases = sum(target.endswith("db.sqlite3") for target in targets)
    memory = int(status["VmRSS"].split()[0]) / 1024
    return len(targets), int(status["Threads"]), databases, memory


def watch(site: Site, over: float) -> dict[str, list[tuple[float, ...]]]:
    """Figures of each process, every few seconds until `over` (monotonic)."""
    pids = {name: site.child(word) for name, word in PROCESSES.items()}
    seen: dict[str, list[tuple[float, ...]]] = {name: [] for name in pids}
    while time.monotonic() < over:
        for name, pid in pids.items():
            seen[name].append(figures_of(pid))
        time.sleep(EVERY_SECONDS)
    return seen


def quarters(samples: list[tuple[float, ...]], figure: int) -> tuple[float, float]:
    """Medians of the second quarter, when everything has been used once, and of the last one."""
    values = [sample[figure] for sample in samples]
    quarter = max(1, len(values) // 4)
    return statistics.median(values[quarter : 2 * quarter] or values), statistics.median(
        values[-quarter:]
    )


def table(seen: dict[str, list[tuple[float, ...]]]) -> tuple[list[str], list[str]]:
    """Rows of the table, and what has grown."""
    rows = ["| process | " + " | ".join(FIGURES) + " |", "|---" * (len(FIGURES) + 1) + "|"]
    grown = []
    for name, samples in seen.items():
        cells = []
        for number, figure in enumerate(FIGURES):
            before, after = quarters(samples, number)
            cells.append(f"{before:.0f} → {after:.0f}")
            if after - before > ALLOWED[figure]:
                grown.append(f"{figure} of {name} grew from {before:.0f} to {after:.0f}")
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return rows, grown


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--learners", type=int, default=4)
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args()
    environment = {
        "START_RATE_LEARNER": "100000/minute",
        "START_RATE_ADDRESS": "100000/minute",
        "SANDBOX_POOL_SHELL": "2",
        "SANDBOX_POOL_DOCKER": "1",
    }
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder), **environment) as site:
        learners = [Learner(Caller(site, f"soak-{n}")) for n in range(wanted.learners)]
        over = threading.Event()
        threads = [threading.Thread(target=one.work, args=(over,)) for one in learners]
        for thread in threads:
            thread.start()
        seen = watch(site, time.monotonic() + 60 * wanted.minutes)
        over.set()
        for thread in threads:
            thread.join()
        faults = [fault for one in learners for fault in one.faults]
        print((Path(folder) / "site.log").read_text()[-2000:] if faults else "", end="")
    rows, grown = table(seen)
    taken = [seconds for one in learners for seconds in one.seconds]
    said = [
        f"{where_and_when()}: "
        f"{len(taken)} starts and stops by {wanted.learners} learners in {wanted.minutes:g} minutes, "
        f"median {statistics.median(taken or [0]):.2f} s to the prompt, {len(faults)} faults. "
        "Median of the second quarter → of the last one.",
        "",
        *rows,
        "",
        "Grown: " + ("; ".join(grown) or "nothing") + ".",
    ]
    print("\n".join([*said, *faults[:10]]))
    if wanted.write:
        replace_part(BEGIN, "\n".join(said))
    return 1 if grown or faults else 0


if __name__ == "__main__":
    sys.exit(main())
