"""The terminal's socket, over a machine made of a list: who gets in, what frames do."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from classroom.models import User
from sandbox import socket_limits, terminal_socket
from sandbox.errors import EngineDown, MachineDied
from sandbox.models import Machine, Sandbox, State
from sandbox.terminal import Terminal
from sandbox.tests.sockets import Socket

pytestmark = pytest.mark.django_db(transaction=True)
WINDOW = 512 * 1024


class Source:
    """The machine's end: keeps what is typed, prints what the test says."""

    def __init__(self) -> None:
        self.typed = b""
        self.sizes: list[tuple[int, int]] = []
        self.print: Callable[[bytes], None]
        self.end: Callable[[], None]

    def listen(self, on_data: Callable[[bytes], None], on_close: Callable[[], None]) -> None:
        self.print, self.end = on_data, on_close

    def write(self, data: bytes) -> None:
        self.typed += data

    def writable(self) -> bool:
        return True

    async def drained(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None: ...

    async def resize(self, columns: int, rows: int) -> None:
        self.sizes.append((columns, rows))


class Machines:
    """In the place of `terminals`: one terminal, or an error."""

    def __init__(self) -> None:
        self.source = Source()
        self.terminal: Terminal | None = None
        self.error: Exception | None = None

    async def get(self, machine: Machine, name: str = "main") -> Terminal:
        if self.error:
            raise self.error
        if self.terminal is None:
            self.terminal = Terminal(
                self.source, self.source.resize, ring_bytes=2 * WINDOW, history=b"$ ", pid=9
            )
        return self.terminal


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Machines:
    settings.TERMINAL_WINDOW_BYTES = WINDOW
    fake = Machines()
    monkeypatch.setattr(terminal_socket, "terminals", fake)
    return fake


@pytest.fixture
def sandbox(make_sandbox: Any, machines: Machines) -> Sandbox:
    return make_sandbox()


def path(sandbox: Sandbox, machine: str = "laptop", name: str = "main", query: str = "") -> str:
    return f"/ws/sandboxes/{sandbox.pk}/machines/{machine}/terminals/{name}{query}"


async def joined(sandbox: Sandbox, user: User, query: str = "") -> tuple[Socket, dict[str, Any]]:
    socket = Socket(path(sandbox, query=query), user)
    assert await socket.open()
    return socket, (await socket.told())["hello"]


async def refused(socket: Socket) -> tuple[dict[str, Any] | None, int]:
    """The error frame before the close, if any, and the close code."""
    assert await socket.open()
    error = None
    while True:
        message = await socket.message()
        if message["type"] == "websocket.close":
            return error, message["code"]
        error = json.loads(message["text"]).get("error")


async def test_the_owner_types_and_reads(
    sandbox: Sandbox, learner: User, machines: Machines
) -> None:
    socket, hello = await joined(sandbox, learner)
    assert hello == {
        "seq": 2,
        "cols": 80,
        "rows": 24,
        "pid": 9,
        "readonly": False,
        "owner": True,
        "recording": False,
        "title": "",
    }
    assert await socket.read() == b"$ "
    await socket.type(b"ls\r")
    await asyncio.sleep(0.05)
    assert machines.source.typed == b"ls\r"
    machines.source.print(b"files")
    assert await socket.read() == b"files"
    await socket.leave()


async def test_coming_back_gives_the_rest(
    sandbox: Sandbox, learner: User, machines: Machines
) -> None:
    socket, _ = await joined(sandbox, learner)
    await socket.leave()
    machines.source.print(b"while away")
    socket, hello = await joined(sandbox, learner, "?after=2")
    assert hello["seq"] == 12
    assert await socket.read() == b"while away"
    await socket.leave()


async def test_an_after_from_another_life_starts_over(sandbox: Sandbox, learner: User) -> None:
    socket, _ = await joined(sandbox, learner, "?after=999999")
    assert await socket.told() == {"seq": 0}
    assert await socket.read() == b"$ "
    await socket.leave()


async def test_output_waits_for_acknowledgement(
    sandbox: Sandbox, learner: User, machines: Machines
) -> None:
    socket, _ = await joined(sandbox, learner, "?after=2")
    machines.source.print(b"x" * (WINDOW + 1000))
    got = 0
    while got < WINDOW:
        got += len(await socket.read())
    assert got == WINDOW
    assert await socket.silent(0.2)
    await socket.say(json.dumps({"ack": WINDOW}))
    assert await socket.read() == b"x" * 1000
    await socket.leave()


async def test_resize_reaches_the_machine(
    sandbox: Sandbox, learner: User, machines: Machines
) -> None:
    socket, _ = await joined(sandbox, learner)
    await socket.say('{"resize": [120, 40]}')
    await asyncio.sleep(0.02)
    machines.source.print(b"redrawn")
    await asyncio.sleep(0.05)
    assert machines.source.sizes[-1] == (120, 40)
    await socket.leave()


async def test_a_client_that_asks_whether_we_are_there_is_told(
    sandbox: Sandbox, learner: User
) -> None:
    socket, _ = await joined(sandbox, learner)
    assert await socket.read() == b"$ "
    await socket.say('{"ping": 7}')
    assert await socket.told() == {"pong": 7}
    await socket.leave()


async def test_a_stranger_an_unknown_machine_and_an_unknown_terminal_are_404(
    sandbox: Sandbox, learner: User, stranger: User, caplog: pytest.LogCaptureFixture
) -> None:
    for socket in (
        Socket(path(sandbox), stranger),
        Socket(path(sandbox, machine="other"), learner),
        Socket(path(sandbox, name="No_Name"), learner),
        Socket(f"/ws/sandboxes/{'a' * 12}/machines/laptop/terminals/main", learner),
    ):
        error, code = await refused(socket)
        assert code == 4404
        assert error is not None
        assert error["code"] == "not_found"
        assert error["hint"]
    for who in (stranger, learner):
        wanted = f"terminal of sandbox {sandbox.pk} closed with 4404: not_found; learner {who.pk}"
        assert wanted in caplog.messages


async def test_nobody_is_told_to_sign_in(sandbox: Sandbox) -> None:
    assert (await refused(Socket(path(sandbox))))[1] == 4401


async def test_another_origin_is_refused_before_the_handshake(
    sandbox: Sandbox, learner: User, caplog: pytest.LogCaptureFixture
) -> None:
    assert not await Socket(path(sandbox), learner, "http://evil.example").open()
    assert not await Socket(path(sandbox), learner, "http://localhost:8001").open()
    assert caplog.text.count(sandbox.pk) == 2
    socket = Socket(path(sandbox), learner, None)
    assert await socket.open(), "no origin, no browser"
    await socket.leave()


@pytest.mark.parametrize("state", [State.STARTING, State.STOPPING, State.GONE, State.FAILED])
async def test_a_sandbox_that_is_not_up_is_gone(
    sandbox: Sandbox, learner: User, state: str
) -> None:
    await Sandbox.objects.filter(pk=sandbox.pk).aupdate(state=state)
    error, code = await refused(Socket(path(sandbox), learner))
    assert code == 4410
    assert error is not None


async def test_a_machine_that_does_not_answer_is_gone_with_a_reason(
    sandbox: Sandbox, learner: User, machines: Machines
) -> None:
    machines.error = MachineDied()
    said, code = await refused(Socket(path(sandbox), learner))
    assert code == 4410
    assert said == {
        "code": "machine_died",
        "message": MachineDied.message,
        "hint": MachineDied.hint,
    }


async def test_an_engine_that_is_away_says_nothing_of_the_machine(
    sandbox: Sandbox, learner: User, machines: Machines
) -> None:
    machines.error = EngineDown()
    assert await refused(Socket(path(sandbox), learner)) == (None, 1012)
    machines.error = None
    socket, _ = await joined(sandbox, learner, "?after=2")
    machines.error = EngineDown()
    machines.source.end()
    assert await socket.closed_with() == 1012


async def test_the_machines_end_closes_after_its_last_words(
    sandbox: Sandbox, learner: User, machines: Machines
) -> None:
    socket, _ = await joined(sandbox, learner, "?after=2")
    machines.source.print(b"last words")
    machines.error = MachineDied()
    machines.source.end()
    assert await socket.read() == b"last words"
    assert await socket.closed_with() == 4410


async def test_a_stream_that_broke_off_while_the_machine_lives_asks_to_come_back(
    sandbox: Sandbox, learner: User, machines: Machines
) -> None:
    socket, _ = await joined(sandbox, learner, "?after=2")
    machines.source.end()
    assert await socket.closed_with() == 1012


async def test_an_engine_lost_while_resizing_asks_to_come_back(
    sandbox: Sandbox, learner: User, machines: Machines
) -> None:
    async def away(columns: int, rows: int) -> None:
        raise EngineDown

    socket, _ = await joined(sandbox, learner)
    assert machines.terminal is not None
    machines.terminal._size._resize = away
    await socket.say('{"resize": [100, 30]}')
    assert await socket.closed_with() == 1012


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What an operator would find in the log."""
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


BAD_FRAMES = [
    "not json", "", "[]", '"ack"', "7", "null", "[" * 50_000,
    '{"ack": "7"}', '{"ack": true}', '{"ack": 1.5}', '{"ack": null}',
    '{"resize": [80]}', '{"resize": [80, 24, 1]}', '{"resize": ["80", "24"]}',
    '{"resize": [0, 24]}', '{"resize": [80, -1]}', '{"resize": [80, 100000]}', '{"resize": 80}',
]  # fmt: skip


@pytest.mark.parametrize("frame", BAD_FRAMES, ids=[frame[:24] or "empty" for frame in BAD_FRAMES])
async def test_a_frame_of_no_protocol_closes(
    sandbox: Sandbox,
    learner: User,
    machines: Machines,
    frame: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    socket, _ = await joined(sandbox, learner)
    await socket.say(frame)
    assert await socket.closed_with() == 1008
    assert warned(caplog) == [
        f"terminal of sandbox {sandbox.pk} closed with 1008: bad_request; learner {learner.pk}"
    ]
    assert machines.source.sizes == []
    assert machines.terminal is not None
    assert not machines.terminal.viewers


@pytest.mark.parametrize("query", ["?after=-1", "?after=x", "?after=" + "9" * 30])
async def test_an_after_that_is_no_number_closes(
    sandbox: Sandbox, learner: User, query: str
) -> None:
    assert (await refused(Socket(path(sandbox, query=query), learner)))[1] == 1008


async def test_a_frame_that_is_too_large_closes(
    sandbox: Sandbox, learner: User, machines: Machines
) -> None:
    socket, _ = await joined(sandbox, learner)
    await socket.type(b"x" * (64 * 1024))
    await asyncio.sleep(0.05)
    assert len(machines.source.typed) == 64 * 1024
    await socket.type(b"x" * (64 * 1024 + 1))
    assert await socket.closed_with() == 1009
    assert len(machines.source.typed) == 64 * 1024
    socket, _ = await joined(sandbox, learner)
    await socket.say('{"ack": 1}' + " " * 64 * 1024)
    assert await socket.closed_with() == 1009


@pytest.mark.parametrize("code", [1002, 1007, 1009])
async def test_what_the_server_itself_ends_is_a_line_of_the_log(
    sandbox: Sandbox, learner: User, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    socket, _ = await joined(sandbox, learner)
    await socket.leave(code)
    assert f"terminal of sandbox {sandbox.pk} closed with {code}" in caplog.text


async def test_a_client_that_leaves_is_no_warning(
    sandbox: Sandbox, learner: User, caplog: pytest.LogCaptureFixture
) -> None:
    socket, _ = await joined(sandbox, learner)
    await socket.leave()
    assert warned(caplog) == []


async def test_a_client_that_reads_no_more_is_closed(
    sandbox: Sandbox, learner: User, machines: Machines, settings: Any
) -> None:
    settings.TERMINAL_STALL_SECONDS = 0.1
    socket, _ = await joined(sandbox, learner)
    machines.source.print(b"x" * 2 * WINDOW)
    assert await socket.closed_with() == 4408


async def test_too_many_sockets_of_one_learner_are_refused_until_one_leaves(
    sandbox: Sandbox, learner: User, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.TERMINAL_SOCKETS_PER_LEARNER = 2
    open_ones = [(await joined(sandbox, learner))[0] for _ in range(2)]
    assert (await refused(Socket(path(sandbox), learner)))[1] == 4429
    assert f"terminal of sandbox {sandbox.pk} closed with 4429" in caplog.text
    await open_ones.pop().leave()
    open_ones.append((await joined(sandbox, learner))[0])
    for socket in open_ones:
        await socket.leave()
    assert not socket_limits._sockets_of_learner


async def test_a_viewer_lost_during_the_greeting_does_not_stay(machines: Machines) -> None:
    async def lost(_: bytes | str) -> None:
        raise ConnectionError

    terminal = await machines.get(Machine())
    with pytest.raises(ConnectionError):
        await terminal.view(lost, None, WINDOW)
    assert not terminal.viewers
