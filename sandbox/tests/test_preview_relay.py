"""Apps that answer, in every form and at every pace, and bodies that are large."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from sandbox import preview_relay
from sandbox.tests.port_engine import (
    PortEngine,
    Recorder,
    answer,
    read_request,
)
from sandbox.tests.visits import Visit, settled

pytestmark = pytest.mark.django_db(transaction=True)
OpenApp = Callable[[Any], Awaitable[str]]
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
MIB = 1024 * 1024
CHUNK = 64 * 1024
# What may be under way between an app and a browser that do not read: the buffers of two
# sockets, of both sides of the engine's stream, and ours of 256 KiB. Far from 64 MiB.
UNDER_WAY_BYTES = 12 * MIB


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_relay, "SILENT_SECONDS", 0.4)


# apps that answer


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("framing", ["content-length", "transfer-encoding"])
async def test_every_method_may_have_a_body(open_app: OpenApp, method: str, framing: str) -> None:
    app = Recorder()
    value = {"content-length": b"8", "transfer-encoding": b"Chunked"}[framing]
    header = (framing.encode(), value)
    visit = await Visit(
        await open_app(app), "/", header, method=method, body=[b"some", b"", b"body"]
    ).end()
    assert visit.body == b"hello"
    assert [(got.line.split()[0], got.body) for got in app.got] == [(method, b"somebody")]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_without_a_body_none_is_announced(open_app: OpenApp, method: str) -> None:
    app = Recorder()
    await Visit(await open_app(app), method=method).end()
    assert app.got[0].values("transfer-encoding") == []


async def test_head_has_the_length_and_no_body(open_app: OpenApp) -> None:
    app = Recorder(answer(b"", "Content-Length: 12345", length=False))
    visit = await Visit(await open_app(app), method="HEAD").end()
    assert (visit.status, visit.body, visit.complete) == (200, b"", True)
    assert visit.values(b"content-length") == [b"12345"]


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_answers_without_a_body_announce_none(open_app: OpenApp, status: str) -> None:
    app = Recorder(answer(b"", 'ETag: "x"', "Content-Length: 5", status=status, length=False))
    visit = await Visit(await open_app(app)).end()
    assert (visit.status, visit.body, visit.complete) == (int(status[:3]), b"", True)
    assert (visit.values(b"content-length"), visit.values(b"etag")) == ([], [b'"x"'])


async def test_interim_answers_are_passed_over(open_app: OpenApp) -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    app = Recorder(early + answer(b"hello"))
    assert (await Visit(await open_app(app)).end()).body == b"hello"


async def test_an_answer_without_length_lasts_until_the_app_closes(open_app: OpenApp) -> None:
    async def app(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nuntil the end")

    visit = await Visit(await open_app(app)).end()
    assert (visit.body, visit.complete) == (b"until the end", True)


async def test_what_streams_slowly_comes_as_it_is_made(open_app: OpenApp, impatient: None) -> None:
    release = asyncio.Event()

    async def app(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(answer(b"", "Transfer-Encoding: chunked", length=False))
        writer.write(b"5\r\nfirst\r\n")
        await release.wait()
        writer.write(b"4\r\nlast\r\n0\r\n\r\n")

    visit = Visit(await open_app(app)).begin()
    await visit.until(5)
    await asyncio.sleep(1)  # longer than an app may be silent before its head
    assert (visit.body, visit.complete) == (b"first", False)
    release.set()
    assert ((await visit.end()).body, visit.complete) == (b"firstlast", True)


async def test_an_app_may_answer_while_it_reads(open_app: OpenApp) -> None:
    """More each way than all buffers hold: sending first and reading then would hang."""

    async def echo(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"", f"Content-Length: {32 * MIB}", length=False))
        for _ in range(32 * MIB // CHUNK):
            writer.write(await reader.readexactly(CHUNK))
            await writer.drain()

    length = (b"content-length", str(32 * MIB).encode())
    body = (bytes([i % 256]) * CHUNK for i in range(32 * MIB // CHUNK))
    visit = await Visit(await open_app(echo), "/", length, method="POST", body=body).end(60)
    expected = b"".join(bytes([i % 256]) * CHUNK for i in range(32 * MIB // CHUNK))
    assert hashlib.sha256(visit.body).digest() == hashlib.sha256(expected).digest()


async def test_an_app_may_refuse_a_body_before_it_came(open_app: OpenApp) -> None:
    async def app(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"too much", "Connection: close", status="413 Too Large"))
        await writer.drain()
        await reader.read()

    length = (b"content-length", b"1000000")
    visit = Visit(await open_app(app), "/", length, method="POST", body=[b"x"], stalls=True)
    assert ((await visit.end()).status, visit.body) == (413, b"too much")


# large bodies


async def test_a_browser_that_does_not_read_holds_the_app_back(
    open_app: OpenApp, port_engine: PortEngine
) -> None:
    total = 64 * MIB

    async def app(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(answer(b"", f"Content-Length: {total}", length=False))
        for _ in range(total // CHUNK):
            writer.write(b"x" * CHUNK)
            await writer.drain()

    visit = Visit(await open_app(app)).begin()
    await visit.until(1)
    visit.reading.clear()
    taken = await settled(lambda: port_engine.bytes_down)
    assert taken - len(visit.body) < UNDER_WAY_BYTES
    visit.reading.set()
    assert (len((await visit.end(60)).body), visit.complete) == (total, True)


async def test_an_app_that_does_not_read_holds_the_browser_back(open_app: OpenApp) -> None:
    total, release = 64 * MIB, asyncio.Event()

    async def app(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await release.wait()
        digest, left = hashlib.sha256(), total
        while left:
            data = await reader.read(CHUNK)
            left -= len(data)
            digest.update(data)
        writer.write(answer(digest.hexdigest().encode()))

    def parts() -> Iterator[bytes]:
        for index in range(total // CHUNK):
            yield bytes([index % 256]) * CHUNK

    length = (b"content-length", str(total).encode())
    visit = Visit(await open_app(app), "/", length, method="POST", body=parts()).begin()
    assert 0 < await settled(lambda: visit.sent_bytes) < UNDER_WAY_BYTES
    release.set()
    expected = hashlib.sha256()
    for part in parts():
        expected.update(part)
    assert (await visit.end(60)).body == expected.hexdigest().encode()
