"""A guest's serial console through restarts of the site's console: shown once, in the same shell."""

import re

import pytest

from sandbox.models import Machine
from sandbox.specs import MachineSpec
from sandbox.terminal import Terminal
from sandbox.terminals import Terminals
from tests.engine.conftest import Start
from tests.engine.screen import Screen, open_screen

pytestmark = [
    pytest.mark.engine,
    pytest.mark.takes(seconds=45),
    pytest.mark.django_db(transaction=True),
]
PROMPT = rb"\x1b\]133;B\x07"


@pytest.fixture
def house(start: Start) -> Machine:
    return start(MachineSpec(name="house", kind="vm")).machines.get()


async def restarted(machine: Machine, screen: Screen) -> Screen:
    """Come back to another console with the number that the page has from the one before."""
    screen.terminal.close()
    assert screen.viewer is not None
    await machine.arefresh_from_db()
    return await Screen(await Terminals().get(machine)).join(after=screen.viewer.position)


async def shell_pid(screen: Screen, mark: str) -> int:
    await screen.type(f'echo "{mark}-""is $$."')
    return int((await screen.until(mark.encode() + rb"-is (\d+)\.", 30))[1])


def placed_once(screen: Screen, terminal: Terminal) -> bool:
    """Whether it was told once, and before all else, that its screen begins anew."""
    return [told for told in screen.told if "seq" in told] == [{"seq": terminal.ring.start}]


async def test_lines_are_shown_once_and_less_is_drawn_again(house: Machine) -> None:
    first = await open_screen(house)
    pid = await shell_pid(first, "before")
    await first.type("for n in $(seq 1 100); do echo number-$n; sleep 0.1; done; echo all-$((1+1))")
    await first.until(rb"number-20\r\n", 60)
    second = await restarted(house, first)
    await second.until(rb"all-2\r\n", 120)
    assert placed_once(second, second.terminal)
    numbers = [int(n) for n in re.findall(rb"number-(\d+)\r\n", second.data)]
    assert numbers == list(range(1, 101)), "the screen begins anew: all of them, once"
    assert second.hello["pid"] == pid == await shell_pid(second, "between")

    second.data = b""
    await second.terminal.resize(100, 30)
    await second.type("seq 500 | sed 's,.*,line &-,' | less")
    await second.until(rb"line 29-", 60)
    third = await restarted(house, second)
    assert third.hello["pid"] == pid
    assert placed_once(third, third.terminal)
    await third.until(rb"line 28-", 60)
    third.data = b""
    await third.terminal.resize(100, 30)
    # It is drawn for one row more and then for the size that was asked for, down to its last row.
    whole = rb"(?s)line 30-.*(line 1-(?:(?!line 30-).)*line 29-\r\n\x1b\[30;)"
    drawn = (await third.until(whole, 60))[1]
    assert [int(n) for n in re.findall(rb"line (\d+)-", drawn)] == list(range(1, 30))
    third.data = b""
    await third.terminal.write(b"q")
    await third.until(PROMPT, 60)
    assert await shell_pid(third, "after") == pid
    third.terminal.close()
