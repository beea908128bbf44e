"""Modes that programs set, read from output that is cut anywhere."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandbox.modes import LONGEST_BYTES, Modes

VIM = b"\x1b[?1049h\x1b[?1h\x1b=\x1b[?2004h\x1b[?1004h\x1b[1;38r\x1b[?25l\x1b[?1000h\x1b[?1006h"
IN_VIM = (
    "\x1b[?1h\x1b[?25l\x1b[?66h\x1b[?1004h\x1b[?2004h"  # soft resets reach these
    "\x1b[?1049h\x1b[?1000h\x1b[?1006h"
)
SEQUENCES = [b"\x1bc", b"\x1b=", b"\x1b>", b"\x1b[!p", b"\x1b[?", b"\x1b[", b"\x1b", b"\x1b(", b"h"]
NUMBERS = (1, 7, 9, 25, 47, 66, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 1047, 1049, 2004)
SEQUENCES += [b"\x1b[?%d%c" % (number, end) for number in NUMBERS for end in b"hl"]
SEQUENCES += [b"l", b";", b"=", b"p", b"!", b"1049", b"01", b"x", b"\n", b"\x1b[?12;25l", b"\x80"]
OUTPUT = st.lists(st.sampled_from(SEQUENCES), max_size=30).map(b"".join)


@pytest.mark.parametrize(
    ("said", "modes"),
    [
        (b"nothing \x1b[31mof this\x1b[0m\r\n", ""),
        (VIM, IN_VIM),
        (
            b"\x1b[?1049;1;2004;25;1002h\x1b[?25l",
            "\x1b[?1h\x1b[?25l\x1b[?2004h\x1b[?1049h\x1b[?1002h",
        ),
        (b"\x1b[?0001h\x1b[?;;2004h", "\x1b[?1h\x1b[?2004h"),
        (b"\x1b[?7l\x1b[?25l", "\x1b[?7l\x1b[?25l"),
        (b"\x1b[?7l\x1b[?7h", ""),
        (b"\x1b[?1049h\x1b[?47l", ""),
        (b"\x1b[?1000h\x1b[?1003h", "\x1b[?1003h"),
        (b"\x1b[?1003h\x1b[?1000l", ""),
        (b"\x1b[?1006h\x1b[?1015h", "\x1b[?1015h\x1b[?1006h"),
        (b"\x1b[?1006h\x1b[?1016h", "\x1b[?1016h"),
        (b"\x1b=\x1b>", ""),
        (VIM + b"\x1bc", ""),
        (VIM + b"\x1b[!p", "\x1b[?1049h\x1b[?1000h\x1b[?1006h"),
        # Not DECSET: no question mark, another final, broken off by another sequence.
        (b"\x1b[1049h\x1b[?1049$p\x1b[?1049\x1b[m\x1b[?1049\nh", ""),
    ],
)
def test_modes_are_those_that_were_set_last(said: bytes, modes: str) -> None:
    assert Modes(said).text() == modes


def test_a_program_that_leaves_takes_its_modes_back() -> None:
    leaves = b"\x1b[?1006l\x1b[?1000l\x1b[?25h\x1b[?1004l\x1b[?2004l\x1b[?1l\x1b>\x1b[?1049l"
    assert Modes(VIM + b"text" * 1000 + leaves).text() == ""


@pytest.mark.parametrize("begun", [b"\x1b", b"\x1b[", b"\x1b[?10", b"\x1b[38;5;1", b"\x1b("])
def test_a_sequence_that_has_begun_is_said_too(begun: bytes) -> None:
    assert Modes(b"\x1b[?1h" + begun).text() == "\x1b[?1h" + begun.decode()


def test_a_sequence_without_end_is_forgotten() -> None:
    modes = Modes(b"\x1b[?" + b"1;" * LONGEST_BYTES)
    modes.feed(b"1h")
    assert modes.text() == ""


def test_a_copy_goes_its_own_way() -> None:
    modes = Modes(b"\x1b[?1h\x1b[?20")
    modes.copy().feed(b"04h\x1b[?1l")
    assert modes.text() == "\x1b[?1h\x1b[?20"


@given(OUTPUT, st.lists(st.integers(0, 200), max_size=10))
@example(VIM, list(range(1, 60)))
def test_where_output_is_cut_changes_nothing(said: bytes, cuts: list[int]) -> None:
    modes, edges = Modes(), [0, *sorted(cuts), len(said)]
    for begin, end in zip(edges, edges[1:], strict=False):
        modes.feed(said[begin:end])
    assert modes.text() == Modes(said).text()


@given(OUTPUT)
def test_what_is_said_brings_another_terminal_into_the_same_modes(said: bytes) -> None:
    modes = Modes(said)
    assert Modes(modes.text().encode()).text() == modes.text()
