"""The console's terminals on real machines: typed, read, resized, left and found again."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from sandbox import lifecycle
from sandbox.models import Machine
from sandbox.terminal import Terminal
from sandbox.terminals import Terminals
from tests.engine.screen import WAYS, WINDOW, Screen, use_way, way_of

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]


Open = Callable[[], Any]


@pytest.fixture(params=WAYS)
async def consoles(
    request: pytest.FixtureRequest, settings: Any, shell: Machine
) -> AsyncIterator[Callable[[], Any]]:
    """Opens the machine's terminal as a console that was just started would, on either way."""
    use_way(request.param, settings)
    opened: list[Terminal] = []

    async def console() -> Terminal:
        terminal = await Terminals().get(shell)
        opened.append(terminal)
        assert way_of(terminal) == request.param
        return terminal

    yield console
    for terminal in opened:
        terminal.close()
    await asyncio.sleep(0.1)


async def shell_pid(screen: Screen, mark: str) -> int:
    """The PID the shell has by its own account."""
    await screen.type(f'echo "{mark}-""is $$."')
    return int((await screen.until(mark.encode() + rb"-is (\d+)\."))[1])


async def test_what_is_typed_runs_and_its_output_comes_back(consoles: Open) -> None:
    screen = await Screen(await consoles()).join()
    await screen.type("echo $((6 * 7))-done")
    await screen.until(rb"42-done")


async def test_the_pid_in_the_greeting_is_the_shells(consoles: Open) -> None:
    screen = await Screen(await consoles()).join()
    assert screen.hello["pid"] == await shell_pid(screen, "first")


async def test_a_new_size_reaches_the_shell(consoles: Open) -> None:
    terminal = await consoles()
    screen = await Screen(terminal).join()
    await terminal.resize(101, 37)
    await screen.type("stty size")
    await screen.until(rb"37 101\r\n")


async def test_two_viewers_see_the_same(consoles: Open) -> None:
    terminal = await consoles()
    one, two = await Screen(terminal).join(), await Screen(terminal).join()
    await one.type("echo shared-$((1 + 1))")
    for screen in (one, two):
        await screen.until(rb"shared-2")


async def test_coming_back_gives_what_was_printed_meanwhile(consoles: Open) -> None:
    terminal = await consoles()
    screen = await Screen(terminal).join()
    # At a prompt the line is echoed once; before it the terminal and then the shell echo it. The
    # first size makes the shell draw a prompt that came before us.
    await terminal.resize(100, 30)
    await screen.until(rb"133;B")
    await screen.type("sleep 0.6; echo mean-$((3 + 3))")
    await screen.until(rb"echo mean-\$\(\(3 \+ 3\)\)\r?\n")
    seen = screen.viewer.position  # type: ignore[union-attr]
    screen.leave()
    await asyncio.sleep(1)
    again = await Screen(terminal).join(after=seen)
    await again.until(rb"mean-6")
    assert b"echo mean-$((3 + 3))\r\n" not in again.data, "only what was missed"


async def test_the_shell_outlives_the_console(consoles: Open) -> None:
    first = await consoles()
    screen = await Screen(first).join()
    pid = await shell_pid(screen, "before")
    await screen.type("kept=treasure")
    await screen.type("echo marker-$((40 + 2))")
    await screen.until(rb"marker-42")
    first.close()
    await asyncio.sleep(0.2)
    screen = await Screen(await consoles()).join()
    await screen.until(rb"marker-42")
    assert await shell_pid(screen, "after") == pid
    await screen.type('echo "it is" $kept')
    await screen.until(rb"it is treasure")


async def test_after_a_restart_output_goes_on_at_the_very_byte(consoles: Open) -> None:
    first = await consoles()
    screen = await Screen(first).join()
    await screen.type("for n in $(seq 1 300); do echo number-$n; sleep 0.005; done")
    await screen.until(rb"number-40\r\n")
    first.close()  # what a console that is killed leaves: a stream that broke off
    seen, after = screen.data, screen.viewer.position  # type: ignore[union-attr]
    await asyncio.sleep(0.3)
    again = await Screen(await consoles()).join(after=after)
    await again.until(rb"number-300\r\n")
    assert not [told for told in again.told if "seq" in told], "no reset of the screen"
    numbers = [int(n) for n in re.findall(rb"number-(\d+)\r\n", seen + again.data)]
    assert numbers == list(range(1, 301))


