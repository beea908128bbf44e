"""Our terminal next to others, in one run: `python -m bench.terminal`, about 6 minutes.

Parties, each with a shell in a container of the `shell` image:

- ours: a browser's WebSocket to a site as `./start` runs it, root beside its engine;
- ours, by exec: the same of a console that may not enter machines' network namespaces;
- engine: a container's own TTY on the engine's socket, without any WebSocket;
- terminado: `docker exec -it` on its pseudo-terminal, as its users do; from pip, else absent;
- ttyd: the same; if a `ttyd` is on the PATH, else absent.

`--only echo,slow` runs a part of it, `--open`, `--mebibytes` and `--gigabytes` make it smaller.
Samples are interleaved: one of each party in turn. Processor and memory are those of the
server's process tree (the engine's share is the same for all and left out).
"""

import argparse
import contextlib
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.terminal_figures import (
    MIB,
    Party,
    echoes,
    echoes_beside_a_flood,
    idle_terminals,
    interrupt_seconds,
    slow_viewer,
    throughput,
)
from bench.terminal_parties import others, ours
from tests.running_site import Site, running_site

LIMITS = {
    "TERMINALS_PER_MACHINE": "400",
    "TERMINAL_SOCKETS_PER_LEARNER": "1000",
    "SANDBOX_SHELL_PIDS": "2000",
    "SANDBOX_SHELL_MEMORY_MIB": "3072",
    "SANDBOX_SHELL_CPUS": "2",
    "TERMINAL_RECORDING": "false",
    # A client that waits for its turn answers no pings meanwhile.
    "UVICORN_WS_PING_TIMEOUT": "600",
}


def median(values: list[float]) -> float:
    return statistics.median(values)


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def print_times(title: str, taken: dict[str, list[float]], of: Any) -> None:
    print(f"\n{title}")
    for name, values in taken.items():
        against = "".join(
            f"  {of(values) / of(taken[peer]):5.2f} x {peer}"
            for peer in ("engine", "terminado", "ttyd")
            if peer in taken and peer != name
        )
        print(
            f"  {name:13} p50 {median(values) * 1000:7.2f} ms  p95 {p95(values) * 1000:7.2f} ms{against}"
        )


def report_throughput(parties: list[Party], mebibytes: int) -> None:
    print(f"\n{mebibytes} MiB of lines")
    for name, rounds in throughput(parties, mebibytes).items():
        rate, cpu = (median([figures[i] for figures in rounds]) for i in (0, 1))
        print(f"  {name:13} {rate:7.1f} MiB/s  {cpu:5.2f} s of processor per 100 MiB")


def report_interrupt(parties: list[Party]) -> None:
    print("\nCtrl-C in a flood to the prompt, for a client that takes so much a second")
    ours_and_the_limit = [p for p in parties if p.name.startswith(("ours", "engine"))]
    for rate in (5, 20, 1000):
        for party in ours_and_the_limit:
            taken = [interrupt_seconds(party.client, rate * MIB) * 1000 for _ in range(3)]
            print(
                f"  {rate:4} MiB/s  {party.name:13} median {median(taken):6.0f} ms,"
                f" most {max(taken):6.0f} ms"
            )


def report_idle(site: Site, open_one: Any, count: int) -> None:
    opened, each, taken = idle_terminals(site.child("uvicorn"), open_one, count)
    print(f"\n{opened} open terminals (asked: {count}): {each:.0f} KiB each (goal 200)")
    print(f"  echo p50 {median(taken) * 1000:.1f} ms, p95 {p95(taken) * 1000:.1f} ms (goal 50)")


def report_slow(site: Site, open_one: Any, mebibytes: int) -> None:
    printed, grown = slow_viewer(site.child("uvicorn"), open_one, mebibytes)
    print(f"\na viewer at 50 KB/s while {printed:.0f} MiB are printed (asked: {mebibytes}):")
    print(f"  the console grows by {grown:.1f} MiB (goal 8)")


def options_of() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--open", type=int, default=300, help="terminals of the idle figures")
    parser.add_argument("--mebibytes", type=int, default=100)
    parser.add_argument("--gigabytes", type=float, default=2.0, help="of the slow viewer's figure")
    parser.add_argument("--only", default="echo,flood,throughput,interrupt,idle,slow")
    return parser.parse_args()


def main() -> None:
    options = options_of()
    # Whoever breaks it off leaves no site and no machine behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    one, two = (Path(tempfile.mkdtemp(prefix="slipway-bench-")) for _ in range(2))
    with (
        running_site(one, **LIMITS) as site,
        running_site(two, **LIMITS, CONSOLE_ENTERS_NAMESPACES="false") as second,
        contextlib.ExitStack() as stack,
    ):
        open_one, open_other = ours(site)
        parties = []
        for name, its in (("ours", site), ("ours, by exec", second)):
            opened, other = (open_one, open_other) if its is site else ours(its)
            parties.append(Party(name, its.child("uvicorn"), opened))
            # A second session of the same server, for the flood, is another machine's.
            parties[-1].open = other
        parties += others(stack)
        web = [party for party in parties if party.name != "engine"]
        reports: dict[str, Callable[[], None]] = {
            "echo": lambda: print_times("echo, idle", echoes(parties, options.samples), median),
            "flood": lambda: print_times(
                "echo while another session floods",
                echoes_beside_a_flood(web, options.samples),
                p95,
            ),
            "throughput": lambda: report_throughput(parties, options.mebibytes),
            "interrupt": lambda: report_interrupt(parties),
            "idle": lambda: report_idle(site, open_other, options.open),
            "slow": lambda: report_slow(site, open_one, int(options.gigabytes * 1e9 / MIB)),
        }
        for name in options.only.split(","):
            began = time.monotonic()
            reports[name]()
            print(f"  ({name}: {time.monotonic() - began:.0f} s)")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
