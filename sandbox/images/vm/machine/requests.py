"""The socket by which the machine's own commands (`client.py`) reach the supervisor.

A request is one line of JSON. `run` is followed by frames both ways, everything else is
answered by lines of JSON and the end.
"""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import frames, memory
from .frames import FrameReader
from .guest import Guest, GuestGone

if TYPE_CHECKING:
    from .supervisor import Supervisor

# The exit code for "it never ran", as `timeout` and `docker` use it.
NOT_RUN = 125
PANIC = ["/bin/sh", "-c", "echo c >/proc/sysrq-trigger"]
PANIC_SECONDS = 10


class Requests:
    """Serves the socket."""

    def __init__(self, supervisor: "Supervisor") -> None:
        self._supervisor = supervisor

    async def listen(self, socket: Path) -> None:
        socket.unlink(missing_ok=True)
        await asyncio.start_unix_server(self._serve, socket, limit=4 * 1024 * 1024)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, KeyError):
            asked = json.loads(await reader.readline())
            if asked["do"] == "run":
                await self._run(asked, reader, writer)
            else:
                await self._answer(asked, writer)
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()

    # programs in a guest

    def _guest(self, name: str) -> Guest:
        if name == "main":
            up = self._supervisor.up
            if up is None or self._supervisor.state != "running":
                raise GuestGone(f"the guest does not run ({self._supervisor.state})")
            return up.guest
        extra = self._supervisor.extras.running.get(name)
        if extra is None:
            raise GuestGone(f"there is no guest {name}")
        return extra.guest

    async def _run(
        self, asked: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        def hear(is_error: bool, data: bytes) -> None:
            writer.write(frames.encode(frames.ERRORS if is_error else frames.OUTPUT, 0, data))

        channel, guest, code = 0, None, NOT_RUN
        feeding: asyncio.Task[None] | None = None
        try:
            guest = self._guest(asked.get("guest", "main"))
            channel, program = await guest.begin(
                asked["user"], asked["environment"], asked["command"], hear
            )
            feeding = asyncio.create_task(self._feed(guest, channel, reader))
            code = await program.exit_code
        except GuestGone as error:
            hear(True, f"{error}\n".encode())
        finally:
            if feeding:
                feeding.cancel()
        writer.write(frames.encode(frames.EXIT, 0, bytes([code])))
        await writer.drain()

    async def _feed(self, guest: Guest, channel: int, reader: asyncio.StreamReader) -> None:
        """Pass input on; a client that leaves takes its program with it."""
        cutter = FrameReader()
        while data := await reader.read(65536):
            for frame in cutter.feed(data):
                await guest.tell(frames.INPUT, channel, frame.payload)
        await guest.tell(frames.KILL, channel)

    # everything else

    async def _answer(self, asked: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        supervisor, extras = self._supervisor, self._supervisor.extras
        what = asked["do"]
        if what == "start":
            options = {"fresh": asked["fresh"], "budget_bytes": asked["budget_bytes"]}
            async for line in extras.start(asked["count"], **options):
                await _say(writer, line)
        elif what == "list":
            await _say(writer, extras.listing() | {"main": self._main()})
        elif what == "stop":
            await _say(writer, {"ended": await extras.stop(asked["names"])})
        elif what == "state":
            await _say(writer, self._main())
        elif what == "panic":
            await _say(writer, await self._panic())
        elif what == "boot":
            supervisor.boot()
            await _say(writer, {"state": "starting"})

    def _main(self) -> dict[str, Any]:
        facts = self._supervisor.facts()
        pid = facts.get("qemu_pid", 0)
        running = self._supervisor.state == "running" and isinstance(pid, int) and pid
        return facts | {"memory_bytes": memory.pss_bytes(pid) if running else 0}  # type: ignore[arg-type]

    async def _panic(self) -> dict[str, Any]:
        """Make the guest's kernel panic, and wait for what becomes of it."""
        with contextlib.suppress(GuestGone, TimeoutError):
            guest = self._guest("main")
            await guest.run("root", PANIC, PANIC_SECONDS)
        for _ in range(PANIC_SECONDS * 20):
            if self._supervisor.state != "running":
                break
            await asyncio.sleep(0.05)
        return {"state": self._supervisor.state}


async def _say(writer: asyncio.StreamWriter, line: dict[str, Any]) -> None:
    writer.write(json.dumps(line).encode() + b"\n")
    await writer.drain()