async def test_a_killed_holder_is_followed_by_another_above_its_numbers(
    consoles: Open, shell: Machine
) -> None:
    terminal = await consoles()
    screen = await Screen(terminal).join()
    pid = await shell_pid(screen, "old")
    await screen.type("kill -9 $PPID")
    async with asyncio.timeout(10):
        while not terminal.closed:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    second = await consoles()
    assert second.ring.start >= 1 << 40
    again = await Screen(second).join(after=screen.viewer.position)  # type: ignore[union-attr]
    assert {"seq": second.ring.start} in again.told, "reset the screen: this is another terminal"
    assert await shell_pid(again, "new") != pid


async def test_signals_of_the_learners_leave_the_terminal_as_it_is(consoles: Open) -> None:
    terminal = await consoles()
    screen = await Screen(terminal).join()
    pid = await shell_pid(screen, "before")
    await screen.type("kill -STOP $PPID; kill -TERM $PPID; kill -HUP $PPID; sleep 0.2")
    assert await shell_pid(screen, "after") == pid


async def test_attaching_again_and_again_leaves_no_process_behind(
    consoles: Open, shell: Machine
) -> None:
    def processes() -> list[str]:
        # Seen from outside: counting inside would count itself.
        top = ["docker", "top", shell.container_id, "-eo", "pid,comm"]
        return sorted(
            line.split()[-1] for line in subprocess.check_output(top, text=True).splitlines()
        )

    (await consoles()).close()
    await asyncio.sleep(0.5)  # the shell's start-up has children of its own
    before = await asyncio.to_thread(processes)
    for _ in range(20):
        terminal = await consoles()
        screen = await Screen(terminal).join()
        # The engine's log has no prompt in it: the first size makes the shell draw it again.
        await terminal.resize(80, 24)
        await screen.until(rb"learner@laptop")
        terminal.close()
    await asyncio.sleep(0.5)
    assert await asyncio.to_thread(processes) == before


async def test_a_new_shell_says_its_pid(consoles: Open) -> None:
    terminal = await consoles()
    screen = await Screen(terminal).join()
    old = await shell_pid(screen, "old")
    await screen.type("exit 3")
    await screen.until(rb"ended with exit code 3")
    new = await shell_pid(screen, "new")
    assert new != old
    assert terminal.pid == new


async def test_a_flood_of_output_stays_bounded_and_can_be_interrupted(consoles: Open) -> None:
    terminal = await consoles()
    screen = await Screen(terminal).join()
    await screen.type("yes flood")
    await screen.until(rb"(flood\r\n){20000}")
    await terminal.write(b"\x03")
    await screen.type("echo over-$((5 + 5))")
    await screen.until(rb"over-10", 20)
    assert terminal.ring.end - terminal.ring.start < 2 * WINDOW


async def test_a_console_that_starts_during_a_flood_comes_up(
    consoles: Open, shell: Machine
) -> None:
    first = await consoles()
    await first.write(b"yes flood\r")
    await asyncio.sleep(0.3)
    first.close()
    async with asyncio.timeout(5):
        second = await consoles()
    await second.write(b"\x03")
    screen = await Screen(second).join()
    await screen.type("echo over-$((5 + 5))")
    await screen.until(rb"over-10", 20)


async def test_the_end_of_the_machine_ends_the_terminal(
    consoles: Open, shell: Machine, dispatched: list[str]
) -> None:
    terminal = await consoles()
    await asyncio.to_thread(lifecycle.destroy_now, shell.sandbox)
    async with asyncio.timeout(5):
        while not terminal.closed or "sandbox.tasks.verify" not in dispatched:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
