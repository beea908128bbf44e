"""Our terminal next to others, in one run: `python -m bench.terminal [--samples N] [--open N]`.

Parties, each with a shell in a container of the `shell` image:

- ours: a browser's WebSocket to a site as `./start` runs it, main terminal;
- ours, extra: the same, a terminal beside the main one, with its holder;
- engine: the container's main terminal on the engine's socket, without any WebSocket;
- terminado: `docker exec -it` on its pseudo-terminal, as its users do; from pip, else absent;
- ttyd: the same; if a `ttyd` is on the PATH, else absent.

Samples are interleaved: one of each party in turn. Processor and memory are those of the
server's process tree (the engine's share is the same for all and left out).
"""

import argparse
import contextlib
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.processes import cpu_seconds, memory_bytes
from bench.start import Caller
from bench.terminal_clients import (
    EngineSocket,
    Slipway,
    Terminado,
    Ttyd,
    count_until,
    synchronise,
    until,
)
from sandbox.images import image_ref
from tests.running_site import Site, running_site

MIB = 1024 * 1024
CACHE = Path.home() / ".cache" / "slipway" / "bench"
TEXT = "the quick brown fox jumps over the lazy dog, again and again"
FLOOD = f"yes '{TEXT}'\r".encode()
LINE = f"echo {{tag}}; yes '{TEXT}' | head -c {{size}}; echo e''nd-{{tag}}\r"
LIMITS = {
    "TERMINALS_PER_MACHINE": "400",
    "TERMINAL_SOCKETS_PER_LEARNER": "1000",
    "SANDBOX_SHELL_PIDS": "2000",
    "SANDBOX_SHELL_MEMORY_MIB": "3072",
    "SANDBOX_SHELL_CPUS": "2",
    "TERMINAL_RECORDING": "false",
}


class Party:
    """A server, and how to open another terminal of it."""

    def __init__(self, name: str, server: int | None, open_one: Any) -> None:
        self.name, self.server, self.open = name, server, open_one
        self.client = open_one()
        synchronise(self.client)


# What is measured


def echo_seconds(client: Any) -> float:
    """From a key to its echo. The line is taken back now and then."""
    began = time.perf_counter()
    client.write(b"x")
    while b"x" not in client.read(10):
        pass
    return time.perf_counter() - began


