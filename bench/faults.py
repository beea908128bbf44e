"""What the fault tests found: `python -m bench.faults REPORT... [--write]`.

REPORT is what pytest writes with `--junitxml`; `./test soak` makes one per round. Prints, for
each row of the table of faults, how often it was caused, how often what must hold did, and the
longest time until what the site says was true again, where a test takes it. `--write` puts the
table into docs/measurements.md. Ends with 1 when anything did not hold or was never caused.
"""

import argparse
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from bench.measurements import replace_part, where_and_when

BEGIN = "<!-- bench/faults.py -->"
# By the word of `pytest.mark.fault`: what is done, and what must hold.
ROWS = {
    "worker": (
        "worker killed at 5 points of a creation and of a removal, and in a warm hand-over",
        "exactly one container or none; nothing `starting` for 60 s",
    ),
    "redis": (
        "Redis killed for 30 s, and emptied",
        "terminals live; Starts work within 30 s; nothing doubled",
    ),
    "engine": (
        "engine killed, stopped in order, and killed under machines that outlive it",
        "open pages told within 10 s; true within 15 s; the same shell where it lived on",
    ),
    "console": (
        "site killed under 50 open terminals",
        "all back within 10 s, in the same shells",
    ),
    "reboot": (
        "site cut off and started again, all containers gone or dead, rows left",
        "rows ended in one pass; a Start that was under way is carried on",
    ),
    "strays": (
        "50 strays, 5 containers of others, a removal that hangs",
        "strays gone in two passes, others untouched, the pass goes on",
    ),
    "posts": ("20 Starts of one learner at once", "one sandbox"),
    "expiry": (
        "time over in the middle of a task, also without the reaper",
        "warned 2 min before; gone within 30 s; ends by itself",
    ),
    "disk": ("disk full", "Starts refused with the reason; the reaper works"),
    "clock": ("clock set by a day, and back", "nobody ended; deadlines moved, and said"),
    "missing": ("image missing, engine away", "a clear error within 5 s; nothing pulled"),
    "beats": ("two beats, two ticks at once", "nothing doubled"),
    "boots": ("guests booted again and again", "each comes to its prompt"),
    "guests": ("10 virtual machines started at once", "all come, few boot at a time"),
}


@dataclass
class Fault:
    """One fault over all reports."""

    caused: int = 0
    held: int = 0
    skipped: int = 0
    longest_seconds: float | None = None


def read(report: Path, found: dict[str, Fault]) -> None:
    """Add a report's tests to `found`, by their rows.

    Raises KeyError for a test that names none, or one that is unknown.
    """
    for case in ET.parse(report).getroot().iter("testcase"):
        told = [(p.get("name"), p.get("value", "")) for p in case.iter("property")]
        row = next((value for key, value in told if key == "fault"), case.get("name", ""))
        if row not in ROWS:
            raise KeyError(f"{row}: no row of the table of faults")
        fault = found.setdefault(row, Fault())
        if case.find("skipped") is not None:
            fault.skipped += 1
            continue
        times = next((int(value) for key, value in told if key == "times"), 1)
        fault.caused += times
        # A test that fails says that one of its faults did not hold; which, is in its output.
        fault.held += times if case.find("failure") is None and case.find("error") is None else 0
        seconds = [float(value) for key, value in told if key == "true_after_seconds"]
        if seconds:
            fault.longest_seconds = max(seconds + [fault.longest_seconds or 0.0])


def table(found: dict[str, Fault]) -> list[str]:
    rows = [
        "| fault | must hold | caused | held | longest to a true state |",
        "|---|---|---|---|---|",
    ]
    for row, (what, must_hold) in ROWS.items():
        fault = found.get(row, Fault())
        longest = "" if fault.longest_seconds is None else f"{fault.longest_seconds:.1f} s"
        skipped = f", {fault.skipped} skipped" if fault.skipped else ""
        caused = f"{fault.caused}{skipped}" if fault.caused else f"not caused{skipped}"
        rows.append(f"| {what} | {must_hold} | {caused} | {fault.held} | {longest} |")
    return rows


def is_whole(found: dict[str, Fault]) -> bool:
    """Whether every row was caused, and held each time."""
    faults = [found.get(row, Fault()) for row in ROWS]
    return all(fault.caused and fault.held == fault.caused for fault in faults)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.faults")
    parser.add_argument("reports", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args()
    found: dict[str, Fault] = {}
    for report in wanted.reports:
        read(report, found)
    rounds = len(wanted.reports)
    said = [f"{where_and_when()}: {rounds} round{'s' * (rounds > 1)}.", "", *table(found)]
    print("\n".join(said))
    if wanted.write:
        replace_part(BEGIN, "\n".join(said))
    return 0 if is_whole(found) else 1


if __name__ == "__main__":
    sys.exit(main())
