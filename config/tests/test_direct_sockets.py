"""The short way for bytes: a real server, a real client, and what may not overtake what."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from config.direct_sockets import DIRECT, DirectWebSocket

KIB = 1024


@asynccontextmanager
async def served(application: Any) -> AsyncIterator[ClientConnection]:
    """A client of `application` on a server as `./start` runs it."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application, ws=DirectWebSocket, ws_per_message_deflate=False, loop="none", lifespan="off",
        log_config=None,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    address = f"ws://127.0.0.1:{listening.getsockname()[1]}/"
    async with connect(address, compression=None, proxy=None) as client:
        yield client
    server.should_exit = server.force_exit = True
    await serving


async def test_bytes_that_are_taken_are_answered_without_the_queue() -> None:
    received: list[dict[str, Any]] = []

    async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        direct = scope["extensions"][DIRECT]
        direct.on_bytes = lambda data: direct.send_bytes(b"echo " + data)
        received.append(await receive())

    async with served(echo) as client:
        for size in (0, 1, 120, 121, 122, 500, 65_000):
            await client.send(b"x" * size)
            assert await client.recv() == b"echo " + b"x" * size
        await client.send([b"in ", b"parts"])
        assert await client.recv() == b"echo in parts"
    assert [message["type"] for message in received] == ["websocket.disconnect"]


async def test_nothing_overtakes_a_message_that_waits() -> None:
    order: list[str] = []
    go = asyncio.Event()

    async def slow(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})

        def take(data: bytes) -> bool:
            order.append(f"taken {data.decode()}")
            return data != b"refused"

        scope["extensions"][DIRECT].on_bytes = take
        await go.wait()
        while (message := await receive())["type"] == "websocket.receive":
            order.append(message.get("text") or message["bytes"].decode())

    async with served(slow) as client:
        for message in (b"1", "2", b"3", "4"):
            await client.send(message)
        await client.ping()
        await asyncio.sleep(0.05)
        go.set()
        await asyncio.sleep(0.05)
        await client.send(b"refused")
        await asyncio.sleep(0.05)
    assert order == ["taken 1", "2", "3", "4", "taken refused", "refused"]


async def test_a_closed_or_a_full_connection_takes_nothing_more() -> None:
    answers: list[bool] = []

    async def close(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        direct = scope["extensions"][DIRECT]
        answers.append(direct.send_bytes(b"before the handshake"))
        await send({"type": "websocket.accept"})
        answers.append(direct.send_bytes(b"now"))
        answers.append(direct.send_bytes(b"x" * 64 * KIB))
        direct.pause_writing()
        answers.append(direct.send_bytes(b"full"))
        direct.resume_writing()
        direct.on_bytes = lambda data: pytest.fail("heard after its close")
        await send({"type": "websocket.close", "code": 4401})
        answers.append(direct.send_bytes(b"after the close"))

    async with served(close) as client:
        assert await client.recv() == b"now"
        with contextlib.suppress(ConnectionClosed):
            await client.send(b"still here")
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
    assert answers == [False, True, False, False, False]
