"""Markers in a stream that is cut anywhere."""

from hypothesis import given
from hypothesis import strategies as st

from sandbox.markers import (
    LIMIT_BYTES,
    CommandEnded,
    CommandLine,
    CommandStarted,
    Exited,
    Failed,
    Marker,
    MarkerReader,
    Ready,
    Stage,
    parse,
)

STREAM = (
    b"boot\r\n\x1b]777;slipway;stage;engine starting\x07\x1b[1mbold\x1b[0m"
    b"\x1b]777;slipway;ready;pid=12;kernel=6.1.0-43;boot=51d0c2e8-1;hostname=laptop\x07$ "
    b"ls\r\n\x1b]133;C\x07a b\r\n\x1b]777;slipway;command;echo 50%25%3B ls\x07\x1b]133;D;2\x07$ "
    b"\x1b]777;slipway;exit;3\x07"
)
EXPECTED = [Stage("engine starting"), Ready(12, "6.1.0-43", "51d0c2e8-1")]
EXPECTED += [CommandStarted(), CommandLine("echo 50%; ls"), CommandEnded(2), Exited(3)]


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_finds_every_marker_once_however_the_stream_is_cut(cuts: list[int]) -> None:
    found: list[Marker] = []
    reader = MarkerReader(found.append)
    edges = [0, *sorted(cuts), len(STREAM)]
    for begin, end in zip(edges, edges[1:], strict=False):
        reader.feed(STREAM[begin:end])
    assert found == EXPECTED


@given(st.binary(max_size=2000))
def test_no_bytes_break_it_or_pile_up(data: bytes) -> None:
    reader = MarkerReader(lambda marker: None)
    reader.feed(data)
    assert len(reader._tail) < LIMIT_BYTES


def test_failed_carries_its_reason() -> None:
    assert parse(b"failed;no tun device") == Failed("no tun device")


def test_ready_without_a_pid_is_nothing() -> None:
    assert parse(b"ready;pid=abc;kernel=6") is None
    assert parse(b"unknown;x") is None
