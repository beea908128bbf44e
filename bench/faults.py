"""What the fault tests found: `python -m bench.faults REPORT... [--write]`.

REPORT is what pytest writes with `--junitxml`; `./test soak` makes one per round. Prints, for
each fault, how often it was caused, how often what must hold did, and the longest time until
what the site says was true again, where the test takes it. `--write` puts the table into
docs/measurements.md. Ends with 1 when anything did not hold.
"""

import argparse
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from bench.measurements import replace_part, where_and_when

BEGIN = "<!-- bench/faults.py -->"


@dataclass
class Fault:
    """One fault over all reports."""

    caused: int = 0
    held: int = 0
    skipped: int = 0
    longest_seconds: float | None = None


def read(report: Path, found: dict[str, Fault]) -> None:
    """Add a report's tests to `found`, by what the test is called without its parameters."""
    for case in ET.parse(report).getroot().iter("testcase"):
        name = case.get("name", "").partition("[")[0].removeprefix("test_").replace("_", " ")
        fault = found.setdefault(name, Fault())
        if case.find("skipped") is not None:
            fault.skipped += 1
            continue
        told = [(p.get("name"), p.get("value", "")) for p in case.iter("property")]
        times = next((int(value) for key, value in told if key == "times"), 1)
        fault.caused += times
        # A test that fails says that one of its faults did not hold; which, is in its output.
        fault.held += times if case.find("failure") is None and case.find("error") is None else 0
        seconds = [float(value) for key, value in told if key == "true_after_seconds"]
        if seconds:
            fault.longest_seconds = max(seconds + [fault.longest_seconds or 0.0])


def table(found: dict[str, Fault]) -> list[str]:
    rows = ["| fault | caused | held | longest to a true state |", "|---|---|---|---|"]
    for name, fault in sorted(found.items()):
        longest = "" if fault.longest_seconds is None else f"{fault.longest_seconds:.1f} s"
        caused = f"{fault.caused}" if fault.caused else f"not run ({fault.skipped} skipped)"
        rows.append(f"| {name} | {caused} | {fault.held} | {longest} |")
    return rows


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
    return 1 if any(fault.held < fault.caused for fault in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
