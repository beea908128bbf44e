"""Connections into machines: kept, found closed, counted."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sandbox import tunnel
from sandbox.tests.port_engine import PortEngine, Recorder, answer, read_request
from sandbox.tests.visits import Visit, settled

pytestmark = pytest.mark.django_db(transaction=True)
OpenApp = Callable[[Any], Awaitable[str]]
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


@pytest.fixture(autouse=True)
def own_tunnels(monkeypatch: pytest.MonkeyPatch) -> tunnel.Tunnels:
    fresh = tunnel.Tunnels()
    monkeypatch.setattr("sandbox.preview_relay.tunnels", fresh)
    return fresh


def together(count: int) -> Any:
    """An app that answers when so many requests have come, and keeps its connections."""
    barrier = asyncio.Barrier(count)

    async def app(reader: Reader, writer: Writer) -> None:
        while True:
            got = await read_request(reader)
            await barrier.wait()
            writer.write(answer(got.line.encode()))

    return app


# kept connections


async def test_one_connection_serves_request_after_request(
    open_app: OpenApp, port_engine: PortEngine
) -> None:
    app = Recorder()
    host = await open_app(app)
    for number in range(5):
        assert (await Visit(host, f"/{number}").end()).body == b"hello"
    assert (app.connections, port_engine.opened) == (1, 1)
    assert [got.line for got in app.got] == [f"GET /{number} HTTP/1.1" for number in range(5)]


@pytest.mark.parametrize("method", ["HEAD", "POST"])
async def test_no_answer_is_taken_for_the_next_ones(open_app: OpenApp, method: str) -> None:
    async def app(reader: Reader, writer: Writer) -> None:
        while True:
            got = await read_request(reader)
            body = b"" if method == "HEAD" else got.line.encode()
            writer.write(answer(body, f"X-For: {got.line}"))

    host = await open_app(app)
    for number in range(3):
        visit = await Visit(host, f"/{number}", method=method).end()
        assert visit.values(b"x-for") == [f"{method} /{number} HTTP/1.1".encode()]


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_answers_without_body_leave_the_connection_usable(
    open_app: OpenApp, port_engine: PortEngine, status: str
) -> None:
    host = await open_app(Recorder(answer(status=status, length=False)))
    for _ in range(3):
        assert (await Visit(host).end()).complete
    assert port_engine.opened == 1


async def test_a_connection_closed_while_idle_is_replaced(
    open_app: OpenApp, port_engine: PortEngine
) -> None:
    async def app(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(answer(b"hello"))

    host = await open_app(app)
    for method in ("GET", "POST", "GET"):
        assert (await Visit(host, method=method).end()).body == b"hello"
        assert await settled(lambda: port_engine.open_now) == 0
    assert port_engine.opened == 3


async def test_a_connection_closed_just_when_it_is_taken_is_asked_again_once(
    open_app: OpenApp, port_engine: PortEngine
) -> None:
    asked = 0

    async def app(reader: Reader, writer: Writer) -> None:
        nonlocal asked
        await read_request(reader)
        asked += 1
        writer.write(answer(b"hello"))
        await reader.readuntil(b"\r\n\r\n")  # the next one: hang up instead of answering

    host = await open_app(app)
    assert (await Visit(host).end()).body == b"hello"
    assert (await Visit(host).end()).body == b"hello"
    assert (asked, port_engine.opened) == (2, 2)


@pytest.mark.parametrize(
    ("method", "header", "body"),
    [("POST", (b"content-length", b"1"), [b"x"]), ("DELETE", (b"x-a", b"b"), [])],
)
async def test_what_may_change_something_is_never_asked_twice(
    open_app: OpenApp,
    port_engine: PortEngine,
    method: str,
    header: tuple[bytes, bytes],
    body: list[bytes],
) -> None:
    async def app(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(answer(b"hello"))
        await read_request(reader)

    host = await open_app(app)
    await Visit(host).end()
    visit = await Visit(host, "/", header, method=method, body=body).end()
    assert visit.status == 502
    assert port_engine.opened == 1


async def test_an_app_that_only_ever_hangs_up_is_asked_twice_at_most(
    open_app: OpenApp, port_engine: PortEngine
) -> None:
    served = 0

    async def app(reader: Reader, writer: Writer) -> None:
        nonlocal served
        await read_request(reader)
        served += 1
        if served == 1:
            writer.write(answer(b"hello"))
            await read_request(reader)

    host = await open_app(app)
    await Visit(host).end()
    assert (await Visit(host).end()).status == 502
    assert port_engine.opened == 2


@pytest.mark.parametrize("late", [False, True])
async def test_words_said_unasked_are_no_answer_to_the_next_request(
    open_app: OpenApp, port_engine: PortEngine, late: bool
) -> None:
    async def app(reader: Reader, writer: Writer) -> None:
        got = await read_request(reader)
        writer.write(answer(got.line.encode()))
        if late:
            await writer.drain()
            await asyncio.sleep(0.1)
        writer.write(answer(b"too slow", status="408 Request Timeout"))
        await reader.read()

    host = await open_app(app)
    for number in range(3):
        visit = await Visit(host, f"/{number}").end()
        assert (visit.status, visit.body) == (200, f"GET /{number} HTTP/1.1".encode())
        await settled(lambda: port_engine.bytes_down, 0.2)


@pytest.mark.parametrize("header", ["Connection: close", "Connection: Close"])
async def test_a_connection_that_the_app_wants_closed_is(
    open_app: OpenApp, port_engine: PortEngine, header: str
) -> None:
    host = await open_app(Recorder(answer(b"hello", header)))
    for _ in range(2):
        assert (await Visit(host).end()).body == b"hello"
    assert port_engine.opened == 2
    assert await settled(lambda: port_engine.open_now) == 0


async def test_a_browser_that_wants_its_own_connection_closed_closes_not_the_apps(
    open_app: OpenApp, port_engine: PortEngine
) -> None:
    host = await open_app(Recorder())
    for _ in range(2):
        await Visit(host, "/", (b"connection", b"close")).end()
    assert port_engine.opened == 1


async def test_idle_connections_are_closed_after_a_while(
    open_app: OpenApp,
    port_engine: PortEngine,
    own_tunnels: tunnel.Tunnels,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tunnel, "IDLE_SECONDS", 1)
    host = await open_app(Recorder())
    await Visit(host).end()
    assert port_engine.open_now == 1
    async with asyncio.timeout(10):
        while port_engine.open_now:
            await asyncio.sleep(0.05)
    assert own_tunnels._idle == {}


async def test_few_idle_connections_are_kept_and_nothing_else(
    open_app: OpenApp, port_engine: PortEngine, own_tunnels: tunnel.Tunnels
) -> None:
    host = await open_app(together(20))
    await asyncio.gather(*(Visit(host).end() for _ in range(20)))
    assert await settled(lambda: port_engine.open_now) == tunnel.IDLE_PER_PORT
    gc.collect()
    assert len(own_tunnels._rooms) == 0


async def test_ports_that_do_not_answer_leave_nothing_behind(
    preview_of: Any, port_engine: PortEngine, own_tunnels: tunnel.Tunnels
) -> None:
    await Visit(await preview_of(1)).end()
    gc.collect()
    assert (own_tunnels._idle, len(own_tunnels._rooms)) == ({}, 0)


# room


async def test_twenty_requests_at_once_are_all_answered(
    open_app: OpenApp, port_engine: PortEngine
) -> None:
    host = await open_app(together(20))
    visits = await asyncio.gather(*(Visit(host, f"/{n}").end() for n in range(20)))
    assert [visit.body for visit in visits] == [f"GET /{n} HTTP/1.1".encode() for n in range(20)]


async def test_more_than_a_machine_takes_wait_for_their_turn(
    open_app: OpenApp, port_engine: PortEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel, "OPEN_PER_MACHINE", 3)

    async def app(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        await asyncio.sleep(0.05)
        writer.write(answer(b"hello", "Connection: close"))

    host = await open_app(app)
    visits = await asyncio.gather(*(Visit(host).end() for _ in range(12)))
    assert {bytes(visit.body) for visit in visits} == {b"hello"}
    assert port_engine.most_open <= 4, "three, and one whose end is not through yet"


async def test_who_waits_too_long_is_told_and_takes_no_room(
    open_app: OpenApp, port_engine: PortEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel, "OPEN_PER_MACHINE", 1)
    monkeypatch.setattr(tunnel, "ROOM_SECONDS", 0.3)
    release = asyncio.Event()

    async def app(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        await release.wait()
        writer.write(answer(b"hello"))

    host = await open_app(app)
    first = Visit(host).begin()
    await settled(lambda: port_engine.open_now, 0.2)
    second = await Visit(host).end()
    assert second.status == 503
    assert b"as many requests at once" in second.body
    release.set()
    assert (await first.end()).body == b"hello"
    assert (await Visit(host).end()).body == b"hello"


async def test_the_first_bytes_may_come_with_the_handshake(open_app: OpenApp) -> None:
    async def app(reader: Reader, writer: Writer) -> None:
        writer.write(answer(b"said before asked"))
        await writer.drain()
        await read_request(reader)

    assert (await Visit(await open_app(app)).end()).body == b"said before asked"
