"""Our terminal next to others, in one run: `python -m bench.terminal`, about 6 minutes.

Parties, each with a shell in a container of the `shell` image:

- ours: a browser's WebSocket to a site as `./start` runs it, root beside its engine;
- ours, by exec: the same of a console that may not enter machines' network namespaces;
- engine: a container's own TTY on the engine's socket, without any WebSocket;
- terminado: `docker exec -it` on its pseudo-terminal, as its users do; from pip, else absent;
- ttyd: the same; if a `ttyd` is on the PATH, else absent.

`--only echo,slow` runs a part of it, `--open`, `--mebibytes` and `--gigabytes` make it smaller.
Samples are interleaved: one of each party in turn; `n=` says how many there was time for.
Processor and memory are those of the server's process tree. That of terminado and ttyd has a
client, `docker exec`, for each terminal; the engine's share is left out for all.
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


def against(own: str, of: dict[str, float]) -> str:
    """`own` figure as multiples of those it is compared with."""
    return "".join(
        f"  {of[own] / of[peer]:5.2f} x {peer}"
        for peer in ("engine", "terminado", "ttyd")
        if peer != own and of.get(peer)
    )


def print_times(title: str, asked: int, taken: dict[str, list[float]], of: Any) -> None:
    print(f"\n{title}, {asked} samples asked")
    compared = {name: of(values) for name, values in taken.items()}
    for name, values in taken.items():
        print(
            f"  {name:13} n={len(values):4}  p50 {median(values) * 1000:7.2f} ms"
            f"  p95 {p95(values) * 1000:7.2f} ms{against(name, compared)}"
        )


def report_throughput(parties: list[Party], mebibytes: int) -> None:
    rounds = throughput(parties, mebibytes)
    print(f"\n{mebibytes} MiB of lines, {len(rounds['ours'])} rounds")
    for i, unit in ((0, "MiB/s"), (1, "s of processor per 100 MiB")):
        of = {name: median([each[i] for each in taken]) for name, taken in rounds.items()}
        for name, value in of.items():
            if value:  # nothing is looked at where there is no server
                print(f"  {name:13} {value:7.2f} {unit}{against(name, of)}")


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
    printed, grown, slowly = slow_viewer(site.child("uvicorn"), open_one, mebibytes)
    print(f"\na viewer at 50 KB/s while {printed:.0f} MiB are printed (asked: {mebibytes}):")
    print(f"  the console grows by {grown:.1f} MiB (goal 8)")
    print(f"  the viewer is still connected, {slowly:.1f} MiB were taken by it")


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
            "echo": lambda: print_times(
                "echo, idle", options.samples, echoes(parties, options.samples), median
            ),
            "flood": lambda: print_times(
                "echo while another session floods",
                options.samples,
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
