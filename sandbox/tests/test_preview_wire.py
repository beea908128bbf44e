"""Previews behind the real HTTP server: what its parser and ours make of raw bytes together."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from django.utils import timezone

from sandbox.models import Preview
from sandbox.tests.port_engine import PortEngine, Recorder, answer, read_request
from sandbox.tests.visits import Visit, settled

pytestmark = pytest.mark.django_db(transaction=True)
OpenApp = Callable[[Any], Awaitable[str]]
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Wire = Callable[..., Awaitable[bytes]]


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """The port of a server as `./start` runs it."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Visit.application, http="httptools", loop="none", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield int(listening.getsockname()[1])
    server.should_exit = server.force_exit = True
    await serving


async def open_wire(port: int) -> tuple[Reader, Writer]:
    return await asyncio.open_connection("127.0.0.1", port)


async def talk(port: int, *parts: bytes) -> bytes:
    """Send the parts, give back all that comes until the server closes."""
    reader, writer = await open_wire(port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.05)
        async with asyncio.timeout(15):
            return await reader.read()
    finally:
        writer.close()


def head(host: str, *lines: str, first: str = "GET / HTTP/1.1") -> bytes:
    return "\r\n".join([first, f"Host: {host}", *lines]).encode("latin-1") + b"\r\n\r\n"


CLOSE = "Connection: close"
POST = "POST / HTTP/1.1"


async def test_a_page_comes_through(open_app: OpenApp, port: int) -> None:
    host = await open_app(Recorder())
    said = await talk(port, head(host, CLOSE))
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert said.endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Content-Length: 4", "Transfer-Encoding: chunked"], b"0\r\n\r\nGET /smuggled HTTP/1.1"),
        (["Transfer-Encoding: chunked", "Content-Length: 4"], b"0\r\n\r\nGET /smuggled HTTP/1.1"),
        (["Content-Length: 4", "Content-Length: 5"], b"body!"),
        (["Content-Length: +4"], b"body"),
        (["Content-Length: four"], b"body"),
        (["Transfer-Encoding: chunked, identity"], b"0\r\n\r\n"),
        (["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
        (["Transfer-Encoding : chunked"], b"0\r\n\r\n"),
        (["X-A: b", " folded: c"], b""),
        (["X-A: b\0c"], b""),
        (["X\0A: b"], b""),
        (["no colon"], b""),
    ],
)
async def test_ambiguous_heads_get_an_error_and_reach_no_app(
    open_app: OpenApp, port: int, lines: list[str], body: bytes
) -> None:
    app = Recorder()
    said = await talk(port, head(await open_app(app), *lines, CLOSE, first=POST), body)
    assert said.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 ")), said[:80]
    assert b"hello" not in said
    assert app.got == []


@pytest.mark.parametrize(
    "body", [b"zz\r\nbody\r\n0\r\n\r\n", b"4\r\nbodyXX0\r\n\r\n", b"-1\r\n", b"4;\n\n\r\nbody"]
)
async def test_a_body_in_bad_chunks_never_looks_whole_to_the_app(
    open_app: OpenApp, port: int, body: bytes
) -> None:
    whole: list[bool] = []

    async def app(reader: Reader, writer: Writer) -> None:
        try:
            await read_request(reader)
            whole.append(True)
            writer.write(answer(b"hello"))
        except (OSError, asyncio.IncompleteReadError, ValueError):
            whole.append(False)

    lines = ["Transfer-Encoding: chunked", CLOSE]
    said = await talk(port, head(await open_app(app), *lines, first=POST), body)
    assert b"hello" not in said
    await settled(lambda: len(whole))
    assert True not in whole


async def test_a_smuggled_second_request_is_none(open_app: OpenApp, port: int) -> None:
    app = Recorder()
    host = await open_app(app)
    inner = head(host, first="GET /smuggled HTTP/1.1")
    lines = [f"Content-Length: {len(inner)}", CLOSE]
    await talk(port, head(host, *lines, first=POST), inner)
    assert [got.line for got in app.got] == ["POST / HTTP/1.1"]
    assert app.got[0].body == inner


@pytest.mark.parametrize(
    ("target", "seen"),
    [
        ("/a/..;/b/../c?x=1&y=@", "/a/..;/b/../c?x=1&y=@"),
        ("/@evil.example", "/@evil.example"),
        ("//evil.example/a", "//evil.example/a"),
        ("http://evil.example/absolute?x", "/absolute?x"),
        ("http://169.254.169.254/latest/meta-data/", "/latest/meta-data/"),
        ("http://172.17.0.1:2375/version", "/version"),
    ],
)
async def test_targets_only_ever_name_a_path_of_the_app(
    open_app: OpenApp, port: int, target: str, seen: str
) -> None:
    app = Recorder()
    host = await open_app(app)
    await talk(port, head(host, CLOSE, first=f"GET {target} HTTP/1.1"))
    assert [(got.line, got.values("host")) for got in app.got] == [(f"GET {seen} HTTP/1.1", [host])]


