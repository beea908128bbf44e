"""The engine's multiplexed stream, cut anywhere."""

from hypothesis import given
from hypothesis import strategies as st

from sandbox.demux import Demultiplexer

frames = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=300)), max_size=12)


def encoded(parts: list[tuple[int, bytes]]) -> bytes:
    return b"".join(
        bytes([which, 0, 0, 0]) + len(data).to_bytes(4, "big") + data for which, data in parts
    )


@given(frames, st.lists(st.integers(min_value=0, max_value=4000), max_size=20))
def test_frames_come_out_whole_however_the_stream_is_cut(
    parts: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    got: list[tuple[int, bytes]] = []
    reader = Demultiplexer(lambda which, data: got.append((which, data)))
    stream, position = encoded(parts), 0
    for cut in [*sorted(cuts), len(stream)]:
        reader.feed(stream[position:cut])
        position = max(position, cut)
    assert got == parts


@given(frames)
def test_one_byte_at_a_time(parts: list[tuple[int, bytes]]) -> None:
    got: list[tuple[int, bytes]] = []
    reader = Demultiplexer(lambda which, data: got.append((which, data)))
    for byte in encoded(parts):
        reader.feed(bytes([byte]))
    assert got == parts


def test_an_unfinished_frame_is_not_given_out() -> None:
    got: list[bytes] = []
    Demultiplexer(lambda _, data: got.append(data)).feed(encoded([(1, b"whole"), (1, b"cut")])[:-1])
    assert got == [b"whole"]