def echoes(parties: list[Party], samples: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {party.name: [] for party in parties}
    for number in range(samples):
        for party in parties:
            taken[party.name].append(echo_seconds(party.client))
            if number % 60 == 59:
                party.client.write(b"\x15")
                while party.client.read(0.05):
                    pass
    for party in parties:
        party.client.write(b"\x15")
        synchronise(party.client)
    return taken


def _flood(open_one: Any, ready: Any, stop: Any) -> None:
    client = open_one()
    synchronise(client)
    client.write(FLOOD)
    ready.set()
    with contextlib.suppress(EOFError):
        while not stop.is_set():
            client.read(1)
    client.write(b"\x03")
    with contextlib.suppress(EOFError, TimeoutError):
        synchronise(client)
    client.close()


def echoes_beside_a_flood(
    parties: list[Party], samples: int, rounds: int = 4
) -> dict[str, list[float]]:
    """Another session of the same server floods, read as fast as a client can."""
    taken: dict[str, list[float]] = {party.name: [] for party in parties}
    context = multiprocessing.get_context("fork")
    for _ in range(rounds):
        for party in parties:
            ready, stop = context.Event(), context.Event()
            flood = context.Process(target=_flood, args=(party.open, ready, stop))
            flood.start()
            ready.wait(30)
            time.sleep(0.5)
            taken[party.name] += echoes([party], samples // rounds)[party.name]
            stop.set()
            flood.join(30)
    return taken


def throughput(
    parties: list[Party], mebibytes: int, rounds: int = 3
) -> dict[str, list[tuple[float, float]]]:
    """Per party and round: MiB a second, and the server's processor seconds per 100 MiB."""
    taken: dict[str, list[tuple[float, float]]] = {party.name: [] for party in parties}
    for number in range(rounds):
        for party in parties:
            before = cpu_seconds(party.server) if party.server else 0.0
            began = time.perf_counter()
            tag = f"t{number}"
            party.client.write(LINE.format(tag=tag, size=mebibytes * MIB).encode())
            size = count_until(party.client, f"end-{tag}".encode())
            seconds = time.perf_counter() - began
            used = cpu_seconds(party.server) - before if party.server else 0.0
            taken[party.name].append((size / MIB / seconds, used * 100 / mebibytes))
            synchronise(party.client)
    return taken


def interrupt_seconds(client: Any, bytes_per_second: float) -> float:
    """From Ctrl-C in a flood to the prompt, for a client that takes so many bytes a second."""
    client.write(FLOOD)
    began, taken, typed_at, tail = time.perf_counter(), 0, 0.0, b""
    while True:
        data = client.read(5)
        taken += len(data)
        tail = tail[-100:] + data
        # What a browser does not do faster: parse.
        ahead = taken / bytes_per_second - (time.perf_counter() - began)
        if ahead > 0:
            time.sleep(ahead)
        if not typed_at and time.perf_counter() - began > 1:
            client.write(b"\x03")
            typed_at = time.perf_counter()
        if typed_at and b"\x1b]133;B" in tail:
            break
    synchronise(client)
    return time.perf_counter() - typed_at - 0.15


def idle_terminals(site: Site, open_one: Any, count: int) -> tuple[float, list[float]]:
    """KiB of the console per idle terminal, and echo seconds with all of them open."""
    server = site.child("uvicorn")
    clients = [open_one("idle0")]
    synchronise(clients[0])
    before = memory_bytes(server)
    for number in range(1, count + 1):
        clients.append(open_one(f"idle{number}"))
        until(clients[-1], b"133;B")
    time.sleep(2)
    each = (memory_bytes(server) - before) / count / 1024
    taken = []
    for number in range(1000):
        client = clients[number * 7 % len(clients)]
        taken.append(echo_seconds(client))
    for client in clients:
        client.close()
    return each, taken


def _drain(open_one: Any, bytes_per_second: int | None, stop: Any) -> None:
    client = open_one()
    with contextlib.suppress(EOFError):
        while not stop.is_set():
            data = client.read(1)
            if bytes_per_second:
                time.sleep(len(data) / bytes_per_second)


def slow_viewer(site: Site, open_one: Any, mebibytes: int) -> float:
    """MiB by which the console grows while a machine prints and one viewer reads 50 KB/s."""
    server = site.child("uvicorn")
    client = open_one()
    synchronise(client)
    # Once before, so that what the process keeps for good is there already.
    client.write(LINE.format(tag="warm", size=64 * MIB).encode())
    count_until(client, b"end-warm")
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    slow = context.Process(target=_drain, args=(open_one, 50_000, stop))
    before = most = memory_bytes(server)
    slow.start()
    client.write(LINE.format(tag="slow", size=mebibytes * MIB).encode())
    done, tail, looked_at = 0, b"", time.monotonic()
    while b"end-slow" not in tail:
        data = client.read(10)
        done += len(data)
        tail = tail[-100:] + data
        if time.monotonic() - looked_at > 0.5:
            most, looked_at = max(most, memory_bytes(server)), time.monotonic()
    stop.set()
    slow.join(30)
    synchronise(client)
    client.close()
    return (most - before) / MIB


# Parties


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def container() -> Iterator[str]:
    """A machine as ours are, but for nobody: what the others run their shells in."""
    command = [
        "docker",
        "run",
        "-dit",
        "--network=none",
        "--tmpfs",
        "/run:uid=1000,mode=0775",
        image_ref("shell"),
    ]
    found = subprocess.check_output(command, text=True).strip()
    try:
        time.sleep(1)
        yield found
    finally:
        subprocess.run(["docker", "rm", "-f", found], stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def server(command: list[str], port: int, **environment: str) -> Iterator[int]:
    process = subprocess.Popen(
        command, env=os.environ | environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def have_terminado() -> str:
    """A folder with terminado, from pip, kept; empty when pip gives none."""
    folder = CACHE / "terminado"
    if not (folder / "terminado").is_dir():
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--target",
            str(folder),
            "terminado",
        ]
        subprocess.run(command, check=False, stderr=subprocess.DEVNULL)
    return str(folder) if (folder / "terminado").is_dir() else ""


def others(stack: contextlib.ExitStack) -> list[Party]:
    machine = stack.enter_context(container())
    found = [Party("engine", None, lambda: EngineSocket(machine))]
    shell = ["docker", "exec", "-it", machine, "bash", "-l"]
    port = free_port()
    if folder := have_terminado():
        script = str(Path(__file__).with_name("terminado_server.py"))
        pid = stack.enter_context(
            server([sys.executable, script, str(port), *shell], port, PYTHONPATH=folder)
        )
        found.append(Party("terminado", pid, lambda: Terminado(f"ws://127.0.0.1:{port}/websocket")))
    else:
        print("terminado: absent, pip gave none")
    if ttyd := shutil.which("ttyd"):
        other = free_port()
        command = [ttyd, "-W", "-i", "lo", "-p", str(other), *shell]
        pid = stack.enter_context(server(command, other))
        found.append(Party("ttyd", pid, lambda: Ttyd(f"ws://127.0.0.1:{other}/ws")))
    else:
        print("ttyd: absent (no program of that name on the PATH)")
    return found


def ours(site: Site) -> tuple[Any, Any]:
    """A function that opens a terminal of a fresh sandbox by name, and one for a second machine."""
    openers = []
    for _ in range(2):
        caller = Caller(site)
        token = caller.headers["Authorization"].split()[1]
        made = caller.call("POST", "/sandboxes", {"course": "playground", "lesson": "shell"})
        while (now := caller.call("GET", f"/sandboxes/{made['id']}"))["state"] != "ready":
            time.sleep(0.1)
        machine = now["machines"][0]["name"]
        base = (
            site.url.replace("http", "ws", 1)
            + f"/ws/sandboxes/{made['id']}/machines/{machine}/terminals/"
        )

        def open_one(
            name: str = "main", query: str = "", base: str = base, token: str = token
        ) -> Slipway:
            return Slipway(base + name, token, query)

        openers.append(open_one)
    return openers[0], openers[1]


# Words


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
            f"  {name:12} p50 {median(values) * 1000:7.2f} ms  p95 {p95(values) * 1000:7.2f} ms{against}"
        )


def report_throughput(parties: list[Party], mebibytes: int) -> None:
    print(f"\n{mebibytes} MiB of lines")
    for name, rounds in throughput(parties, mebibytes).items():
        rate, cpu = (median([figures[i] for figures in rounds]) for i in (0, 1))
        print(f"  {name:12} {rate:7.1f} MiB/s  {cpu:5.2f} s of processor per 100 MiB")


def report_interrupt(parties: list[Party]) -> None:
    print("\nCtrl-C in a flood to the prompt, for a client that takes so much a second")
    ours_and_the_limit = [p for p in parties if p.name.startswith(("ours", "engine"))]
    for rate in (5, 20, 1000):
        for party in ours_and_the_limit:
            taken = [interrupt_seconds(party.client, rate * MIB) * 1000 for _ in range(5)]
            print(
                f"  {rate:4} MiB/s  {party.name:12} median {median(taken):6.0f} ms,"
                f" most {max(taken):6.0f} ms"
            )


def report_idle(site: Site, open_one: Any, count: int) -> None:
    each, taken = idle_terminals(site, open_one, count)
    print(f"\n{count} open terminals: {each:.0f} KiB each (goal 200)")
    print(f"  echo p50 {median(taken) * 1000:.1f} ms, p95 {p95(taken) * 1000:.1f} ms (goal 50)")


def report_slow(site: Site, open_one: Any, mebibytes: int) -> None:
    grown = slow_viewer(site, open_one, mebibytes)
    print(f"\na viewer at 50 KB/s while {mebibytes} MiB are printed:")
    print(f"  the console grows by {grown:.1f} MiB (goal 8)")


def options_of() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--open", type=int, default=300, help="terminals of the idle figures")
    parser.add_argument("--mebibytes", type=int, default=100)
    parser.add_argument("--slow-mebibytes", type=int, default=2000)
    parser.add_argument("--only", default="echo,flood,throughput,interrupt,idle,slow")
    return parser.parse_args()


def main() -> None:
    options = options_of()
    data = Path(tempfile.mkdtemp(prefix="slipway-bench-"))
    with running_site(data, **LIMITS) as site, contextlib.ExitStack() as stack:
        open_one, open_other = ours(site)
        pid = site.child("uvicorn")
        parties = [
            Party("ours", pid, open_one),
            Party("ours, extra", pid, lambda: open_one("work")),
        ]
        # A second session of the same server, for the flood, is another machine's.
        parties[0].open = parties[1].open = open_other
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
            "slow": lambda: report_slow(site, open_one, options.slow_mebibytes),
        }
        for name in options.only.split(","):
            reports[name]()
            sys.stdout.flush()


if __name__ == "__main__":
    main()
