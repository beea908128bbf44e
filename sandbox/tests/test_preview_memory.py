"""Large bodies pass a preview without being held whole: the process's memory is read meanwhile."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.tests.port_engine import answer
from sandbox.tests.visits import Visit

pytestmark = pytest.mark.django_db(transaction=True)
MIB = 1024 * 1024
BODY_BYTES = 384 * MIB
# Buffers of sockets, tunnel and the test's own engine and app; far from the body's size.
GROWTH_BYTES = 64 * MIB
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Passing(Visit):
    """A browser that keeps nothing of what comes, and looks at the memory with every part."""

    came_bytes = 0
    most_bytes = 0

    async def _send(self, message: dict[str, Any]) -> None:
        self.came_bytes += len(message.get("body", b""))
        self.most_bytes = max(self.most_bytes, resident_bytes())
        await super()._send(message | {"body": b""})

    async def _receive(self) -> dict[str, Any]:
        self.most_bytes = max(self.most_bytes, resident_bytes())
        return await super()._receive()


async def large_answer(reader: Reader, writer: Writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer(b"", f"Content-Length: {BODY_BYTES}", length=False))
    part = bytes(256 * 1024)
    for _ in range(BODY_BYTES // len(part)):
        writer.write(part)
        await writer.drain()
    await reader.read()


async def counts(reader: Reader, writer: Writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    left = BODY_BYTES
    while left and (data := await reader.read(256 * 1024)):
        left -= len(data)
    writer.write(answer(str(BODY_BYTES - left).encode()))
    await writer.drain()


async def test_a_large_download_is_not_held_whole(
    open_app: Callable[[Any], Awaitable[str]],
) -> None:
    visit = Passing(await open_app(large_answer))
    before = resident_bytes()
    await visit.end(120)
    assert (visit.status, visit.complete, visit.came_bytes) == (200, True, BODY_BYTES)
    assert visit.most_bytes - before < GROWTH_BYTES


async def test_a_large_upload_is_not_held_whole(open_app: Callable[[Any], Awaitable[str]]) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(BODY_BYTES // (256 * 1024)):
            yield bytes(256 * 1024)

    length = (b"content-length", str(BODY_BYTES).encode())
    visit = Passing(await open_app(counts), "/", length, method="POST", body=parts())
    before = resident_bytes()
    await visit.end(120)
    assert (visit.status, visit.came_bytes) == (200, len(str(BODY_BYTES)))
    assert visit.sent_bytes == BODY_BYTES
    assert visit.most_bytes - before < GROWTH_BYTES
