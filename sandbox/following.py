"""Running a program in a machine's container and hearing each of its lines as it is printed.

For the platform's own programs, which print one JSON object a line. In a `vm` machine this
is the container around the hypervisor, not the guest.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

from sandbox import inside, stream
from sandbox.demux import Demultiplexer
from sandbox.errors import MachineDied, SandboxEngineError
from sandbox.machines import INNER_ENGINE, PATH
from sandbox.models import Machine

log = logging.getLogger(__name__)
LINE_LIMIT_BYTES = 64 * 1024
ERRORS_KEPT_BYTES = 2000
EXIT_POLL_SECONDS = 0.02
USER = "1000:1000"
OnLine = Callable[[dict[str, Any]], None]


class _Lines:
    """Cuts a stream into lines and hands on those that are JSON objects."""

    def __init__(self, on_line: OnLine) -> None:
        self._on_line = on_line
        self._rest = b""
        self.errors = b""

    def feed(self, which: int, payload: bytes) -> None:
        if which == 2:
            self.errors = (self.errors + payload)[-ERRORS_KEPT_BYTES:]
            return
        *lines, self._rest = (self._rest + payload).split(b"\n")
        self._rest = self._rest[-LINE_LIMIT_BYTES:]
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            return
        if isinstance(said, dict):
            self._on_line(said)


async def follow(
    machine: Machine,
    command: list[str],
    on_line: OnLine,
    *,
    stdin: bytes = b"",
    timeout_seconds: int,
) -> int:
    """Run `command`, call `on_line` for each JSON object it prints; return its exit code.

    Raises MachineDied, EngineDown; SandboxEngineError when it takes longer than it may.
    """
    bounded = ["/usr/bin/timeout", "-k", "2", str(timeout_seconds), *command]
    env = {"PATH": PATH, "HOME": "/home/learner", "LANG": "C.UTF-8"}
    if machine.kind == "docker":
        env["DOCKER_HOST"] = INNER_ENGINE
    lines = _Lines(on_line)
    exec_id, opened = await stream.exec_stream(machine.container_id, bounded, user=USER, env=env)
    ended = asyncio.Event()
    opened.listen(Demultiplexer(lines.feed).feed, ended.set)
    try:
        async with asyncio.timeout(timeout_seconds + 5):
            opened.write(stdin)
            await opened.drained()
            opened.end_input()
            await ended.wait()
            while (code := await stream.exec_exit_code(exec_id)) is None:  # noqa: ASYNC110
                await asyncio.sleep(EXIT_POLL_SECONDS)
    except TimeoutError as error:
        raise SandboxEngineError(
            f"{machine.name} did not answer within {timeout_seconds} s.", "Try again."
        ) from error
    finally:
        opened.close()
    if code not in (0, 3) or lines.errors:
        words = lines.errors.decode(errors="replace")
        log.warning("%s on %s ended with %s: %s", command[:3], machine, code, words)
    if code == 137 and not await _runs(machine):
        raise MachineDied
    return code


async def _runs(machine: Machine) -> bool:
    status, body = await stream.call("GET", f"/containers/{machine.container_id}/json")
    return status == 200 and bool(json.loads(body)["State"]["Running"])


async def follow_python(
    machine: Machine, program: str, *arguments: str, on_line: OnLine, timeout_seconds: int
) -> int:
    """`follow` for one of the programs in `sandbox/inside`."""
    return await follow(
        machine,
        [inside.PYTHON, "-", *arguments],
        on_line,
        stdin=inside.source(program),
        timeout_seconds=timeout_seconds,
    )


async def ask_python(
    machine: Machine, program: str, *arguments: str, timeout_seconds: int = 15
) -> list[dict[str, Any]]:
    """All that a program in `sandbox/inside` prints."""
    said: list[dict[str, Any]] = []
    await follow_python(
        machine, program, *arguments, on_line=said.append, timeout_seconds=timeout_seconds
    )
    return said


GUESTS = "/usr/local/lib/slipway/guests"
