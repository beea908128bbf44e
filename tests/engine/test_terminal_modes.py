"""Modes that programs set, kept by a terminal's holder where the console has no more of them."""

import ctypes
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.images.machine_image import INIT_SOURCES
from sandbox.models import Machine
from sandbox.modes import Modes
from sandbox.terminals import Terminals
from sandbox.tests.test_modes import IN_VIM, SEQUENCES
from tests.engine.screen import Screen

pytestmark = pytest.mark.engine
# The holder's ring, and what comes in before it lets anything go.
KEPT_BYTES = 256 * 1024
PIECES = st.lists(st.sampled_from([*SEQUENCES, b"\x1b[?" + b"1;" * 127, b"7"]), max_size=30)


class Ring(ctypes.Structure):
    """`struct ring` of `images/init/holder.h`."""

    _fields_ = [
        ("bytes", ctypes.c_void_p),
        ("capacity", ctypes.c_size_t),
        ("start", ctypes.c_uint64),
        ("end", ctypes.c_uint64),
        ("modes", ctypes.c_char * 4096),  # more than it takes
    ]

    def append(self, library: ctypes.CDLL, data: bytes) -> None:
        assert library.ring_append(ctypes.byref(self), data, ctypes.c_size_t(len(data)))

    def said(self, library: ctypes.CDLL) -> bytes:
        text = ctypes.create_string_buffer(4096)
        library.modes_write.restype = ctypes.c_size_t
        size = library.modes_write(ctypes.byref(self, Ring.modes.offset), text)
        return text.raw[:size]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The holder's own ring and modes."""
    made = tmp_path_factory.mktemp("holder") / "ring.so"
    # The compiler is there: the machine images are built with it.
    command = ["gcc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"]
    sources = [str(INIT_SOURCES / name) for name in ("ring.c", "modes.c")]
    subprocess.run([*command, "-o", str(made), *sources], check=True)
    return ctypes.CDLL(str(made))


@given(pieces=PIECES)
@settings(max_examples=500)
def test_the_holder_finds_the_modes_that_the_console_finds(
    library: ctypes.CDLL, pieces: list[bytes]
) -> None:
    ring, output = Ring(), b"".join(pieces)
    for piece in pieces:
        ring.append(library, piece)
    assert ring.said(library) == b"", "nothing has left it"
    for _ in range(0, KEPT_BYTES, 8192):
        ring.append(library, b"x" * 8192)
    assert ring.start == len(output)
    assert ring.said(library) == Modes(output).text().encode()


async def test_a_console_that_is_started_later_tells_the_modes_of_a_program(
    shared_shell: Machine,
) -> None:
    before = await Screen(await Terminals().get(shared_shell)).join()
    await before.terminal.resize(100, 30)
    await before.until(rb"133;B")
    set_all = r"\e[?1049h\e[?1h\e=\e[?2004h\e[?1004h\e[?25l\e[?1000h\e[?1006h"
    await before.type(rf"printf '{set_all}'; head -c 400000 /dev/zero | tr '\0' x; echo en''d; cat")
    await before.until(rb"end\r\n")
    before.terminal.close()
    again = await Terminals().get(shared_shell)
    try:
        screen = await Screen(again).join(after=7)
        await screen.until(rb"end\r\n")
        assert again.ring.start > 7
        assert screen.told == [{"seq": again.ring.start, "modes": IN_VIM}]
    finally:
        again.close()
