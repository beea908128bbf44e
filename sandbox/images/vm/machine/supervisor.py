"""The service of a `vm` machine: keeps its guest, and answers the machine's own commands."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from . import frames
from .bringup import GuestHung, Up, Wish, bring_up, remove_folder
from .extras import Extras
from .guest import Guest, GuestGone
from .requests import Requests
from .terminal import Terminal

RUN = Path("/run/slipway")
STAGE, READY, FAILED, FACTS = (
    RUN / name for name in ("service.stage", "service.ready", "service.failed", "guest")
)
CLOCK_LOOK_SECONDS = 20
CLOCK_JUMP_SECONDS = 1.0
DIM, PLAIN = "\x1b[2m", "\x1b[0m"
ENDS = {
    "panicked": "The guest's kernel has panicked: everything in the guest is gone. QEMU has ended,"
    " the machine around it lives.",
    "off": "The guest has switched itself off. The machine around it lives.",
    "lost": "The guest is gone: QEMU ended ({words}).",
}
AGAIN = "Press Enter to boot it again, or Reset for a new machine."


class Supervisor:
    """The machine's guest. `state`: starting, running, panicked, off, lost."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.state = "starting"
        self.up: Up | None = None
        self.terminal = Terminal(RUN / "console.sock", self._on_input, self._on_size)
        self.extras = Extras(wish, RUN / "vm")
        self._booting: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Bring the guest up and stay; returns only when it never came up."""
        remove_folder(self.wish.folder)
        await self.terminal.listen()
        await Requests(self).listen(RUN / "guests.sock")
        try:
            await self._come_up()
        except (GuestGone, GuestHung) as error:
            FAILED.write_text(f"the guest did not come up: {error}\n")
            return
        READY.touch()
        await self._keep_time()

    async def _come_up(self, *, fresh: bool = False) -> None:
        self.state = "starting"
        self.up = up = await bring_up(self.wish, _stage, self._show, fresh=fresh)
        self.state = "running"
        up.guest.on_session = self._on_session
        self._write_facts()
        rows, columns = self.terminal.size
        await up.guest.tell(frames.SIZE, 0, frames.size(rows, columns))
        self._watch(up.guest)

    async def _show(self, data: bytes) -> None:
        # From the prompt on the bridge shows everything; it comes after the ready marker.
        if b"\x1b]133;A" in data:
            self.terminal.holding = True
        await self.terminal.show(data)

    # what the platform wants to know

    def facts(self) -> dict[str, object]:
        """What is known of the guest, JSON-ready; seconds and bytes say so in their names."""
        up = self.up
        if up is None or not up.guest.facts.done():
            return {"state": self.state, "size": self.wish.size}
        said = up.guest.facts.result()
        return {
            "state": self.state,
            "size": self.wish.size,
            "pid": up.guest.session_pid,
            "kernel": said.kernel_release,
            "boot": said.boot_id,
            "hostname": said.host_name,
            "accelerator": self.wish.accelerator,
            "how": up.how,
            "seconds": up.seconds,
            "hangs": up.hangs,
            "qemu_pid": up.guest.pid,
        }

    def _marker(self) -> str:
        names = ("pid", "kernel", "boot", "hostname", "accelerator", "how", "seconds", "hangs")
        facts = self.facts()
        clean = {name: str(facts.get(name, "")).translate(_UNSAFE) for name in names}
        return ";".join(f"{name}={value}" for name, value in clean.items())

    def _write_facts(self) -> None:
        line = self._marker()
        FACTS.with_suffix(".new").write_text(line + "\n")
        FACTS.with_suffix(".new").replace(FACTS)
        self.terminal.holding = True
        self.terminal.mark(f"\x1b]777;slipway;guest;{line}\x07".encode())

    def _on_session(self, pid: int) -> None:
        if pid:
            self._write_facts()

    # the guest's end

    def _watch(self, guest: Guest) -> None:
        async def wait() -> None:
            await guest.ended.wait()
            await self._ended(guest)

        self._watching = asyncio.create_task(wait())

    async def _ended(self, guest: Guest) -> None:
        reason = guest.monitor.shutdown_reason if guest.monitor else ""
        words = guest.words()
        await guest.kill()
        if reason == "guest-reset" and not guest.panicked:
            self.boot()
            return
        self.state = "panicked" if guest.panicked else "off" if reason else "lost"
        self.terminal.mark(f"\x1b]777;slipway;guest-ended;{self.state}\x07".encode())
        await self.say(f"{ENDS[self.state].format(words=words)} {AGAIN}")

    async def say(self, text: str) -> None:
        """A line of the machine's own, which no guest wrote."""
        await self.terminal.show(f"\x1b[0m\x1b[?25h\r\n{DIM}[{text}]{PLAIN}\r\n".encode())

    def boot(self) -> None:
        """Boot the guest again, if it has ended."""
        if self._booting is None or self._booting.done():
            self._booting = asyncio.create_task(self._boot())

    async def _boot(self) -> None:
        await self.say("The guest boots.")
        try:
            await self._come_up(fresh=True)
        except (GuestGone, GuestHung) as error:
            self.state = "lost"
            await self.say(f"The guest did not come up: {error}. {AGAIN}")

    # the terminal

    async def _on_input(self, data: bytes) -> None:
        if self.state == "running" and self.up:
            await self.up.guest.type(data)
        elif self.state != "starting" and (b"\r" in data or b"\n" in data):
            self.boot()

    async def _on_size(self, rows: int, columns: int) -> None:
        if self.state == "running" and self.up:
            await self.up.guest.tell(frames.SIZE, 0, frames.size(rows, columns))

    async def _keep_time(self) -> None:
        """Set the guest's clock again when this host's was set, or stood still in its sleep."""
        before = time.time() - time.monotonic()
        while True:
            await asyncio.sleep(CLOCK_LOOK_SECONDS)
            now = time.time() - time.monotonic()
            if abs(now - before) > CLOCK_JUMP_SECONDS and self.up:
                await self.up.guest.set_clock()
            before = now


_UNSAFE = dict.fromkeys([*range(32), 127, ord(";"), ord("=")], " ")


def _stage(name: str) -> None:
    sys.stdout.write(f"{name}\n")
    sys.stdout.flush()
    STAGE.write_text(name + "\n")


def wish_from(environment: dict[str, str]) -> Wish:
    """What the platform asked for when it made the machine."""
    return Wish(
        size=environment.get("SLIPWAY_GUEST", "small"),
        accelerator=environment.get("SLIPWAY_ACCELERATOR", "tcg"),
        host_name=environment.get("LAB_MACHINE", "vm"),
        console=environment.get("SLIPWAY_LOGIN", "auto"),
        folder=RUN / "vm" / "main",
        hang_words=environment.get("SLIPWAY_HANG_WORDS", ""),
    )


def main() -> int:
    """The service: exits only when the guest never came up, or when it is told to end."""

    async def work() -> None:
        running = asyncio.create_task(Supervisor(wish_from(dict(os.environ))).run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await running

    asyncio.run(work())
    return 1
