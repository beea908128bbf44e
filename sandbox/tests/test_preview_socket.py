"""WebSockets of previews: a real client, the real server, a real app behind the tunnel."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from django.utils import timezone
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as serve_app
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sandbox import preview_relay, preview_socket
from sandbox.models import Preview, Sandbox, State
from sandbox.tests.port_engine import PortEngine, Recorder, answer, never
from sandbox.tests.visits import Visit

pytestmark = pytest.mark.django_db(transaction=True)
Talk = Callable[[ServerConnection], Awaitable[None]]
Open = Callable[..., connect]
MIB = 1024 * 1024


@pytest.fixture
async def site_port() -> AsyncIterator[int]:
    """The port of a server as `./start` runs it."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Visit.application,
        ws="websockets-sansio",
        ws_max_size=MIB,
        ws_per_message_deflate=False,
        loop="none",
        lifespan="off",
        log_config=None,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield int(listening.getsockname()[1])
    server.should_exit = server.force_exit = True
    await serving


@pytest.fixture
def open_socket(site_port: int) -> Open:
    """`open_socket(host, path)` connects as a browser would."""

    def opened(host: str, path: str = "/", **options: Any) -> connect:
        return connect(
            f"ws://{host}{path}",
            host="127.0.0.1",
            port=site_port,
            compression=None,
            proxy=None,
            max_size=8 * MIB,
            **options,
        )

    return opened


@pytest.fixture
async def run_app(preview_of: Any, port_engine: PortEngine) -> AsyncIterator[Any]:
    """Runs a WebSocket app in the machine; gives the host of its preview."""
    servers: list[Server] = []

    async def run(talk: Talk, **options: Any) -> str:
        options = {"compression": None, "max_size": 8 * MIB} | options
        server = await serve_app(talk, "127.0.0.1", 0, **options)
        servers.append(server)
        return str(await preview_of(next(iter(server.sockets)).getsockname()[1]))

    yield run
    for server in servers:
        server.close()


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def code_of(connection: ClientConnection) -> int:
    """The code that the connection is closed with."""
    async with asyncio.timeout(10):
        await connection.wait_closed()
    assert connection.close_code is not None
    return connection.close_code


async def test_text_and_bytes_come_back_as_they_were(run_app: Any, open_socket: Open) -> None:
    host = await run_app(echo)
    async with open_socket(host) as browser:
        for message in ("hello", "", "ü😀", b"\x00\xff", b"", b"x" * 300_000):
            await browser.send(message)
            assert await browser.recv() == message


async def test_a_message_in_fragments_comes_whole(run_app: Any, open_socket: Open) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send(["one ", "two ", "three"])
        await connection.wait_closed()

    host = await run_app(talk)
    async with open_socket(host) as browser:
        assert await browser.recv() == "one two three"


async def test_the_app_sees_the_browsers_own_request(run_app: Any, open_socket: Open) -> None:
    seen: dict[str, Any] = {}

    async def talk(connection: ServerConnection) -> None:
        assert connection.request
        seen.update(path=connection.request.path, headers=connection.request.headers)

    host = await run_app(talk, subprotocols=["second"])
    options = {"subprotocols": ["first", "second"], "additional_headers": {"Cookie": "own=1"}}
    async with open_socket(host, "/a%20b?q=1", origin=f"http://{host}", **options) as browser:
        assert browser.subprotocol == "second"
        await code_of(browser)
    assert seen["path"] == "/a%20b?q=1"
    assert seen["headers"]["Host"] == host
    assert seen["headers"]["Origin"] == f"http://{host}"
    assert seen["headers"]["Cookie"] == "own=1"
    assert seen["headers"].get_all("Upgrade") == ["websocket"]


async def test_both_sides_learn_how_the_other_closed(run_app: Any, open_socket: Open) -> None:
    closed: asyncio.Future[tuple[Any, Any]] = asyncio.get_running_loop().create_future()

    async def talk(connection: ServerConnection) -> None:
        assert connection.request
        if connection.request.path == "/app-closes":
            await connection.close(4321, "enough")
            return
        await connection.wait_closed()
        closed.set_result((connection.close_code, connection.close_reason))

    host = await run_app(talk)
    async with open_socket(host, "/app-closes") as browser:
        assert await code_of(browser) == 4321
        assert browser.close_reason == "enough"
    async with open_socket(host) as browser:
        await browser.close(4000, "bye")
    async with asyncio.timeout(10):
        assert await closed == (4000, "bye")


