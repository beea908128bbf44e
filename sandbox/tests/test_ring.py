"""The ring against the simplest model of it: one long byte string."""

from hypothesis import given
from hypothesis import strategies as st

from sandbox.ring import CHUNK_BYTES, Ring


def test_reads_from_any_position() -> None:
    ring = Ring(100)
    ring.append(b"hello ")
    ring.append(b"world")
    assert ring.read(0, 100) == b"hello world"
    assert ring.read(3, 4) == b"lo w"
    assert ring.read(11, 5) == b""


def test_forgets_old_chunks_but_never_the_last_capacity_bytes() -> None:
    ring = Ring(3 * CHUNK_BYTES)
    for _ in range(10):
        ring.append(b"x" * CHUNK_BYTES)
    assert ring.end == 10 * CHUNK_BYTES
    assert 3 * CHUNK_BYTES <= ring.end - ring.start < 4 * CHUNK_BYTES


def test_keystrokes_share_chunks() -> None:
    ring = Ring(1000)
    for _ in range(500):
        ring.append(b"k")
    assert len(ring._chunks) == 1


def test_tells_modes_that_were_set_before_a_byte_also_by_what_it_has_no_more() -> None:
    ring = Ring(CHUNK_BYTES, 1000, b"\x1b[?1h")
    assert ring.modes_at(1000) == "\x1b[?1h"
    ring.append(b"\x1b[?1049h\x1b[?25l".ljust(CHUNK_BYTES, b"x"))
    assert ring.modes_at(ring.start) == "\x1b[?1h"
    assert ring.modes_at(1000 + 7) == "\x1b[?1h\x1b[?1049", "in the middle of a sequence"
    ring.append(b"y" * (CHUNK_BYTES - 3) + b"\x1b[?")
    ring.append(b"25h" + b"z" * CHUNK_BYTES)
    assert ring.start == 1000 + 2 * CHUNK_BYTES
    assert ring.modes_at(ring.start) == "\x1b[?1h\x1b[?25l\x1b[?1049h\x1b[?"
    assert ring.modes_at(ring.start + 3) == "\x1b[?1h\x1b[?1049h"


@given(st.lists(st.binary(min_size=1, max_size=40_000), max_size=12), st.data())
def test_equals_the_stream(pieces: list[bytes], data: st.DataObject) -> None:
    ring, whole = Ring(30_000), b"".join(pieces)
    for piece in pieces:
        ring.append(piece)
    assert ring.end == len(whole)
    assert ring.end - ring.start >= min(30_000, len(whole))
    position = data.draw(st.integers(ring.start, ring.end))
    limit = data.draw(st.integers(1, 70_000))
    assert ring.read(position, limit) == whole[position : position + limit]
