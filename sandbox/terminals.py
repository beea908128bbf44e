"""The terminals that are open in this console process, by machine and name."""

import asyncio
import logging
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db.models import F

from sandbox import dispatch, events, ports, stream, terminal_names, transitions
from sandbox.errors import SandboxNotReady
from sandbox.held import HeldTerminal
from sandbox.markers import CommandEnded, CommandStarted, Guest, Marker, Ready
from sandbox.models import USABLE, Machine
from sandbox.recorder import Recorder
from sandbox.shell_marks import CommandWatch
from sandbox.terminal import Terminal
from sandbox.terminal_ends import Watch
from sandbox.terminal_names import MAIN

log = logging.getLogger(__name__)
OVERLAP_BYTES = 32 * 1024
# Numbers of output bytes are taken from the database in blocks of so many.
NUMBERS = 64 * 1024 * 1024
# Background work of this process; the event loop itself holds tasks weakly.
_background: set["asyncio.Future[Any]"] = set()


class Terminals:
    """Opens each terminal once and shares it among its viewers."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], Terminal] = {}
        self._opening: dict[tuple[str, str], asyncio.Lock] = {}

    async def get(self, machine: Machine, name: str = MAIN) -> Terminal:
        """A terminal of the machine, opened now if this process has not yet.

        Raises SandboxNotReady for a machine without a container, TerminalsFull, MachineDied,
        EngineDown.
        """
        if not machine.container_id:
            raise SandboxNotReady
        key = (machine.container_id, name)
        async with self._opening.setdefault(key, asyncio.Lock()):
            found = self._open.get(key)
            if found is None or found.closed:
                watch = _Kept(machine, name, lambda: self._forget(key))
                found = self._open[key] = await watch.open()
        return found

    def _forget(self, key: tuple[str, str]) -> None:
        self._open.pop(key, None)
        self._opening.pop(key, None)


class _Kept(Watch):
    """One open terminal of a machine, and what becomes of what it says."""

    def __init__(self, machine: Machine, name: str, forget: Any) -> None:
        self.machine, self.name = machine, name
        self._forget = forget
        self._commands = CommandWatch(self._command)
        self._numbers_until = 0
        self._terminal: Terminal | None = None
        self._recorder: Recorder | None = None

    async def open(self) -> Terminal:
        if settings.TERMINAL_RECORDING:
            title = f"{self.machine.sandbox.lesson}, {self.machine.name}"
            self._recorder = Recorder(self.machine, self.name, title, self._recording_ended)
        try:
            opened = await (self._open_console() if self._is_console else self._open_held())
        except BaseException:
            if self._recorder:
                self._recorder.close()
            raise
        opened.recording = self._recorder is not None and not self._recorder.ended
        self._terminal = opened
        return opened

    @property
    def _has_row(self) -> bool:
        # A machine that somebody made without a sandbox has a terminal, and nothing to be kept of it.
        return self.machine.pk is not None

    @property
    def _is_console(self) -> bool:
        # A guest's serial console is the container's own TTY: its boot is printed there too.
        return self.name == MAIN and self.machine.kind == "vm"

    def _recording_ended(self) -> None:
        """The recording has reached its limit: whoever looks on is told."""
        if self._terminal is not None:
            self._terminal.recording = False
            self._terminal.tell_all({"recording": False})

    async def _open_console(self) -> Terminal:
        key = self.machine.container_id
        source = await stream.attach(key)
        # Attached first, so that nothing is missed; what came since is in both.
        early = b"".join(source.take_early())
        history = await stream.recent_output(key)
        start = await _take_numbers(self.machine.pk) if self._has_row else 0
        early += b"".join(source.take_early())
        self._numbers_until = start + NUMBERS
        return Terminal(
            source,
            lambda columns, rows: stream.resize(key, columns, rows),
            ring_bytes=settings.TERMINAL_RING_BYTES,
            history=history + early[overlap(history, early) :],
            start=start,
            pid=self.machine.shell_pid,
            title=await _title(self.machine, MAIN) if self._has_row else MAIN,
            watch=self,
            has_guest=True,
        )

    async def _open_held(self) -> Terminal:
        name_of = _title if self.name == MAIN else _ensure
        title = await name_of(self.machine, self.name) if self._has_row else self.name
        source = await HeldTerminal.attach(self.machine.container_id, self.name)
        hello = source.hello.result()
        return Terminal(
            source,
            source.resize,
            ring_bytes=settings.TERMINAL_RING_BYTES,
            start=hello.start,
            live_from=hello.end,
            modes=hello.modes,
            size=(hello.columns, hello.rows),
            pid=hello.pid,
            title=title,
            watch=self,
            must_redraw=hello.start > 0,
        )

    # Watch

    def ready(self, marker: Ready | Guest) -> None:
        if self.name == MAIN and self._has_row:
            keep(_store_shell(self.machine.pk, marker))

    def marker(self, marker: Marker) -> None:
        self._commands.feed(marker)
        if isinstance(marker, CommandStarted | CommandEnded):
            ports.looks.nudge(self.machine.sandbox_id, self.machine.name)

    def resized(self, columns: int, rows: int) -> None:
        if self._recorder is not None:
            self._recorder.resized(columns, rows)

    def output(self, data: bytes) -> None:
        if self._recorder is not None:
            self._recorder.output(data)
        terminal = self._terminal
        if terminal is None or not self._is_console or not self._has_row:
            return
        if terminal.ring.end > self._numbers_until - NUMBERS // 2:
            self._numbers_until += NUMBERS
            keep(_take_numbers(self.machine.pk))

    def closed(self) -> None:
        self._forget()
        if self._recorder is not None:
            self._recorder.close()
        log.debug("terminal %s of %s ended", self.name, self.machine)
        if not self._has_row:
            return
        if self._terminal is not None and self._terminal.exit_code is not None:
            keep(database_sync_to_async(terminal_names.forget)(self.machine, self.name))
        else:
            # The machine may have died; a worker looks, since only workers judge that.
            keep(asyncio.to_thread(dispatch.verify, self.machine.sandbox_id))

    def _command(self, outcome: dict[str, Any]) -> None:
        where = {"machine": self.machine.name, "terminal": self.name}
        keep(events.publish_here(self.machine.sandbox_id, {"type": "command", **where, **outcome}))


def keep(work: Any) -> None:
    """Run `work` in the background, to its end."""
    task = asyncio.ensure_future(work)
    _background.add(task)
    task.add_done_callback(_background.discard)


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
def _store_shell(machine_pk: int, marker: Ready | Guest) -> None:
    machine = Machine.objects.filter(pk=machine_pk)
    machine.update(shell_pid=marker.pid)
    # A guest that was booted again has another boot id, and pages show it.
    if isinstance(marker, Guest) and machine.exclude(boot_id=marker.boot_id).exists():
        machine.update(
            boot_id=marker.boot_id,
            kernel_release=marker.kernel_release,
            guest_how=marker.how,
            guest_seconds=marker.seconds,
            guest_hangs=marker.hangs,
        )
        transitions.announce(machine.values_list("sandbox_id", flat=True).get())


@database_sync_to_async
def _take_numbers(machine_pk: int) -> int:
    """Reserve numbers for a guest's console; returns the first of them.

    The engine does not count what a container's TTY printed. A console that starts anew goes
    on above all numbers that were ever given out, so that no browser's old `after` can be
    taken for a place in the new ring.
    """
    machine = Machine.objects.filter(pk=machine_pk)
    machine.update(output_numbers_used=F("output_numbers_used") + NUMBERS)
    used = machine.values_list("output_numbers_used", flat=True).first()
    return (used or NUMBERS) - NUMBERS


@database_sync_to_async
def _title(machine: Machine, name: str) -> str:
    return terminal_names.title_of(machine, name)


@database_sync_to_async
def _ensure(machine: Machine, name: str) -> str:
    return terminal_names.open_new(machine, name)["title"]


@database_sync_to_async
def find_machine(user: object, sandbox_id: str, name: str) -> Machine | None:
    """A machine of this learner's sandbox, None for a stranger's or an unknown one."""
    found = Machine.objects.select_related("sandbox").filter(
        sandbox_id=sandbox_id, name=name, sandbox__learner=getattr(user, "pk", None)
    )
    return found.first()


def is_usable(machine: Machine) -> bool:
    """Whether the machine's terminals can be opened now."""
    return machine.ready and machine.sandbox.state in USABLE


terminals = Terminals()