async def test_an_app_that_breaks_off_is_a_bad_gateway(
    run_app: Any, open_socket: Open, port_engine: PortEngine
) -> None:
    host = await run_app(echo)
    async with open_socket(host) as browser:
        await browser.send("there?")
        await browser.recv()
        port_engine.kill_machine()
        assert await code_of(browser) == 1014


async def test_a_message_that_is_too_large_closes_the_socket(
    run_app: Any, open_socket: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_socket, "MESSAGE_LIMIT_BYTES", 100_000)

    async def talk(connection: ServerConnection) -> None:
        await connection.send(b"x" * 100_001)
        await connection.wait_closed()

    host = await run_app(talk)
    async with open_socket(host) as browser:
        with pytest.raises(ConnectionClosed):
            await browser.recv()
        assert await code_of(browser) == 1009


async def test_a_browser_that_does_not_read_holds_the_app_back(
    run_app: Any, open_socket: Open, port_engine: PortEngine
) -> None:
    async def talk(connection: ServerConnection) -> None:
        while True:
            await connection.send(b"x" * 65536)

    host = await run_app(talk)
    async with open_socket(host, max_queue=1) as browser:
        await browser.recv()
        last = -1
        async with asyncio.timeout(20):
            while last != port_engine.bytes_down:
                last = port_engine.bytes_down
                await asyncio.sleep(0.5)
        assert last < 48 * MIB
        browser.transport.abort()


async def test_a_browser_that_leaves_ends_its_tunnel(
    run_app: Any, open_socket: Open, port_engine: PortEngine
) -> None:
    host = await run_app(echo)
    async with open_socket(host) as browser:
        await browser.send("there?")
        await browser.recv()
        assert port_engine.open_now == 1
        browser.transport.abort()
        async with asyncio.timeout(10):
            while port_engine.open_now:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("how", ["revoked", "expired", "stopping"])
async def test_the_end_of_the_preview_closes_the_socket(
    run_app: Any, open_socket: Open, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_relay, "CHECK_SECONDS", 0.1)
    host = await run_app(echo)
    async with open_socket(host) as browser:
        await browser.send("there?")
        await browser.recv()
        now = timezone.now()
        if how == "revoked":
            await Preview.objects.aupdate(revoked_at=now)
        elif how == "expired":
            await Preview.objects.aupdate(expires_at=now)
        else:
            await Sandbox.objects.aupdate(state=State.STOPPING)
        assert await code_of(browser) == 1001
    with pytest.raises(InvalidStatus, match="404"):
        await open_socket(host)


@pytest.mark.parametrize(
    ("app", "status"),
    [
        (Recorder(answer(b"no", status="403 Forbidden")), 403),
        (Recorder(answer(b"a page")), 502),
        (Recorder(b"SSH-2.0-OpenSSH\r\n\r\n"), 502),
        (
            Recorder(
                b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
            ),
            502,
        ),
        (never, 504),
    ],
    ids=["refused", "page", "no-http", "wrong-key", "silent"],
)
async def test_apps_that_open_no_socket_get_a_status(
    open_app: Any,
    open_socket: Open,
    app: Any,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(preview_socket, "SILENT_SECONDS", 0.5)
    host = await open_app(app)
    with pytest.raises(InvalidStatus, match=str(status)):
        await open_socket(host)
    await asyncio.sleep(0.1)
    assert [said for said in caplog.records if said.levelname == "ERROR"] == []


async def test_a_closed_port_and_an_address_that_never_was(
    preview_of: Any, port_engine: PortEngine, open_socket: Open
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    host = await preview_of(port)
    with pytest.raises(InvalidStatus, match="502"):
        await open_socket(host)
    with pytest.raises(InvalidStatus, match="404"):
        await open_socket("p-" + "a" * 32 + "-80.localhost:8000")
