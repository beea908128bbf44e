"""Looks around in a machine: `python3 - SHELL_PID` prints one JSON object.

Keys: kernel, boot, hostname; processes (this program and what started it left out); pss_bytes
(the sum of what /proc/PID/smaps_rollup calls Pss) with unreadable (processes whose memory
may not be read); up_seconds, from the first process's start to the shell's, or null when
that shell is gone. Source: proc(5), "/proc/pid/stat", "/proc/pid/smaps_rollup".
"""

import json
import os
import sys

START_FIELD = 19  # the 22nd, counted behind the name in parentheses


def stat_of(pid: int) -> list[str]:
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()


def ancestors() -> set[int]:
    """This process and its parents below PID 1: they are here only because we look."""
    found, pid = set(), os.getpid()
    while pid > 1:
        found.add(pid)
        pid = int(stat_of(pid)[1])
    return found


def pss_of(pid: int) -> int:
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next((int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:")), 0)


def read(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def up_seconds(shell: int) -> float | None:
    ticks = os.sysconf("SC_CLK_TCK")
    try:
        return (int(stat_of(shell)[START_FIELD]) - int(stat_of(1)[START_FIELD])) / ticks
    except OSError:
        return None


def main() -> None:
    own = ancestors()
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in own]
    pss = unreadable = gone = 0
    for pid in pids:
        try:
            pss += pss_of(pid)
        except PermissionError:
            unreadable += 1
        except OSError:
            gone += 1
    said = {
        "kernel": os.uname().release,
        "boot": read("/proc/sys/kernel/random/boot_id"),
        "hostname": os.uname().nodename,
        "processes": len(pids) - gone,
        "pss_bytes": pss,
        "unreadable": unreadable,
        "up_seconds": up_seconds(int(sys.argv[1])),
    }
    print(json.dumps(said))


main()
