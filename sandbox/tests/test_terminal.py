"""Fan-out, back-pressure and coming back, with a machine made of a list."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.terminal import AHEAD_BYTES, Terminal
from sandbox.viewer import Viewer

WINDOW = 1024 * 1024


class Machine:
    """A source that records what is done to it."""

    def __init__(self) -> None:
        self.written = b""
        self.paused = False
        self.on_data: Callable[[bytes], None]
        self.on_close: Callable[[], None]

    def listen(self, on_data: Callable[[bytes], None], on_close: Callable[[], None]) -> None:
        self.on_data, self.on_close = on_data, on_close

    def write(self, data: bytes) -> None:
        self.written += data

    def writable(self) -> bool:
        return True

    async def drained(self) -> None:
        return None

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def close(self) -> None:
        self.on_close()


class Client:
    """A viewer's far end."""

    def __init__(self) -> None:
        self.data = b""
        self.told: list[dict[str, Any]] = []
        self.order: list[str] = []

    async def send(self, data: bytes | str) -> None:
        if isinstance(data, bytes):
            self.data += data
            self.order.append("data")
        else:
            self.told.append(json.loads(data))
            self.order.append(next(iter(self.told[-1])))


class Setup:
    def __init__(self, ring_bytes: int = 2 * 1024 * 1024, history: bytes = b"") -> None:
        self.machine = Machine()
        self.sizes: list[tuple[int, int]] = []
        self.terminal = Terminal(
            self.machine, self._resize, ring_bytes=ring_bytes, history=history, pid=7
        )
        self.tasks: list[asyncio.Task[None]] = []

    async def _resize(self, columns: int, rows: int) -> None:
        self.sizes.append((columns, rows))

    async def join(
        self, after: int | None = None, window: int = WINDOW, **more: Any
    ) -> tuple[Client, Viewer]:
        client = Client()
        viewer = await self.terminal.view(client.send, after, window, **more)
        self.tasks.append(asyncio.create_task(viewer.follow(self.terminal)))
        await settle()
        return client, viewer


async def settle() -> None:
    await asyncio.sleep(0.03)


async def test_every_viewer_gets_everything() -> None:
    setup = Setup()
    one, _ = await setup.join()
    two, _ = await setup.join()
    setup.machine.on_data(b"hello")
    await settle()
    assert one.data == two.data == b"hello"


async def test_a_new_viewer_gets_what_was_before_and_hello_says_how_much() -> None:
    setup = Setup()
    setup.machine.on_data(b"before")
    client, _ = await setup.join()
    assert client.told[0]["hello"] == {
        "seq": 6,
        "cols": 80,
        "rows": 24,
        "pid": 7,
        "readonly": False,
        "owner": True,
        "recording": False,
        "title": "",
    }
    assert client.data == b"before"


async def test_coming_back_gives_only_what_was_missed() -> None:
    setup = Setup()
    setup.machine.on_data(b"seen, missed")
    client, _ = await setup.join(after=6)
    assert client.data == b"missed"
    assert not any("seq" in told for told in client.told[1:])


async def test_coming_back_before_the_old_output_has_arrived_waits_for_the_rest_of_it() -> None:
    setup = Setup()
    setup.terminal._live_from = 12
    client, _ = await setup.join(after=6)
    assert client.told[0]["hello"]["seq"] == 12
    setup.machine.on_data(b"seen")
    setup.machine.on_data(b", missed")
    await settle()
    assert client.data == b"missed"
    assert not any("seq" in told for told in client.told[1:])


async def test_coming_back_too_late_says_where_the_output_goes_on() -> None:
    setup = Setup(ring_bytes=20_000)
    for _ in range(10):
        setup.machine.on_data(b"x" * 16_384)
    client, viewer = await setup.join(after=5)
    assert client.told[1] == {"seq": setup.terminal.ring.start}
    assert len(client.data) == setup.terminal.ring.end - setup.terminal.ring.start
    assert client.order[:3] == ["hello", "seq", "data"]


@pytest.mark.parametrize("after", [None, 5])
async def test_a_program_whose_beginning_is_gone_is_shown_in_its_modes(after: int | None) -> None:
    setup = Setup(ring_bytes=20_000)
    setup.machine.on_data(b"$ vim\r\n\x1b[?1049h\x1b[?1h\x1b=\x1b[?2004h\x1b[?25l")
    for _ in range(10):
        setup.machine.on_data(b"redrawn".ljust(16_384))
    setup.machine.on_data(b"\x1b[?25h")
    client, _ = await setup.join(after=after)
    modes = "\x1b[?1h\x1b[?25l\x1b[?66h\x1b[?2004h\x1b[?1049h"
    assert client.told[1] == {"seq": setup.terminal.ring.start, "modes": modes}
    assert len(client.data) == setup.terminal.ring.end - setup.terminal.ring.start, "not counted"