async def test_an_absolute_target_can_not_name_a_preview(open_app: OpenApp, port: int) -> None:
    app = Recorder()
    host = await open_app(app)
    said = await talk(port, head("localhost:8000", CLOSE, first=f"GET http://{host}/ HTTP/1.1"))
    assert b"the site itself" in said
    assert app.got == []


async def test_connect_is_refused(open_app: OpenApp, port: int) -> None:
    app = Recorder()
    host = await open_app(app)
    said = await talk(port, head(host, CLOSE, first="CONNECT evil.example:80 HTTP/1.1"))
    assert b" 200 " not in said.split(b"\r\n")[0]
    assert app.got == []


async def test_the_app_is_asked_to_upgrade_to_nothing(open_app: OpenApp, port: int) -> None:
    app = Recorder()
    lines = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"]
    said = await talk(port, head(await open_app(app), *lines), head("x", CLOSE))
    assert b" 101 " not in said
    for got in app.got:
        assert (got.values("upgrade"), got.values("http2-settings")) == ([], [])


async def test_a_body_held_back_for_a_go_ahead_comes(open_app: OpenApp, port: int) -> None:
    app = Recorder()
    host = await open_app(app)
    lines = ["Expect: 100-continue", "Content-Length: 4", CLOSE]
    reader, writer = await open_wire(port)
    writer.write(head(host, *lines, first=POST))
    async with asyncio.timeout(10):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"body")
        assert (await reader.read()).endswith(b"hello")
    writer.close()
    assert app.got[0].body == b"body"


@pytest.mark.parametrize(
    ("method", "said", "end"),
    [
        ("HEAD", answer(b"", "Content-Length: 99", length=False), b"content-length: 99"),
        (
            "GET",
            answer(b"", "Content-Length: 99", status="304 Not Modified", length=False),
            b"304 Not Modified",
        ),
        ("GET", answer(b"", status="204 No Content", length=False), b"204 No Content"),
    ],
)
async def test_bodiless_answers_leave_the_browsers_connection_usable(
    open_app: OpenApp, port: int, method: str, said: bytes, end: bytes
) -> None:
    app = Recorder(said)
    host = await open_app(app)
    got = await talk(
        port,
        head(host, first=f"{method} /1 HTTP/1.1")
        + head(host, CLOSE, first=f"{method} /2 HTTP/1.1"),
    )
    assert got.count(b"HTTP/1.1 ") == 2
    assert got.lower().count(end.lower()) == 2
    assert got.endswith(b"\r\n\r\n")
    assert [each.line.split()[1] for each in app.got] == ["/1", "/2"]


async def test_an_answer_that_breaks_off_closes_without_a_last_chunk(
    open_app: OpenApp, port: int
) -> None:
    async def app(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(answer(b"", "Transfer-Encoding: chunked", length=False))
        writer.write(b"4\r\npart\r\n")

    said = await talk(port, head(await open_app(app)))
    assert said.endswith(b"4\r\npart\r\n")


async def test_a_browser_that_hangs_up_frees_the_tunnel(
    open_app: OpenApp, port: int, port_engine: PortEngine
) -> None:
    async def app(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(answer(b"", "Transfer-Encoding: chunked", length=False))
        while True:
            writer.write(b"4\r\ntick\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    reader, writer = await open_wire(port)
    writer.write(head(await open_app(app)))
    await reader.readuntil(b"tick")
    assert port_engine.open_now == 1
    writer.transport.abort()
    assert await settled(lambda: port_engine.open_now) == 0


async def test_a_revoked_preview_is_over_on_the_browsers_kept_connection(
    open_app: OpenApp, port: int
) -> None:
    app = Recorder()
    host = await open_app(app)
    reader, writer = await open_wire(port)
    async with asyncio.timeout(10):
        writer.write(head(host))
        await reader.readuntil(b"hello")
        await Preview.objects.aupdate(revoked_at=timezone.now())
        writer.write(head(host, CLOSE))
        assert b"This preview is over." in await reader.read()
    writer.close()
    assert len(app.got) == 1


async def test_a_head_that_is_too_long_reaches_no_app(open_app: OpenApp, port: int) -> None:
    app = Recorder()
    host = await open_app(app)
    said = await talk(port, head(host, CLOSE, *(f"X-{n}: {'a' * 4000}" for n in range(20))))
    assert said.split(b" ")[1] in (b"431", b"400")
    assert app.got == []
