"""The class and the reader of `bench/burst.py`, as light as Python can: they share the processors.

Learners are coroutines on plain sockets, each with a request that was put together before; the
reader is a process of its own, so that its figures hold nothing of the class's work.
"""

import asyncio
import base64
import http.client
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

LONGEST_SECONDS = 240
READ_EVERY_SECONDS = 0.03


@dataclass
class Outcome:
    """What one learner got: seconds to the answer and to ready, status, state, sandbox id."""

    answered: float = 0.0
    ready: float = 0.0
    status: int = 0
    position: int | None = None
    state: str = ""
    sandbox: str = ""


async def press(port: int, token: str, delay_seconds: float, lesson: str) -> Outcome:
    """One learner's Start after `delay_seconds`, watched until ready or over."""
    body = json.dumps({"course": "playground", "lesson": lesson}).encode()
    request = _head("POST /api/v1/sandboxes", port, token, f"Content-Length: {len(body)}") + body
    outcome = Outcome()
    await asyncio.sleep(delay_seconds)
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    outcome.status, answer = await _answer(reader)
    writer.close()
    outcome.answered = time.perf_counter() - began
    if outcome.status != 202:
        outcome.state = "refused"
        return outcome
    said = json.loads(answer)
    outcome.sandbox, outcome.position = said["id"], said["queue_position"]
    async with asyncio.timeout(LONGEST_SECONDS):
        await _watch(port, token, outcome)
    outcome.ready = time.perf_counter() - began
    return outcome


def _head(line: str, port: int, token: str, *more: str) -> bytes:
    fields = (
        f"{line} HTTP/1.1",
        f"Host: localhost:{port}",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        *more,
    )
    return ("\r\n".join(fields) + "\r\n\r\n").encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].split(b"\r\n")[0]
    body = await reader.readexactly(int(length)) if length else b""
    return int(head.split(b" ", 2)[1]), body


async def _watch(port: int, token: str, outcome: Outcome) -> None:
    """Events until the sandbox is ready or over; a WebSocket by hand, without masks to undo."""
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    path = f"GET /ws/sandboxes/{outcome.sandbox}/events"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_head(path, port, token, *upgrade, f"Sec-WebSocket-Key: {key}"))
    await _answer(reader)
    while outcome.state not in ("ready", "failed", "gone"):
        event: dict[str, Any] = json.loads(await _frame(reader))
        outcome.state = event.get("sandbox", {}).get("state", outcome.state)
    writer.close()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """The payload of one unmasked frame (RFC 6455, section 5.2)."""
    length = (await reader.readexactly(2))[1] & 127
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2))
    elif length == 127:
        length = int.from_bytes(await reader.readexactly(8))
    return await reader.readexactly(length)


async def burst(port: int, tokens: list[str], within_seconds: float, lesson: str) -> list[Outcome]:
    """Everybody presses Start, evenly spread over so many seconds."""
    step = within_seconds / len(tokens)
    starts = [press(port, token, n * step, lesson) for n, token in enumerate(tokens)]
    return await asyncio.gather(*starts)


def _read(port: int, path: str, stop: Any, results: Any) -> None:
    seconds = []
    while not stop.is_set():
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", path)
        connection.getresponse().read()
        connection.close()
        seconds.append(time.perf_counter() - began)
        time.sleep(READ_EVERY_SECONDS)
    results.put((seconds, time.process_time()))


@dataclass
class Pages:
    """Seconds that each page took somebody who reads, and the reader's own processor time."""

    seconds: list[float] = field(default_factory=list)
    processor_seconds: float = 0.0

    def mean(self) -> float:
        return statistics.mean(self.seconds)

    def p95(self) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


@contextmanager
def reading(port: int, path: str) -> Iterator[Pages]:
    """Somebody opens a page again and again while the block runs."""
    context = multiprocessing.get_context("spawn")
    stop, results = context.Event(), context.Queue()
    reader = context.Process(target=_read, args=(port, path, stop, results))
    pages = Pages()
    reader.start()
    try:
        yield pages
    finally:
        stop.set()
        pages.seconds, pages.processor_seconds = results.get(timeout=90)
        reader.join()