async def test_a_viewer_that_was_left_behind_goes_on_in_the_modes_of_that_place() -> None:
    setup = Setup(ring_bytes=50_000)
    client, viewer = await setup.join(window=1000)
    setup.machine.on_data(b"\x1b[?1h".ljust(1000))
    await settle()
    for _ in range(10):
        setup.machine.on_data(b"\x1b[?1049h".ljust(16_384))
    viewer.acknowledge(1000)
    await settle()
    place = {"seq": setup.terminal.ring.start, "modes": "\x1b[?1h\x1b[?1049h"}
    assert client.told[1:] == [place]


async def test_a_number_from_before_a_restart_gives_the_whole_ring() -> None:
    setup = Setup(history=b"from the log")
    client, _ = await setup.join(after=10_000)
    assert client.told[1] == {"seq": 0}
    assert client.data == b"from the log"


async def test_a_viewer_without_acknowledgements_is_sent_one_window() -> None:
    setup = Setup()
    client, viewer = await setup.join(window=100_000)
    setup.machine.on_data(b"x" * 200_000)
    await settle()
    assert len(client.data) == 100_000
    viewer.acknowledge(60_000)
    await settle()
    assert len(client.data) == 160_000


async def test_one_slow_viewer_does_not_slow_the_machine_or_the_others() -> None:
    setup = Setup(ring_bytes=400_000)
    slow, slow_viewer = await setup.join(window=1000)
    fast, fast_viewer = await setup.join()
    for _ in range(40):
        setup.machine.on_data(b"y" * 50_000)
        await asyncio.sleep(0.003)
        fast_viewer.acknowledge(50_000)
        assert not setup.machine.paused
    await settle()
    assert len(fast.data) == 2_000_000
    assert len(slow.data) == 1000
    slow_viewer.acknowledge(1000)
    await settle()
    assert {"seq": setup.terminal.ring.start} in slow.told


async def test_the_machine_waits_when_the_only_viewer_is_far_behind() -> None:
    setup = Setup()
    _, viewer = await setup.join(window=1000)
    setup.machine.on_data(b"z" * (AHEAD_BYTES + 2000))
    assert setup.machine.paused
    for _ in range(AHEAD_BYTES // 1000 + 3):
        viewer.acknowledge(1000)
        await asyncio.sleep(0.001)
    await settle()
    assert not setup.machine.paused


async def test_the_machine_runs_on_when_the_last_slow_viewer_leaves() -> None:
    setup = Setup()
    _, viewer = await setup.join(window=1000)
    setup.machine.on_data(b"z" * (AHEAD_BYTES + 2000))
    setup.terminal.leave(viewer)
    assert not setup.machine.paused


async def test_the_end_reaches_the_viewer_after_the_last_byte() -> None:
    setup = Setup()
    client, _ = await setup.join()
    setup.machine.on_data(b"last words")
    setup.machine.on_close()
    await asyncio.wait_for(setup.tasks[0], 1)
    assert client.data == b"last words"


async def test_first_size_makes_programs_redraw_even_if_it_is_the_old_one() -> None:
    setup = Setup()
    await setup.terminal.resize(100, 30)
    assert setup.sizes == [(100, 31), (100, 30)]
    await setup.terminal.resize(90, 20)
    assert setup.sizes[2:] == [(90, 20)]


async def test_the_real_size_waits_until_the_program_saw_the_other_one() -> None:
    setup = Setup()
    task = asyncio.create_task(setup.terminal.resize(100, 30))
    await settle()
    assert setup.sizes == [(100, 31)]
    setup.machine.on_data(b"$ ")
    await task
    assert setup.sizes == [(100, 31), (100, 30)]


async def test_a_program_that_does_not_redraw_is_not_waited_for_long() -> None:
    setup = Setup()
    async with asyncio.timeout(2):
        await setup.terminal.resize(100, 30)
    assert setup.sizes[-1] == (100, 30)


@pytest.mark.parametrize(("columns", "rows"), [(0, 24), (-1, 24), (80, 0), (80, 10**9)])
async def test_impossible_sizes_are_refused(columns: int, rows: int) -> None:
    setup = Setup()
    with pytest.raises(ValueError):
        await setup.terminal.resize(columns, rows)
    assert setup.sizes == []


async def test_a_new_shell_is_known_by_its_new_pid() -> None:
    setup = Setup()
    setup.machine.on_data(b"\x1b]777;slipway;ready;pid=99;kernel=6.1;boot=b\x07$ ")
    assert setup.terminal.pid == 99
