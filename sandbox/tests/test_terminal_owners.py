"""Several viewers of one terminal: whose size it has, who may type, who is told what."""

import asyncio

import pytest

from sandbox.terminal import SHOWN_BYTES
from sandbox.tests.test_terminal import Setup, settle
from sandbox.viewer import Stalled


def sizes(setup: Setup) -> tuple[int, int]:
    return setup.sizes[-1]


async def test_the_size_is_that_of_who_asked_last() -> None:
    setup = Setup()
    one, first = await setup.join()
    two, second = await setup.join()
    await setup.terminal.asked(first, 100, 30, focus=True)
    await setup.terminal.asked(second, 60, 20, focus=True)
    await settle()
    assert sizes(setup) == (60, 20)
    assert {"size": [60, 20], "owner": False} in one.told
    assert two.told[-1] == {"size": [100, 30], "owner": False}, "the owner needs not be told"


async def test_a_window_without_focus_takes_nothing_and_gets_its_size_when_it_types() -> None:
    setup = Setup()
    one, first = await setup.join()
    two, second = await setup.join()
    await setup.terminal.asked(first, 100, 30, focus=True)
    await setup.terminal.asked(second, 60, 20, focus=False)
    assert sizes(setup) == (100, 30)
    await setup.terminal.typed(second, b"l")
    await settle()
    assert sizes(setup) == (60, 20)
    assert two.told[-1] == {"size": [60, 20], "owner": True}
    assert one.told[-1] == {"size": [60, 20], "owner": False}


async def test_when_the_owner_leaves_the_one_before_it_is_the_owner_again() -> None:
    setup = Setup()
    one, first = await setup.join()
    await setup.terminal.asked(first, 100, 30, focus=True)
    _, second = await setup.join()
    await setup.terminal.asked(second, 60, 20, focus=True)
    setup.terminal.leave(second)
    await settle()
    assert sizes(setup) == (100, 30)
    assert one.told[-1] == {"size": [100, 30], "owner": True}


async def test_a_reader_never_sends_a_byte_nor_a_size() -> None:
    setup = Setup()
    client, reader = await setup.join(readonly=True)
    assert client.told[0]["hello"]["readonly"] is True
    assert client.told[0]["hello"]["owner"] is False
    await setup.terminal.asked(reader, 60, 20, focus=True)
    await setup.terminal.typed(reader, b"rm -rf /\r")
    assert setup.sizes == []
    assert setup.machine.written == b""
    _, typist = await setup.join()
    setup.terminal.leave(typist)
    await settle()
    assert setup.terminal.owner is None, "nothing is handed down to a reader"


@pytest.mark.parametrize(
    "answer", [b"\x1b[24;80R", b"\x1b[?62;4c", b"\x1b[?2026;2$y", b"\x1b]11;rgb:0/0/0\x07"]
)
async def test_only_the_owner_answers_what_a_program_asks(answer: bytes) -> None:
    setup = Setup()
    _, owner = await setup.join()
    _, other = await setup.join()
    for viewer in (owner, other):
        await setup.terminal.typed(viewer, answer)
    assert setup.machine.written == answer
    assert setup.terminal.owner is owner


async def test_what_is_said_about_the_terminal_comes_at_its_place_in_the_output() -> None:
    setup = Setup()
    client, viewer = await setup.join(window=4)
    setup.machine.on_data(b"before")
    setup.machine.on_data(b"\x1b]777;slipway;exit;3\x07")
    await settle()
    assert client.data == b"befo"
    assert {"exit": 3} not in client.told
    for _ in range(10):
        viewer.acknowledge(4)
        await asyncio.sleep(0)
    await settle()
    assert {"exit": 3} in client.told


async def test_a_new_shell_is_announced_with_its_pid() -> None:
    setup = Setup()
    client, _ = await setup.join()
    setup.machine.on_data(b"\x1b]777;slipway;ready;pid=99;kernel=6.1;boot=b\x07$ ")
    await settle()
    assert {"pid": 99} in client.told


async def test_a_viewer_that_acknowledges_nothing_for_long_is_given_up() -> None:
    setup = Setup()
    client, viewer = await setup.join(window=100, patience_seconds=0.5)
    await asyncio.sleep(0.6)
    assert not setup.tasks[0].done(), "with nothing to read it may stay as long as it likes"
    setup.machine.on_data(b"x" * 200)
    await asyncio.sleep(0.3)
    viewer.acknowledge(50)
    await asyncio.sleep(0.3)
    assert not setup.tasks[0].done()
    with pytest.raises(Stalled):
        await asyncio.wait_for(setup.tasks[0], 10)


async def test_ctrl_c_in_a_flood_skips_what_the_client_has_not_got_yet() -> None:
    setup = Setup()
    client, viewer = await setup.join(window=200_000)
    setup.machine.on_data(b"\x1b[?2004h")
    for _ in range(20):
        setup.machine.on_data(b"flood\r\n" * 3000)
    await settle()
    assert setup.machine.paused
    await setup.terminal.typed(viewer, b"\x03")
    await asyncio.sleep(0)
    assert not setup.machine.paused, "what the engine has buffered is taken in at once"
    setup.machine.on_data(b"flood\r\n" * 3000)
    setup.machine.on_data(b"^C\r\n$ ")
    await asyncio.sleep(0.1)
    viewer.acknowledge(200_000)
    await settle()
    skipped = {"seq": setup.terminal.ring.end - SHOWN_BYTES, "modes": "\x1b[?2004h"}
    assert client.told[-1] == skipped
    assert client.data.endswith(b"^C\r\n$ ")
    assert len(client.data) == 200_000 + SHOWN_BYTES


async def test_ctrl_c_at_a_prompt_skips_nothing() -> None:
    setup = Setup()
    client, viewer = await setup.join()
    setup.machine.on_data(b"x" * 60_000)
    await settle()
    await setup.terminal.typed(viewer, b"\x03")
    setup.machine.on_data(b"^C\r\n$ ")
    await asyncio.sleep(0.1)
    assert len(client.data) == 60_000 + len(b"^C\r\n$ ")
    assert not any("seq" in told for told in client.told[1:])
