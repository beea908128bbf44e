"""Frames of a terminal's holder, as the console reads and writes them."""

import asyncio
import dataclasses
import socket
import struct
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.errors import MachineDied, SandboxEngineError
from sandbox.held import HeldTerminal, Hello

HELLO = Hello(pid=19, start=5, end=7, columns=100, rows=30)


class Stream:
    """An engine stream: keeps what is written, gives what the test says."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def listen(self, on_data: Any, on_close: Any) -> None:
        self.on_data, self.on_close = on_data, on_close

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True


def frame(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack(">I", len(payload)) + payload


def muxed(data: bytes, which: int = 1) -> bytes:
    return struct.pack(">BxxxI", which, len(data)) + data


def hello() -> bytes:
    return frame(b"H", struct.pack(">IQQHH", 19, 5, 7, 100, 30))


SAID = muxed(hello() + frame(b"O", b"ab")) + muxed(frame(b"O", b"cd") + frame(b"E", b"\0\0\0\x03"))


@given(st.lists(st.integers(0, len(SAID)), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_frames_are_read_however_they_are_cut(cuts: list[int]) -> None:
    engine_stream, output, ends = Stream(), [], []
    held = HeldTerminal(engine_stream, multiplexed=True)  # type: ignore[arg-type]
    edges = [0, *sorted(cuts), len(SAID)]
    for begin, end in zip(edges, edges[1:], strict=False):
        engine_stream.on_data(SAID[begin:end])
    held.listen(output.append, lambda: ends.append(held.exit_code))
    engine_stream.on_close()
    assert held.hello.result() == HELLO
    assert b"".join(output) == b"abcd"
    assert ends == [3]


async def test_the_greeting_says_in_which_modes_the_output_begins() -> None:
    engine_stream = Stream()
    held = HeldTerminal(engine_stream, multiplexed=False)  # type: ignore[arg-type]
    greeting = struct.pack(">IQQHH", 19, 5, 7, 100, 30) + b"\x1b[?1049h"
    engine_stream.on_data(frame(b"H", greeting))
    assert held.hello.result() == dataclasses.replace(HELLO, modes=b"\x1b[?1049h")


async def test_what_is_typed_goes_in_frames_the_holder_takes() -> None:
    engine_stream = Stream()
    held = HeldTerminal(engine_stream, multiplexed=True)  # type: ignore[arg-type]
    held.write(b"x" * 10_000)
    await held.resize(100, 30)
    assert engine_stream.written == (
        frame(b"I", b"x" * 8192)
        + frame(b"I", b"x" * 1808)
        + frame(b"R", struct.pack(">HH", 100, 30))
    )


@pytest.mark.parametrize("bad", [frame(b"?", b""), b"O\xff\xff\xff\xff", frame(b"E", b"")])
async def test_a_holder_that_talks_nonsense_is_left(bad: bytes) -> None:
    engine_stream = Stream()
    HeldTerminal(engine_stream, multiplexed=True)  # type: ignore[arg-type]
    engine_stream.on_data(muxed(hello() + bad))
    assert engine_stream.closed


async def test_a_machine_that_can_not_says_why() -> None:
    engine_stream = Stream()
    held = HeldTerminal(engine_stream, multiplexed=True)  # type: ignore[arg-type]
    engine_stream.on_data(muxed(b"slipway-init: no terminal: No space left\n", which=2))
    engine_stream.on_close()
    with pytest.raises(SandboxEngineError, match="No space left"):
        await held.hello


async def test_a_machine_that_ends_meanwhile_has_died() -> None:
    engine_stream = Stream()
    held = HeldTerminal(engine_stream, multiplexed=True)  # type: ignore[arg-type]
    engine_stream.on_close()
    with pytest.raises(MachineDied):
        await held.hello


class Doors:
    """What stands behind a holder's two ways: a Unix socket pair, and execs that are counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connected: list[socket.socket | None] = []
        self.execs: list[Stream] = []
        monkeypatch.setattr("sandbox.namespaces.connect_by_name", self._connect)
        monkeypatch.setattr("sandbox.stream.exec_stream", self._exec)

    def answering(self, *said: bytes) -> None:
        """The next connections find a holder each that says this."""
        for words in said:
            ours, holders = socket.socketpair()
            ours.setblocking(False)
            holders.sendall(words)
            self.connected.append(ours)
            self.holders = holders

    async def _connect(self, container_id: str, name: str) -> socket.socket | None:
        assert (container_id, name) == ("c1", "slipway/work")
        return self.connected.pop(0) if self.connected else None

    async def _exec(self, container_id: str, command: list[str], user: str) -> Any:
        opened = Stream()
        asyncio.get_running_loop().call_soon(lambda: opened.on_data(muxed(hello())))
        self.execs.append(opened)
        return "exec-1", opened


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Doors:
    return Doors(monkeypatch)


async def test_a_holder_that_is_there_is_reached_without_an_exec(doors: Doors) -> None:
    doors.answering(hello() + frame(b"O", b"ab"))
    held = await HeldTerminal.attach("c1", "work")
    output: list[bytes] = []
    held.listen(output.append, lambda: None)
    assert (held.direct, held.hello.result(), output, doors.execs) == (True, HELLO, [b"ab"], [])
    held.write(b"x")
    await asyncio.sleep(0.01)
    assert doors.holders.recv(100) == frame(b"A", b"\xff" * 8) + frame(b"I", b"x")
    held.close()


async def test_a_holder_that_an_exec_made_is_then_reached_without_it(doors: Doors) -> None:
    doors.connected = [None]
    doors.answering(hello())
    held = await HeldTerminal.attach("c1", "work")
    assert held.direct
    assert [opened.closed for opened in doors.execs] == [True]
    held.close()


async def test_where_no_namespace_can_be_entered_the_exec_stays(doors: Doors) -> None:
    held = await HeldTerminal.attach("c1", "work")
    assert not held.direct
    assert [opened.closed for opened in doors.execs] == [False]


async def test_what_stands_in_a_holders_place_and_talks_nonsense_is_passed_by(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.held.DIRECT_SECONDS", 0.05)
    doors.answering(frame(b"?", b""), b"")
    held = await HeldTerminal.attach("c1", "work")
    assert not held.direct


async def test_output_of_several_frames_is_handed_on_as_one(doors: Doors) -> None:
    held = HeldTerminal(Stream(), multiplexed=False)  # type: ignore[arg-type]
    pieces: list[bytes] = []
    held.listen(pieces.append, lambda: None)
    held._on_bytes(frame(b"O", b"ab") + frame(b"O", b"cd") + frame(b"E", b"\0\0\0\x01") + b"O\0")
    held._on_bytes(b"\0\0\x01e")
    assert (pieces, held.exit_code) == ([b"abcd", b"e"], 1)
