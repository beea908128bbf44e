"""Keys and their echo past queue and tasks, and what has to take the long way."""

import asyncio
from typing import Any

import pytest

from classroom.models import User
from sandbox import socket_limits, terminal_socket
from sandbox.models import Sandbox
from sandbox.tests.sockets import Socket
from sandbox.tests.test_terminal_socket import WINDOW, Machines, path
from sandbox.viewer import BULK_BYTES

pytestmark = pytest.mark.django_db(transaction=True)


class Direct:
    """The server's short way (`config/direct_sockets.py`) in the hands of a test."""

    def __init__(self) -> None:
        self.on_bytes: Any = None
        self.sent: list[bytes] = []
        self.full = False

    def send_bytes(self, data: bytes) -> bool:
        if not self.full:
            self.sent.append(data)
        return not self.full


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Machines:
    settings.TERMINAL_WINDOW_BYTES = WINDOW
    fake = Machines()
    monkeypatch.setattr(terminal_socket, "terminals", fake)
    return fake


@pytest.fixture
def sandbox(make_sandbox: Any) -> Sandbox:
    return make_sandbox()


async def joined(sandbox: Sandbox, user: User, query: str = "?after=2") -> tuple[Socket, Direct]:
    direct = Direct()
    socket = Socket(path(sandbox, query=query), user, extensions={"slipway.direct": direct})
    assert await socket.open()
    assert "hello" in await socket.told()
    await asyncio.sleep(0.02)
    return socket, direct


async def settle() -> None:
    await asyncio.sleep(0.02)


async def test_a_key_and_its_echo_need_no_task(
    sandbox: Sandbox, learner: User, machines: Machines
) -> None:
    socket, direct = await joined(sandbox, learner)
    # No await from here: nothing else has run.
    assert direct.on_bytes(b"l")
    assert machines.source.typed == b"l"
    machines.source.print(b"l")
    assert direct.sent == [b"l"]
    await socket.leave()


async def test_much_output_notes_and_a_full_connection_go_the_long_way_in_order(
    sandbox: Sandbox, learner: User, machines: Machines
) -> None:
    socket, direct = await joined(sandbox, learner)
    machines.source.print(b"x" * BULK_BYTES)
    machines.source.print(b"behind it")
    assert direct.sent == []
    assert await socket.read() == b"x" * BULK_BYTES + b"behind it"
    await settle()
    assert machines.terminal is not None
    machines.terminal.tell_all({"recording": False})
    machines.source.print(b"after the note")
    assert direct.sent == []
    assert await socket.told() == {"recording": False}
    assert await socket.read() == b"after the note"
    await settle()
    direct.full = True
    machines.source.print(b"full")
    assert await socket.read() == b"full"
    await settle()
    direct.full = False
    machines.source.print(b"again")
    assert direct.sent == [b"again"]
    await socket.leave()


async def test_the_window_holds_for_what_is_sent_the_short_way(
    sandbox: Sandbox, learner: User, machines: Machines
) -> None:
    socket, direct = await joined(sandbox, learner)
    for _ in range(WINDOW // 1000 + 10):
        machines.source.print(b"x" * 1000)
    await settle()
    long_way = 0
    while not await socket.silent(0.05):
        long_way += len(await socket.read())
    assert sum(map(len, direct.sent)) + long_way == WINDOW
    await socket.leave()


async def test_keys_wait_for_their_turn_where_there_is_more_to_do(
    sandbox: Sandbox, learner: User, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, direct = await joined(sandbox, learner)
    _, reads = await joined(sandbox, learner, "?after=2&readonly=1")
    _, second = await joined(sandbox, learner)
    assert not direct.on_bytes(b"\x03"), "Ctrl-C may have a flood to skip"
    assert not direct.on_bytes(b"x" * 65_537), "too large: the long way refuses it"
    assert not reads.on_bytes(b"x")
    assert not second.on_bytes(b"x"), "typing makes it the owner of the size first"
    monkeypatch.setattr(machines.source, "writable", lambda: False)
    assert not direct.on_bytes(b"x"), "the machine does not read"
    assert machines.source.typed == b""
    taking = direct.on_bytes
    await owner.leave()
    assert direct.on_bytes is None
    assert not taking(b"x"), "it has left"


@pytest.mark.parametrize("frame", ["{}", b"x"], ids=["text", "bytes the short way"])
async def test_a_flood_is_refused_with_the_code_for_it(
    sandbox: Sandbox, learner: User, machines: Machines, frame: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_limits, "TOLERATED_SECONDS", 0.2)
    socket, direct = await joined(sandbox, learner)
    flooding = asyncio.create_task(_flood(socket, direct, frame))
    assert (await socket.told())["error"]["code"] == "too_fast"
    assert await socket.closed_with() == 1008
    flooding.cancel()
    assert len(machines.source.typed) < 2 * socket_limits.BURST


async def _flood(socket: Socket, direct: Direct, frame: Any) -> None:
    """As the server does it: the short way first, and at the same time never more than one waits."""
    while True:
        if isinstance(frame, str):
            await socket.say(frame)
        elif not (direct.on_bytes and direct.on_bytes(frame)):
            await socket.type(frame)
        await asyncio.sleep(0)
