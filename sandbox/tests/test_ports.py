"""Ports that listen: read from the kernel's tables, looked for when something may have changed."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from classroom.models import User
from sandbox import ports
from sandbox.errors import EngineDown
from sandbox.models import Sandbox
from sandbox.tests.sockets import Socket

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0
   2: 0B00007F:9EDD 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   3: 0100007F:1F40 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 1 1 0
   4: 00000000:0947 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0
  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:0
   1: 00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:0
   2: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:0
"""


def test_listening_ports_of_any_address_and_loopback_are_found_once() -> None:
    """Not connections, not the engine's name server, not the machine's own engine (2375)."""
    assert ports.parse(TABLE) == [80, 3000, 5000, 8080]
    assert ports.parse("") == []
    assert ports.parse("no such file\n\n1: x") == []


class Machine:
    """What listens in the sandbox's machine, and how often anybody looked."""

    def __init__(self) -> None:
        self.open: list[int] = []
        self.looks = 0
        self.fault: Exception | None = None

    async def listening(self, container_id: str) -> list[int]:
        assert container_id == "f" * 64
        self.looks += 1
        if self.fault:
            raise self.fault
        return list(self.open)

    async def looked(self, times: int) -> None:
        async with asyncio.timeout(10):
            while self.looks < times:
                await asyncio.sleep(0.01)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine()
    monkeypatch.setattr(ports, "listening", found.listening)
    monkeypatch.setattr(ports, "PAUSES_SECONDS", (0.01, 0.02))
    monkeypatch.setattr(ports, "looks", ports.PortLooks())
    monkeypatch.setattr("sandbox.consumers.looks", ports.looks)
    return found


@pytest.fixture
async def watched(make_sandbox: Any, learner: User, machine: Machine) -> Callable[[], Any]:
    """Opens the events socket of a ready sandbox, past its state; gives sandbox and socket."""
    sandbox: Sandbox = await asyncio.to_thread(make_sandbox)

    async def opened() -> tuple[Sandbox, Socket]:
        socket = Socket(f"/ws/sandboxes/{sandbox.pk}/events", learner)
        assert await socket.open()
        assert (await socket.told())["type"] == "state"
        return sandbox, socket

    return opened


async def test_a_page_is_told_what_listens_and_then_each_change(
    watched: Any, machine: Machine
) -> None:
    machine.open = [5000]
    sandbox, socket = await watched()
    assert await socket.told() == {"type": "ports", "machine": "laptop", "ports": [5000]}
    machine.open = []
    ports.looks.nudge(sandbox.pk, "laptop")
    assert await socket.told() == {"type": "ports", "machine": "laptop", "ports": []}
    await socket.leave()


async def test_a_second_page_is_told_at_once(watched: Any, machine: Machine) -> None:
    machine.open = [5000]
    _, first = await watched()
    assert (await first.told())["ports"] == [5000]
    machine.open = [5000]
    _, second = await watched()
    assert (await second.told())["ports"] == [5000]
    await first.leave()
    await second.leave()


async def test_nobody_looks_at_a_machine_that_is_idle_or_not_watched(
    watched: Any, machine: Machine
) -> None:
    sandbox, socket = await watched()
    await machine.looked(2)
    await asyncio.sleep(0.2)
    assert machine.looks == 2, "as many as there are pauses, then none"
    await socket.leave()
    ports.looks.nudge(sandbox.pk, "laptop")
    await asyncio.sleep(0.2)
    assert machine.looks == 2


async def test_a_port_that_opens_on_its_own_is_found_while_somebody_looks(
    watched: Any, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "SLOW_SECONDS", 0.05)
    _, socket = await watched()
    await machine.looked(2)
    await socket.say('{"visible":true}')
    await machine.looked(4)
    machine.open = [8080]
    assert (await socket.told())["ports"] == [8080]
    await socket.say('{"visible":false}')
    await asyncio.sleep(0.2)
    seen = machine.looks
    await asyncio.sleep(0.3)
    assert machine.looks == seen, "nobody has the page in view"
    await socket.say('{"visible":true}')
    await machine.looked(seen + 2)
    await socket.leave()
    await asyncio.sleep(0.2)
    seen = machine.looks
    await asyncio.sleep(0.3)
    assert machine.looks == seen, "the page is closed"


async def test_a_page_in_the_background_does_not_end_anothers_looks(
    watched: Any, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "SLOW_SECONDS", 0.05)
    _, first = await watched()
    _, second = await watched()
    await first.say('{"visible":true}')
    await second.say('{"visible":false}')
    await machine.looked(machine.looks + 3)
    await first.leave()
    await second.leave()


async def test_an_engine_that_is_away_ends_neither_looks_nor_socket(
    watched: Any, machine: Machine
) -> None:
    machine.fault = EngineDown()
    sandbox, socket = await watched()
    await machine.looked(2)
    machine.fault, machine.open = None, [8080]
    ports.looks.nudge(sandbox.pk, "laptop")
    assert (await socket.told())["ports"] == [8080]
    await socket.leave()
