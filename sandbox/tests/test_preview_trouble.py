"""Apps that hang up, babble or stay silent, and browsers that leave."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sandbox import preview, preview_relay, tunnel
from sandbox.models import Preview
from sandbox.tests.port_engine import (
    PortEngine,
    Recorder,
    answer,
    never,
    read_request,
    stream_for_ever,
)
from sandbox.tests.visits import Visit, error_page, settled

pytestmark = pytest.mark.django_db(transaction=True)
OpenApp = Callable[[Any], Awaitable[str]]
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
MIB = 1024 * 1024
CHUNK = 64 * 1024


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_relay, "SILENT_SECONDS", 0.4)


# apps that do not


async def test_a_port_nobody_listens_on_says_so(preview_of: Any, port_engine: PortEngine) -> None:
    host = await preview_of(1)
    error_page(await Visit(host).end(), 502, "Nothing answers on port 1 of laptop.")
    length = (b"content-length", str(MIB).encode())
    upload = await Visit(host, "/", length, method="POST", body=[b"x" * MIB]).end()
    error_page(upload, 502, "Nothing answers on port 1 of laptop.")
    assert port_engine.open_now == 0


async def test_an_app_that_closes_at_once_is_named_as_such(open_app: OpenApp) -> None:
    async def app(reader: Reader, writer: Writer) -> None:
        await read_request(reader)

    error_page(await Visit(await open_app(app)).end(), 502, "closed the connection without")


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x02\x00" * 200,
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: b\x01c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: b\x7f\r\n\r\n",
        b"HTTP/1.1 700 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * MIB,
    ],
    ids=lambda said: repr(said[:40]),
)
async def test_what_is_no_http_is_named_as_such(open_app: OpenApp, said: bytes) -> None:
    async def app(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()

    error_page(await Visit(await open_app(app)).end(), 502, "does not speak HTTP")


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\nzzz\r\n",
    ],
    ids=["length", "chunks", "bad chunk"],
)
async def test_an_answer_that_breaks_off_is_not_made_to_look_whole(
    open_app: OpenApp, said: bytes
) -> None:
    async def app(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(said)

    visit = await Visit(await open_app(app)).end()
    assert (visit.status, visit.body, visit.complete) == (200, b"only this", False)


async def test_an_app_that_never_answers_is_given_up(
    open_app: OpenApp, port_engine: PortEngine, impatient: None
) -> None:
    error_page(await Visit(await open_app(never)).end(), 504, "does not answer")
    assert await settled(lambda: port_engine.open_now) == 0


async def begins_and_stops(reader: Reader, writer: Writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer(b"", "Transfer-Encoding: chunked", length=False) + b"4\r\npart\r\n")
    await asyncio.sleep(600)


@pytest.mark.parametrize("app", [never, begins_and_stops])
async def test_an_app_that_takes_no_body_is_given_up_at_once_and_whole(
    open_app: OpenApp, impatient: None, monkeypatch: pytest.MonkeyPatch, app: Any
) -> None:
    opened: list[tunnel.Tunnel] = []

    async def remembered(container_id: str, port: int) -> tunnel.Tunnel:
        opened.append(await open_tunnel(container_id, port))
        return opened[0]

    open_tunnel = tunnel.Tunnel.open
    monkeypatch.setattr(tunnel.Tunnel, "open", remembered)
    length = (b"content-length", str(64 * MIB).encode())
    body = (b"x" * CHUNK for _ in range(64 * MIB // CHUNK))
    visit = await Visit(await open_app(app), "/", length, method="POST", body=body).end()
    if app is never:
        error_page(visit, 504, "does not answer")
    else:
        assert (visit.status, visit.body, visit.complete) == (200, b"part", False)
    # Bytes that nobody reads must not hold the engine's connection open.
    async with asyncio.timeout(5):
        while not opened[0].ended:
            await asyncio.sleep(0.02)


async def test_an_upload_that_moves_is_not_silence(open_app: OpenApp, impatient: None) -> None:
    class Slowly(Visit):
        async def _receive(self) -> dict[str, Any]:
            await asyncio.sleep(0.15)
            return await super()._receive()

    app = Recorder()
    part = b"x" * preview_relay.SLOWEST_BYTES
    length = (b"content-length", str(6 * len(part)).encode())
    visit = Slowly(await open_app(app), "/", length, method="POST", body=[part] * 6)
    assert (await visit.end()).body == b"hello"
    assert app.got[0].body == part * 6


async def test_a_body_that_crawls_or_stops_is_refused(open_app: OpenApp, impatient: None) -> None:
    class Crawling(Visit):
        async def _receive(self) -> dict[str, Any]:
            await asyncio.sleep(0.1)
            return await super()._receive()

    app = Recorder()
    host = await open_app(app)
    length = (b"content-length", b"1000")
    for kind, body in ((Crawling, [b"x"] * 1000), (Visit, [b"x"])):
        visit = await kind(host, "/", length, method="POST", body=body, stalls=True).end()
        error_page(visit, 504, "does not answer")
        assert visit.sent_bytes < 20
    assert app.got == [], "and the app never saw it whole"


async def test_an_engine_that_hangs_is_given_up(
    open_app: OpenApp, port_engine: PortEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel, "OPEN_SECONDS", 0.2)
    host = await open_app(Recorder())
    port_engine.deaf = True
    error_page(await Visit(host).end(), 503, "The Docker engine does not answer.")


async def test_without_an_engine_the_page_says_so(open_app: OpenApp, settings: Any) -> None:
    host = await open_app(Recorder())
    settings.DOCKER_HOST = "unix:///nowhere.sock"
    error_page(await Visit(host).end(), 503, "The Docker engine does not answer.")


async def test_the_page_tells_names_as_text(make_sandbox: Any, port_engine: PortEngine) -> None:
    page = preview._page_of(tunnel.PortClosed(), Preview(machine="<b>", port=1))
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await preview._page(send, page)
    assert b"&lt;b&gt;" in sent[1]["body"]


# browsers that leave


async def test_a_browser_that_leaves_during_a_stream_frees_the_tunnel(
    open_app: OpenApp, port_engine: PortEngine
) -> None:
    visit = Visit(await open_app(stream_for_ever)).begin()
    await visit.until(8)
    assert port_engine.open_now == 1
    visit.leave()
    await visit.end()
    assert await settled(lambda: port_engine.open_now) == 0


async def test_a_browser_that_leaves_before_the_answer_frees_the_tunnel(
    open_app: OpenApp, port_engine: PortEngine
) -> None:
    visit = Visit(await open_app(never)).begin()
    await settled(lambda: port_engine.opened)
    visit.leave()
    await visit.end()
    assert visit.status == 0
    assert await settled(lambda: port_engine.open_now) == 0


@pytest.mark.parametrize(
    "header", [(b"content-length", b"100"), (b"transfer-encoding", b"chunked")]
)
async def test_half_a_body_never_looks_whole_to_the_app(
    open_app: OpenApp, header: tuple[bytes, bytes]
) -> None:
    broken: list[bool] = []

    async def app(reader: Reader, writer: Writer) -> None:
        try:
            await read_request(reader)
            broken.append(False)
        except (asyncio.IncompleteReadError, OSError):
            broken.append(True)

    visit = Visit(await open_app(app), "/", header, method="POST", body=[b"half"], stalls=True)
    visit.begin()
    await settled(lambda: visit.sent_bytes)
    visit.leave()
    await visit.end()
    await settled(lambda: len(broken))
    assert broken == [True]
    assert visit.status == 0
