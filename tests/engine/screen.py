"""A viewer of a machine's real terminal, and scripts typed into it."""

import asyncio
import base64
import json
import os
import re
import secrets
from typing import Any

import pytest

from sandbox.held import HeldTerminal
from sandbox.models import Machine
from sandbox.terminal import Terminal, Viewer
from sandbox.terminals import Terminals
from tests.engine.probes import Outcome

WINDOW = 1024 * 1024
# Longer lines would be cut by a terminal whose shell is not reading yet.
LONGEST_LINE = 4000


WAYS = ("directly", "by exec")


def use_way(way: str, settings: Any) -> None:
    """Have consoles reach holders on one of WAYS; the first needs root beside the engine."""
    if way == "directly" and os.geteuid() != 0:
        pytest.skip("not run: needs root, to enter a machine's network namespace")
    settings.CONSOLE_ENTERS_NAMESPACES = way == "directly"


def way_of(terminal: Terminal) -> str:
    """Which of WAYS a held terminal's bytes go."""
    source = terminal._source
    assert isinstance(source, HeldTerminal)
    return WAYS[0] if source.direct else WAYS[1]


class Screen:
    """A viewer that acknowledges what it reads."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.data = b""
        self.hello: dict[str, Any] = {}
        self.told: list[dict[str, Any]] = []  # what came as text after the hello
        self.viewer: Viewer | None = None
        self._task: asyncio.Task[None] | None = None

    async def join(self, after: int | None = None) -> "Screen":
        self.viewer = await self.terminal.view(self._take, after, WINDOW)
        self._task = asyncio.create_task(self.viewer.follow(self.terminal))
        return self

    async def _take(self, data: bytes | str) -> None:
        if isinstance(data, bytes):
            self.data += data
            if self.viewer:
                self.viewer.acknowledge(len(data))
        else:
            message = json.loads(data)
            if "hello" in message:
                self.hello = message["hello"]
            else:
                self.told.append(message)

    async def until(
        self, pattern: bytes | re.Pattern[bytes], seconds: float = 10
    ) -> re.Match[bytes]:
        """Wait until the pattern was printed."""
        try:
            async with asyncio.timeout(seconds):
                while not (found := re.search(pattern, self.data)):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail(f"{pattern!r} was not printed in {self.data[-600:]!r}")
        return found

    async def type(self, line: str) -> None:
        await self.terminal.write(line.encode() + b"\r")

    def leave(self) -> None:
        assert self.viewer is not None
        assert self._task is not None
        self.terminal.leave(self.viewer)
        self._task.cancel()


async def open_screen(machine: Machine) -> Screen:
    """The machine's terminal as a console opens it, its prompt drawn."""
    screen = await Screen(await Terminals().get(machine)).join()
    # The engine's log has no prompt in it: the first size makes the shell draw it again.
    await screen.terminal.resize(200, 50)
    await screen.until(rb"\x1b\]133;B\x07", 20)
    return screen


async def run_typed(screen: Screen, script: str, seconds: float = 20) -> Outcome:
    """Type a script at the prompt; its output and exit code are read from the shell's marks."""
    mark = secrets.token_hex(4)
    encoded = base64.b64encode(f"echo begin-{mark}\n{script}\n".encode()).decode()
    line = f'bash -c "$(base64 -d <<<{encoded})"'
    assert len(line) < LONGEST_LINE, "too long to be typed"
    await screen.type(line)
    # The shell says what ran, then how it ended.
    said = r"(?:\x1b\]777;slipway;command;[^\x07]*\x07)?"
    pattern = rf"begin-{mark}\r\n(.*?){said}\x1b\]133;D;(\d+)\x07"
    found = await screen.until(re.compile(pattern.encode(), re.DOTALL), seconds)
    screen.data = b""
    return Outcome(int(found[2]), found[1].decode(errors="replace").replace("\r\n", "\n"))


def typed(machine: Machine, script: str, seconds: float = 20) -> Outcome:
    """Open the machine's terminal, type the script, read how it ended; not from async tests."""

    async def work() -> Outcome:
        screen = await open_screen(machine)
        try:
            return await run_typed(screen, script, seconds)
        finally:
            screen.leave()
            screen.terminal.close()

    return asyncio.run(work())
