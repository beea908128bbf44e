"""Terminals beside the main one, on real machines: their holder, consoles that come and go."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from sandbox import machines, terminal_names
from sandbox.models import Machine
from sandbox.terminal import Terminal
from sandbox.terminals import Terminals
from tests.engine.probes import as_learner
from tests.engine.screen import WAYS, Screen, use_way, way_of

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]

Open = Callable[..., Any]


@pytest.fixture(params=WAYS)
async def consoles(request: pytest.FixtureRequest, settings: Any) -> AsyncIterator[Open]:
    """Opens a machine's terminal as a console that was just started would, on either way."""
    use_way(request.param, settings)
    opened: list[Terminal] = []

    async def console(machine: Machine, name: str = "work") -> Terminal:
        terminal = await Terminals().get(machine, name)
        opened.append(terminal)
        assert way_of(terminal) == request.param
        return terminal

    yield console
    for terminal in opened:
        terminal.close()
    await asyncio.sleep(0.1)


@pytest.fixture
async def end(shared_shell: Machine) -> AsyncIterator[Callable[[str], Any]]:
    """Ends a terminal of the shared machine; all of them afterwards."""

    async def ended(name: str) -> None:
        await machines.exec_collect(
            shared_shell.container_id,
            ["/usr/local/sbin/slipway-init", "end-terminal", name],
            b"",
            user="1000:1000",
            env={},
            wait_seconds=5,
        )

    yield ended
    for name in ("work", "other"):
        await ended(name)


def processes(machine: Machine) -> list[str]:
    """Seen from outside: counting inside would count itself."""
    top = ["docker", "top", machine.container_id, "-eo", "pid,args"]
    lines = subprocess.check_output(top, text=True).splitlines()[1:]
    return sorted(line.split(None, 1)[1] for line in lines)


async def prompt(screen: Screen) -> None:
    await screen.until(rb"\x1b\]133;B\x07", 20)


async def shell_pid(screen: Screen, mark: str) -> int:
    await screen.type(f'echo "{mark}-""is $$."')
    return int((await screen.until(mark.encode() + rb"-is (\d+)\."))[1])


async def test_a_second_terminal_has_a_shell_of_its_own(
    consoles: Open, shared_shell: Machine, end: Any
) -> None:
    screen = await Screen(await consoles(shared_shell)).join()
    await prompt(screen)
    assert screen.hello["pid"] == await shell_pid(screen, "held")
    await screen.terminal.resize(101, 37)
    await screen.type("stty size; tty")
    await screen.until(rb"37 101\r\n/dev/pts/\d")
    main = await Screen(await consoles(shared_shell, "main")).join()
    await main.terminal.resize(80, 24)
    assert await shell_pid(main, "main") != screen.hello["pid"]


async def test_after_a_console_restart_the_rest_comes_once_and_only_once(
    consoles: Open, shared_shell: Machine, end: Any
) -> None:
    first = await consoles(shared_shell)
    screen = await Screen(first).join()
    await prompt(screen)
    pid = await shell_pid(screen, "before")
    await screen.type(
        "for n in $(seq 1 400); do echo number-$n; sleep 0.005; done; echo all-$((1+1))"
    )
    await screen.until(rb"number-40\r\n")
    first.close()  # what a console that is killed leaves: a stream that broke off
    seen, after = screen.data, screen.viewer.position  # type: ignore[union-attr]
    await asyncio.sleep(0.5)
    again = await Screen(await consoles(shared_shell)).join(after=after)
    await again.until(rb"all-2\r\n")
    numbers = [int(n) for n in re.findall(rb"number-(\d+)\r\n", seen + again.data)]
    assert numbers == list(range(1, 401))
    assert again.hello["pid"] == pid == await shell_pid(again, "after")


async def test_coming_back_a_hundred_times_leaves_the_processes_as_they_were(
    consoles: Open, shared_shell: Machine, end: Any
) -> None:
    terminal = await consoles(shared_shell)
    await prompt(await Screen(terminal).join())
    terminal.close()
    await asyncio.sleep(0.5)
    before = await asyncio.to_thread(processes, shared_shell)
    for _ in range(100):
        terminal = await consoles(shared_shell)
        terminal.close()
    await asyncio.sleep(1)
    assert await asyncio.to_thread(processes, shared_shell) == before


