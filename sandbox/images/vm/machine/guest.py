"""One guest: its QEMU, its serial console, its agent."""

import asyncio
import contextlib
import itertools
import os
import re
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from . import frames, qemu
from .frames import Frame, FrameReader

CONNECT_SECONDS = 10
PROMPT = re.compile(rb"\x1b\]133;B\x07|login: $")
PANIC = b"Kernel panic - not syncing"
TAIL_BYTES = 4096
# QEMU ends with whoever started it, however that ended.
TIED = ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--"]
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
OnOutput = Callable[[bytes], Awaitable[None]]


class GuestGone(Exception):
    """QEMU ended, or never came up; the words say what is known."""


@dataclass(frozen=True)
class Facts:
    """What a guest says of itself."""

    kernel_release: str
    boot_id: str
    host_name: str


class Program:
    """A program in the guest: what it prints comes to `on_output(is_error, bytes)`."""

    def __init__(self, on_output: Callable[[bool, bytes], None]) -> None:
        self.on_output = on_output
        self.exit_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()


class Guest:
    """A guest that was started; `folder` holds its sockets and is removed with it."""

    def __init__(self, folder: Path, on_output: OnOutput) -> None:
        self.folder = folder
        self.began = time.monotonic()
        self.last_sign = self.began
        self.facts: asyncio.Future[Facts] = asyncio.get_running_loop().create_future()
        self.session_pid = 0
        self.on_session: Callable[[int], None] = lambda _: None
        self.hello, self.prompt, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.panicked = False
        self.monitor: qemu.Monitor | None = None
        self.process: asyncio.subprocess.Process | None = None
        self._on_output = on_output
        self._tail = b""
        self._programs: dict[int, Program] = {}
        self._channels = itertools.count(1)
        self._serial: asyncio.StreamWriter | None = None
        self._control: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []

    # coming up and going

    async def start(self, make: Callable[[qemu.Ports], qemu.Start]) -> None:
        """Start QEMU and connect to it. Raises GuestGone."""
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = qemu.Ports(*(self.folder / name for name in ("serial", "control", "monitor")))
        loop = asyncio.get_running_loop()
        arrived: dict[Path, asyncio.Future[Connection]] = {
            path: loop.create_future() for path in (ports.serial, ports.control, ports.monitor)
        }
        servers = [await _listen(path, future) for path, future in arrived.items()]
        words = [*TIED, *qemu.command(make(ports))]
        log = (self.folder / "qemu.log").open("wb")
        self.process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
        )
        log.close()
        self._tasks.append(asyncio.create_task(self._watch(self.process)))
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._await_connections(list(arrived.values()))
        except TimeoutError as error:
            raise GuestGone("QEMU did not connect") from error
        finally:
            for server in servers:
                server.close()
        serial, control, monitor = (future.result() for future in arrived.values())
        self._serial, self._control = serial[1], control[1]
        self.monitor = qemu.Monitor(*monitor)
        await self.monitor.begin()
        self._tasks.append(asyncio.create_task(self.monitor.listen()))
        self._tasks.append(asyncio.create_task(self._read_serial(serial[0])))
        self._tasks.append(asyncio.create_task(self._read_control(control[0])))

    async def _await_connections(self, futures: list[asyncio.Future[Connection]]) -> None:
        ended = asyncio.create_task(self.ended.wait())
        everything = asyncio.gather(*futures)
        await asyncio.wait([ended, everything], return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
        if not everything.done():
            everything.cancel()
            raise GuestGone(self.words())
        ended.cancel()

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        await process.wait()
        # What it printed last is read before anybody is told.
        await asyncio.sleep(0.05)
        for program in self._programs.values():
            if not program.exit_code.done():
                program.exit_code.set_exception(GuestGone("The guest has ended."))
        self._programs.clear()
        self.ended.set()

    def words(self) -> str:
        """QEMU's last words."""
        with contextlib.suppress(OSError):
            lines = (self.folder / "qemu.log").read_text(errors="replace").strip().splitlines()
            if lines:
                return lines[-1][:200]
        return "QEMU ended without a word"

    async def save(self, state: Path) -> None:
        """Write the devices' state to a file; the guest stands still afterwards. Raises MonitorError."""
        if self.monitor is None:
            raise GuestGone("QEMU did not come up")
        await self.monitor.save(state)

    async def kill(self) -> None:
        """End QEMU at once and tidy up."""
        if self.process and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.ended.wait()
        for task in self._tasks:
            task.cancel()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    # the serial console

    async def _read_serial(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(65536):
            self.last_sign = time.monotonic()
            self._tail = (self._tail + data)[-TAIL_BYTES:]
            if not self.panicked and PANIC in self._tail:
                self.panicked = True
            await self._on_output(data)
            if not self.prompt.is_set() and self.session_pid and PROMPT.search(self._tail):
                self.prompt.set()

    async def type(self, data: bytes) -> None:
        """Type on the console; waits while the guest does not read."""
        if self._serial and not self.ended.is_set():
            self._serial.write(data)
            await self._serial.drain()

    # the agent

    async def _read_control(self, reader: asyncio.StreamReader) -> None:
        cutter = FrameReader()
        while data := await reader.read(65536):
            self.last_sign = time.monotonic()
            try:
                for frame in cutter.feed(data):
                    self._obey(frame)
            except frames.BadFrame:
                # Root of the guest may write what they like on the port: start over.
                cutter = FrameReader()

    def _obey(self, frame: Frame) -> None:
        if frame.type == frames.HELLO:
            self.hello.set()
        elif frame.type == frames.FACTS:
            lines = frame.payload.decode(errors="replace").split("\n")
            if len(lines) == 3 and not self.facts.done():
                self.facts.set_result(Facts(*(line[:100] for line in lines)))
        elif frame.type == frames.SESSION and len(frame.payload) == 4:
            self.session_pid = int.from_bytes(frame.payload, "little")
            self.on_session(self.session_pid)
        elif program := self._programs.get(frame.channel):
            self._hear(program, frame)

    def _hear(self, program: Program, frame: Frame) -> None:
        if frame.type in (frames.OUTPUT, frames.ERRORS):
            program.on_output(frame.type == frames.ERRORS, frame.payload)
        elif frame.type == frames.EXIT and frame.payload:
            del self._programs[frame.channel]
            if not program.exit_code.done():
                program.exit_code.set_result(frame.payload[0])

    async def tell(self, type_: bytes, channel: int = 0, payload: bytes = b"") -> None:
        """Send a frame to the agent."""
        if self._control and not self.ended.is_set():
            self._control.write(frames.encode(type_, channel, payload))
            await self._control.drain()

    async def go(self, host_name: str, console: str) -> Facts:
        """Let somebody in, with the right time, name and randomness; return what the guest is."""
        payload = frames.go(time.time_ns(), os.urandom(frames.SEED_BYTES), host_name, console)
        await self.tell(frames.GO, 0, payload)
        return await self.facts

    async def set_clock(self) -> None:
        await self.tell(frames.CLOCK, 0, time.time_ns().to_bytes(8, "little"))

    async def begin(
        self,
        user: str,
        environment: dict[str, str],
        command: list[str],
        on_output: Callable[[bool, bytes], None],
    ) -> tuple[int, Program]:
        """Start a program in the guest; its channel takes input and kill. Raises GuestGone."""
        if self.ended.is_set():
            raise GuestGone("The guest has ended.")
        channel, program = next(self._channels), Program(on_output)
        self._programs[channel] = program
        await self.tell(frames.RUN, channel, frames.run(user, environment, command))
        return channel, program

    async def run(self, user: str, command: list[str], seconds: float) -> tuple[int, bytes]:
        """Run a short program to its end; return exit code and output. Raises GuestGone, TimeoutError."""
        said = bytearray()
        channel, program = await self.begin(user, {}, command, lambda _, data: said.extend(data))
        await self.tell(frames.INPUT, channel)
        async with asyncio.timeout(seconds):
            return await program.exit_code, bytes(said)


async def _listen(path: Path, arrived: "asyncio.Future[Connection]") -> asyncio.Server:
    path.unlink(missing_ok=True)

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not arrived.done():
            arrived.set_result((reader, writer))

    return await asyncio.start_unix_server(take, path)
