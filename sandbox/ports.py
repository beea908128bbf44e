"""Which ports of a machine listen, noticed while somebody has its page open.

The kernel's own tables are read, where the console may from outside, else in the machine by an
exec. A look follows what may have opened a port (a page that comes, a command that begins or
ends), a few times at growing pauses. Ports that open later, on their own, are found by a slow
look now and then while somebody has the page in view; nothing looks at other machines.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from channels.db import database_sync_to_async

from sandbox import events, namespaces, stream
from sandbox.demux import Demultiplexer
from sandbox.errors import SandboxError
from sandbox.models import USABLE, Machine
from sandbox.preview_links import CLOSED_PORTS

log = logging.getLogger(__name__)
# Ports that `docker` publishes listen in the container's network namespace, as the shell's do.
COMMAND = ["/bin/cat", "/proc/net/tcp", "/proc/net/tcp6"]
KINDS = ("shell", "docker")
# An app takes a moment to listen, one that is built or installed first takes longer.
PAUSES_SECONDS = (0.4, 1.0, 2.0, 4.0, 8.0, 15.0)
# While the page is in view and nothing is known to happen.
SLOW_SECONDS = 30.0
LOOK_SECONDS = 10
LOOKS_AT_ONCE = 4
TABLE_LIMIT_BYTES = 256 * 1024
LISTENING = "0A"
# What a tunnel into the machine reaches, as the tables write it: any address and loopback.
# Others are left out, the engine's name server on 127.0.0.11 above all.
ANY = frozenset({"00000000", "0" * 32})
LOOPBACK = frozenset({"0100007F", "0" * 24 + "01000000"})
Event = dict[str, Any]


def parse(tables: str) -> list[int]:
    """Ports that listen, from /proc/net/tcp and tcp6. Source: proc(5), /proc/net/tcp."""
    return sorted(set(_ports(tables)) - CLOSED_PORTS)


def _ports(tables: str) -> Iterator[int]:
    for line in tables.splitlines():
        fields = line.split()
        if len(fields) < 4 or fields[3] != LISTENING:
            continue
        address, _, port = fields[1].partition(":")
        if address in ANY | LOOPBACK:
            yield int(port, 16)


async def listening(container_id: str) -> list[int]:
    """Ports of a running machine that listen now. Raises MachineDied, EngineDown."""
    if (seen := await namespaces.tables(container_id)) is not None:
        return parse(seen)
    tables = bytearray()
    ended = asyncio.Event()

    def take(which: int, payload: bytes) -> None:
        if which == 1 and len(tables) < TABLE_LIMIT_BYTES:
            tables.extend(payload)

    async with asyncio.timeout(LOOK_SECONDS):
        _, opened = await stream.exec_stream(container_id, COMMAND, user="1000:1000")
        opened.listen(Demultiplexer(take).feed, ended.set)
        try:
            await ended.wait()
        finally:
            opened.close()
    return parse(tables.decode("ascii", errors="replace"))


class _Watch:
    """Looks at one machine after each nudge."""

    def __init__(self, looks: "PortLooks", sandbox_id: str, machine: str) -> None:
        self._looks, self._sandbox_id, self._machine = looks, sandbox_id, machine
        self._step = 0
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.known: list[int] = []

    def nudge(self) -> None:
        self._step = 0
        self._woken.set()
        self.go_on()

    def go_on(self) -> None:
        """Look as long as there is reason to."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())

    def end(self) -> None:
        if self._task:
            self._task.cancel()

    @property
    def event(self) -> Event:
        return {"type": "ports", "machine": self._machine, "ports": self.known}

    async def _follow(self) -> None:
        while self._step < len(PAUSES_SECONDS) or self._looks.is_in_view(self._sandbox_id):
            quick = self._step < len(PAUSES_SECONDS)
            pause = PAUSES_SECONDS[self._step] if quick else SLOW_SECONDS
            self._step += quick
            self._woken.clear()
            try:
                await asyncio.wait_for(self._woken.wait(), pause)
            except TimeoutError:
                await self._look()

    async def _look(self) -> None:
        container_id = await _container_of(self._sandbox_id, self._machine)
        if container_id is None:
            return
        try:
            async with self._looks.room:
                found = await listening(container_id)
        except (SandboxError, OSError) as error:  # TimeoutError is an OSError
            log.info("ports of %s in %s not seen: %s", self._machine, self._sandbox_id, error)
            return
        if found != self.known:
            self.known = found
            await events.publish_here(self._sandbox_id, self.event)


class PortLooks:
    """The sandboxes whose page somebody has open, and what is known of their machines."""

    def __init__(self) -> None:
        self._watches: dict[str, dict[str, _Watch]] = {}
        self._pages: dict[str, int] = {}
        # Sandbox → its pages that somebody has in view, by names of their sockets.
        self._in_view: dict[str, set[str]] = {}
        self.room = asyncio.Semaphore(LOOKS_AT_ONCE)

    @asynccontextmanager
    async def open_page(
        self, sandbox_id: str, machines: Iterable[str]
    ) -> AsyncIterator[list[Event]]:
        """While a page of these machines is open; gives the events with what is known already."""
        self._pages[sandbox_id] = self._pages.get(sandbox_id, 0) + 1
        watches = self._watches.setdefault(sandbox_id, {})
        try:
            for machine in machines:
                self.nudge(sandbox_id, machine)
            yield [watch.event for watch in watches.values() if watch.known]
        finally:
            self._pages[sandbox_id] -= 1
            if not self._pages[sandbox_id]:
                del self._pages[sandbox_id]
                for watch in self._watches.pop(sandbox_id).values():
                    watch.end()

    def view(self, sandbox_id: str, page: str, in_view: bool) -> None:
        """A page came into view, or went out of it."""
        pages = self._in_view.setdefault(sandbox_id, set())
        (pages.add if in_view else pages.discard)(page)
        if not pages:
            del self._in_view[sandbox_id]
        for watch in self._watches.get(sandbox_id, {}).values():
            watch.go_on()

    def is_in_view(self, sandbox_id: str) -> bool:
        return sandbox_id in self._in_view

    def nudge(self, sandbox_id: str, machine: str) -> None:
        """Something happened in a machine that may have opened a port."""
        watches = self._watches.get(sandbox_id)
        if watches is None:
            return  # nobody looks
        if machine not in watches:
            watches[machine] = _Watch(self, sandbox_id, machine)
        watches[machine].nudge()


@database_sync_to_async
def _container_of(sandbox_id: str, machine: str) -> str | None:
    """The container to look into; none while the sandbox is not up, or for other kinds."""
    found = Machine.objects.filter(
        sandbox=sandbox_id, name=machine, kind__in=KINDS, sandbox__state__in=USABLE, ready=True
    )
    return found.values_list("container_id", flat=True).first() or None


looks = PortLooks()
