"""The terminals that are open in this console process, by machine."""

import asyncio
import logging

from channels.db import database_sync_to_async
from django.conf import settings

from sandbox import dispatch, stream
from sandbox.errors import SandboxNotReady
from sandbox.markers import Ready
from sandbox.models import USABLE, Machine
from sandbox.terminal import Terminal

log = logging.getLogger(__name__)
MAIN = "main"
OVERLAP_BYTES = 32 * 1024


class Terminals:
    """Opens each machine's terminal once and shares it among its viewers."""

    def __init__(self) -> None:
        self._open: dict[str, Terminal] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._background: set[asyncio.Task[None]] = set()

    async def get(self, machine: Machine) -> Terminal:
        """The machine's terminal, opened now if this process has not yet.

        Raises SandboxNotReady for a machine without a container, MachineDied, EngineDown.
        """
        key = machine.container_id
        if not key:
            raise SandboxNotReady
        async with self._opening.setdefault(key, asyncio.Lock()):
            found = self._open.get(key)
            if found is None or found.closed:
                found = self._open[key] = await self._attach(machine)
        return found

    async def _attach(self, machine: Machine) -> Terminal:
        key = machine.container_id
        source = await stream.attach(key)
        # Attached first, so that nothing is missed; what came since is in both.
        early = b"".join(source.take_early())
        history = await stream.recent_output(key)
        early += b"".join(source.take_early())
        return Terminal(
            source,
            lambda columns, rows: stream.resize(key, columns, rows),
            ring_bytes=settings.TERMINAL_RING_BYTES,
            history=history + early[overlap(history, early) :],
            pid=machine.shell_pid,
            on_ready=lambda marker: self._keep(_store_pid(machine.pk, marker)),
            on_closed=lambda: self._closed(machine),
        )

    def _closed(self, machine: Machine) -> None:
        key = machine.container_id
        self._open.pop(key, None)
        self._opening.pop(key, None)
        log.debug("terminal of %s ended", machine)
        # The machine may have died; a worker looks, since only workers judge that.
        self._keep(asyncio.to_thread(dispatch.verify, machine.sandbox_id))

    def _keep(self, work) -> None:  # type: ignore[no-untyped-def]
        # The loop holds tasks weakly; without this one could vanish half done.
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def overlap(history: bytes, early: bytes) -> int:
    """How many bytes at the beginning of `early` are the end of `history` already.

    Looks at the last 32 KiB only: the comparison is quadratic in the worst case, and a
    machine that prints without end must not hold up the event loop.
    """
    begin = early[:OVERLAP_BYTES]
    end = history[-len(begin) :] if begin else b""
    for start in range(len(end)):
        if begin.startswith(end[start:]):
            return len(end) - start
    return 0


@database_sync_to_async
def _store_pid(machine_pk: int, marker: Ready) -> None:
    Machine.objects.filter(pk=machine_pk).update(shell_pid=marker.pid)


@database_sync_to_async
def find_machine(user: object, sandbox_id: str, name: str) -> Machine | None:
    """A machine of this learner's sandbox, None for a stranger's or an unknown one."""
    found = Machine.objects.select_related("sandbox").filter(
        sandbox_id=sandbox_id, name=name, sandbox__learner=getattr(user, "pk", None)
    )
    return found.first()


def is_usable(machine: Machine) -> bool:
    """Whether the machine's terminal can be opened now."""
    return machine.ready and machine.sandbox.state in USABLE


terminals = Terminals()
