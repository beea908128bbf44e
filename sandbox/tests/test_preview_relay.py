"""Apps that behave, apps that do not, browsers that leave, previews that end meanwhile."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from sandbox import preview, preview_relay, tunnel
from sandbox.models import Machine, Preview, Sandbox, State
from sandbox.tests.port_engine import PortEngine, Recorder, answer, read_request
from sandbox.tests.visits import SITE_BODY, Visit, settled

pytestmark = pytest.mark.django_db(transaction=True)
OpenApp = Callable[[Any], Awaitable[str]]
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
MIB = 1024 * 1024
CHUNK = 64 * 1024
# What may be under way between an app and a browser that do not read: the buffers of two
# sockets, of both sides of the engine's stream, and ours of 256 KiB. Far from 64 MiB.
UNDER_WAY_BYTES = 12 * MIB


def error_page(visit: Visit, status: int, words: str) -> None:
    text = visit.body.decode()
    assert (visit.status, visit.complete) == (status, True), text
    assert words in text
    assert visit.values(b"content-length") == [str(len(visit.body)).encode()]
    assert visit.values(b"cache-control") == [b"no-store"]
    (policy,) = visit.values(b"content-security-policy")
    assert policy.startswith(b"frame-ancestors http://localhost:8000;")
    assert b"default-src 'none'" in policy


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_relay, "SILENT_SECONDS", 0.4)


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_relay, "CHECK_SECONDS", 0.1)


async def stream_for_ever(reader: Reader, writer: Writer) -> None:
    await read_request(reader)
    writer.write(answer(b"", "Transfer-Encoding: chunked", length=False))
    while True:
        writer.write(b"4\r\ntick\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


# whose host it is


async def test_other_hosts_get_the_site(open_app: OpenApp) -> None:
    app = Recorder()
    host = await open_app(app)
    for other in ("localhost:8000", host.replace("localhost", "example.org"), ""):
        assert (await Visit(other).end()).body == SITE_BODY
    assert app.got == []


async def test_the_hosts_case_does_not_matter(open_app: OpenApp) -> None:
    host = await open_app(Recorder())
    assert (await Visit(host.upper()).end()).body == b"hello"


async def test_previews_that_are_none_or_over_all_answer_alike(open_app: OpenApp) -> None:
    app = Recorder()
    host = await open_app(app)
    label = host.partition(".")[0]
    unknown = [
        "p-x.localhost:8000",
        host.replace(label[2:8], "aaaaaa"),
        host.replace(f"{label[-4:]}.", "80."),
        host.replace("8000", "9000"),
        host.replace(":8000", ""),
    ]
    pages = [await Visit(each).end() for each in unknown]
    for fields in ({"revoked_at": timezone.now()}, {"expires_at": timezone.now()}):
        await Preview.objects.aupdate(revoked_at=None)
        await Preview.objects.aupdate(**fields)
        pages.append(await Visit(host).end())
    for page in pages:
        error_page(page, 404, "This preview is over.")
        assert (page.body, page.headers) == (pages[0].body, pages[0].headers)
    assert app.got == []


async def test_a_machine_that_is_not_there_is_like_an_unknown_preview(open_app: OpenApp) -> None:
    host = await open_app(Recorder())
    await Machine.objects.aupdate(container_id="")
    error_page(await Visit(host).end(), 404, "This preview is over.")
    await Machine.objects.all().adelete()
    error_page(await Visit(host).end(), 404, "This preview is over.")


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


async def never(reader: Reader, writer: Writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(600)


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
    length = (b"content-length", b"6")
    visit = Slowly(await open_app(app), "/", length, method="POST", body=[b"x"] * 6)
    assert (await visit.end()).body == b"hello"
    assert app.got[0].body == b"xxxxxx"


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


# previews that end meanwhile


async def revoke() -> None:
    await Preview.objects.aupdate(revoked_at=timezone.now())


async def expire() -> None:
    await Preview.objects.aupdate(expires_at=timezone.now())


async def stop() -> None:
    await Sandbox.objects.aupdate(state=State.STOPPING)


@pytest.mark.parametrize("end", [revoke, expire, stop])
async def test_a_preview_that_ends_answers_no_more_also_over_kept_connections(
    open_app: OpenApp, port_engine: PortEngine, end: Callable[[], Awaitable[None]]
) -> None:
    app = Recorder()
    host = await open_app(app)
    assert (await Visit(host).end()).body == b"hello"
    assert port_engine.open_now == 1, "kept"
    await end()
    error_page(await Visit(host).end(), 404, "This preview is over.")
    assert len(app.got) == 1


@pytest.mark.parametrize("end", [revoke, expire, stop])
async def test_what_streams_is_cut_when_its_preview_ends(
    open_app: OpenApp,
    port_engine: PortEngine,
    watchful: None,
    end: Callable[[], Awaitable[None]],
) -> None:
    visit = Visit(await open_app(stream_for_ever)).begin()
    await visit.until(8)
    await end()
    await visit.end()
    assert (visit.status, visit.complete) == (200, False)
    assert await settled(lambda: port_engine.open_now) == 0


async def test_a_request_still_waiting_gets_the_page(open_app: OpenApp, watchful: None) -> None:
    visit = Visit(await open_app(never)).begin()
    await asyncio.sleep(0.3)
    await revoke()
    error_page(await visit.end(), 404, "This preview is over.")


async def test_a_busy_database_cuts_no_stream(
    open_app: OpenApp, watchful: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def locked(host: str) -> None:
        nonlocal looks
        looks += 1
        raise OperationalError("database is locked")

    visit = Visit(await open_app(stream_for_ever)).begin()
    await visit.until(8)
    monkeypatch.setattr(preview.preview_links, "find", locked)
    async with asyncio.timeout(10):
        while looks < 2:
            await asyncio.sleep(0.05)
    await visit.until(len(visit.body) + 8)
    visit.leave()
    await visit.end()


async def test_the_end_of_the_machine_cuts_the_stream(
    open_app: OpenApp, port_engine: PortEngine
) -> None:
    visit = Visit(await open_app(stream_for_ever)).begin()
    await visit.until(8)
    port_engine.kill_machine()
    await visit.end()
    assert (visit.status, visit.complete) == (200, False)
