"""What `bench.terminal` measures: echo, throughput, Ctrl-C, idle terminals, a slow viewer.

Each function takes open clients (`bench/terminal_clients.py`) or what opens them, and returns
numbers. Those that could take long have a limit in seconds, and say how far they came.
"""

import contextlib
import multiprocessing
import time
from collections.abc import Callable
from typing import Any

from bench.processes import cpu_seconds, memory_bytes
from bench.terminal_clients import count_until, synchronise, until

MIB = 1024 * 1024
TEXT = "the quick brown fox jumps over the lazy dog, again and again"
FLOOD = f"yes '{TEXT}'\r".encode()
LINE = f"echo {{tag}}; yes '{TEXT}' | head -c {{size}}; echo e''nd-{{tag}}\r"
# A line of keys is taken back after so many, before the shell would wrap it.
LINE_KEYS = 60
SLOW_BYTES_PER_SECOND = 50_000


class Party:
    """A server's PID (None: not looked at), an open terminal of it, and how to open another."""

    def __init__(self, name: str, server: int | None, open_one: Callable[..., Any]) -> None:
        self.name, self.server, self.open = name, server, open_one
        self.client = open_one()
        synchronise(self.client)


def echo_seconds(client: Any) -> float:
    """From a key to its echo."""
    began = time.perf_counter()
    client.write(b"x")
    while b"x" not in client.read(10):
        pass
    return time.perf_counter() - began


def echoes(parties: list[Party], samples: int, limit_seconds: float = 60) -> dict[str, list[float]]:
    """Echo times of each party, one of each in turn."""
    taken: dict[str, list[float]] = {party.name: [] for party in parties}
    end = time.monotonic() + limit_seconds
    for number in range(samples):
        if time.monotonic() > end:
            break
        for party in parties:
            taken[party.name].append(echo_seconds(party.client))
            if number % LINE_KEYS == LINE_KEYS - 1:
                party.client.write(b"\x15")
                while party.client.read(0.05):
                    pass
    for party in parties:
        party.client.write(b"\x15")
        synchronise(party.client)
    return taken


def _flood(open_one: Callable[..., Any], ready: Any, stop: Any) -> None:
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
    parties: list[Party], samples: int, rounds: int = 4, limit_seconds: float = 8
) -> dict[str, list[float]]:
    """Echo times while another session of the same server floods, read as fast as a client can.

    The parties take turns; `limit_seconds` is for one of them in one round.
    """
    taken: dict[str, list[float]] = {party.name: [] for party in parties}
    context = multiprocessing.get_context("fork")
    for _ in range(rounds):
        for party in parties:
            ready, stop = context.Event(), context.Event()
            flood = context.Process(target=_flood, args=(party.open, ready, stop))
            flood.start()
            ready.wait(30)
            time.sleep(0.5)
            taken[party.name] += echoes([party], samples // rounds, limit_seconds)[party.name]
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


def idle_terminals(
    server: int, open_one: Callable[..., Any], count: int, limit_seconds: float = 120
) -> tuple[int, float, list[float]]:
    """How many are open, KiB of the server for each, and echo seconds with all of them open."""
    clients = [open_one("idle0")]
    synchronise(clients[0])
    before = memory_bytes(server)
    end = time.monotonic() + limit_seconds
    while len(clients) <= count and time.monotonic() < end:
        clients.append(open_one(f"idle{len(clients)}"))
        until(clients[-1], b"133;B")
    time.sleep(2)
    opened = len(clients) - 1
    each = (memory_bytes(server) - before) / opened / 1024
    taken = [echo_seconds(clients[number % len(clients)]) for number in range(1000)]
    for client in clients:
        client.close()
    return opened, each, taken


def _drain(open_one: Callable[..., Any], bytes_per_second: int, stop: Any, taken: Any) -> None:
    """Read slowly until `stop`; then the bytes taken go to `taken`, -1 for a broken connection."""
    client, count = open_one(), 0
    try:
        while not stop.is_set():
            size = len(client.read(1))
            count += size
            time.sleep(size / bytes_per_second)
        # Whoever was dropped is told by the next read, or has no answer.
        client.say({"ping": 1})
        end = time.monotonic() + 30
        while {"pong": 1} not in client.told and time.monotonic() < end:
            count += len(client.read(1))
        taken.put(count if {"pong": 1} in client.told else -1)
    except (EOFError, OSError):
        taken.put(-1)


def slow_viewer(
    server: int, open_one: Callable[..., Any], mebibytes: int, limit_seconds: float = 120
) -> tuple[float, float, float]:
    """MiB printed, by how many the server's memory grew at most meanwhile, MiB the slow one took.

    One viewer reads as fast as it can, another one 50 KB/s. Raises ConnectionError when that one
    was dropped: memory that is bounded so would be no figure.
    """
    client = open_one()
    synchronise(client)
    # Once before, so that what the process keeps for good is there already.
    client.write(LINE.format(tag="warm", size=64 * MIB).encode())
    count_until(client, b"end-warm")
    context = multiprocessing.get_context("fork")
    stop, taken = context.Event(), context.Queue()
    slow = context.Process(target=_drain, args=(open_one, SLOW_BYTES_PER_SECOND, stop, taken))
    before = most = memory_bytes(server)
    slow.start()
    client.write(LINE.format(tag="slow", size=mebibytes * MIB).encode())
    done, tail, looked_at = 0, b"", time.monotonic()
    end = time.monotonic() + limit_seconds
    while b"end-slow" not in tail and time.monotonic() < end:
        data = client.read(10)
        done += len(data)
        tail = tail[-100:] + data
        if time.monotonic() - looked_at > 0.5:
            most, looked_at = max(most, memory_bytes(server)), time.monotonic()
    client.write(b"\x03")
    stop.set()
    slowly = taken.get(timeout=60)
    slow.join(30)
    synchronise(client)
    client.close()
    if slowly <= 0:
        raise ConnectionError("the slow viewer was dropped, or was shown nothing")
    return done / MIB, (most - before) / MIB, slowly / MIB