async def test_the_end_of_the_shell_is_told_with_its_exit_code(
    consoles: Open, shared_shell: Machine, end: Any
) -> None:
    terminal = await consoles(shared_shell)
    screen = await Screen(terminal).join()
    await prompt(screen)
    await screen.type("exit 7")
    async with asyncio.timeout(10):
        while not terminal.closed:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert terminal.exit_code == 7


async def test_a_terminal_that_is_ended_takes_its_shell_with_it(
    consoles: Open, shared_shell: Machine, end: Any
) -> None:
    before = await asyncio.to_thread(processes, shared_shell)
    terminal = await consoles(shared_shell, "other")
    await prompt(await Screen(terminal).join())
    await asyncio.sleep(0.2)
    holder_and_shell = await asyncio.to_thread(processes, shared_shell)
    assert len(holder_and_shell) - len(before) in (2, 3), "an exec that is attached is the third"
    await end("other")
    await asyncio.sleep(0.5)
    assert terminal.exit_code == 128 + 1
    assert await asyncio.to_thread(processes, shared_shell) == before


async def test_what_no_console_reads_is_kept_as_far_as_it_goes(
    consoles: Open, shared_shell: Machine, end: Any
) -> None:
    terminal = await consoles(shared_shell)
    screen = await Screen(terminal).join()
    await prompt(screen)
    await screen.type("sleep 0.3; seq 1 100000; echo all-$((1+1))")
    await screen.until(rb"133;C")
    terminal.close()
    await asyncio.sleep(1.5)
    again = await Screen(await consoles(shared_shell)).join(after=screen.viewer.position)  # type: ignore[union-attr]
    await again.until(rb"99999\r\n100000\r\nall-2\r\n")
    assert 200_000 < len(again.data) < 300_000


async def test_a_closed_terminal_is_no_longer_listed(
    consoles: Open, shell: Machine, dispatched: list[str]
) -> None:
    def listed() -> list[str]:
        return [terminal["name"] for terminal in terminal_names.of(shell)]

    terminal = await consoles(shell)
    assert await asyncio.to_thread(listed) == ["main", "work"]
    await asyncio.to_thread(machines.end_terminal, shell.sandbox_id, shell.name, "work")
    async with asyncio.timeout(10):
        while not terminal.closed or await asyncio.to_thread(listed) != ["main"]:
            await asyncio.sleep(0.05)


async def test_a_docker_machines_second_terminal_is_where_the_first_one_is(
    consoles: Open, shared_docker: Machine
) -> None:
    where = "readlink /proc/self/ns/{user,mnt,net} | tr '\\n' ' '; id -u; docker ps -q | wc -l; echo en''d"
    seen = []
    for name in ("main", "work"):
        screen = await Screen(await consoles(shared_docker, name)).join()
        await screen.terminal.resize(120, 30)
        await prompt(screen)
        await screen.type(where)
        seen.append(
            (await screen.until(re.compile(rb"(user:\[\d+\].*?\d+\r\n)end", re.DOTALL), 20))[1]
        )
    assert seen[0] == seen[1]


async def test_what_pid_1_has_to_say_is_shown_in_the_main_terminal(
    consoles: Open, shared_docker: Machine
) -> None:
    screen = await Screen(await consoles(shared_docker, "main")).join()
    await screen.terminal.resize(120, 30)
    await prompt(screen)
    await screen.type("pkill -x dockerd")
    await screen.until(rb"engine of this machine stopped, starting it again")
    async with asyncio.timeout(60):
        while (await asyncio.to_thread(as_learner, shared_docker, "docker ps")).code != 0:
            await asyncio.sleep(0.2)
    # A shell in the new engine's namespaces, for the tests after this one.
    screen.data = b""
    await screen.type("exit")
    await screen.until(rb"(?s)starting a new one.*133;B", 30)


async def test_learners_reach_no_holder_of_another_machine(
    consoles: Open, shared_shell: Machine, shared_docker: Machine, end: Any
) -> None:
    """Files of a machine's own /run, and names of its own network namespace: no network shares them."""
    await prompt(await Screen(await consoles(shared_shell)).join())
    look = "grep -o '@slipway/.*' /proc/net/unix | sort -u"
    own = await asyncio.to_thread(as_learner, shared_shell, look)
    assert own.text.split() == ["@slipway/main", "@slipway/work"]
    other = await asyncio.to_thread(as_learner, shared_docker, look)
    assert "@slipway/work" not in other.text.split()
