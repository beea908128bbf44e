"""Files of a machine: write, read, list, name, remove, as the learner's user and nobody else.

One exec per call, in the learner's own namespaces; bytes are streamed both ways and held
back to the pace of the slower side. Console processes only. What a path reaches, links
included, is what the learner reaches at the prompt: the kernel decides, not we.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from sandbox import stream
from sandbox.demux import Demultiplexer
from sandbox.errors import SandboxEngineError, SandboxUserError
from sandbox.models import Machine

PROGRAM = (Path(__file__).parent / "files_inside.py").read_text(encoding="utf-8")
PYTHON = ("/usr/bin/python3", "-I", "-S", "-c", PROGRAM)
ENTER = "/usr/local/lib/slipway/enter"
KINDS = ("shell", "docker")
# Unread bytes at which the machine is made to wait.
HIGH_BYTES = 256 * 1024
# Without a byte either way.
SILENT_SECONDS = 60
CHUNK_BYTES = 64 * 1024
LINE_BYTES = 4 * 1024 * 1024
AT_ONCE = 4

STATUS = {
    "bad_request": 400,
    "not_allowed": 403,
    "not_found": 404,
    "cut": 400,
    "too_large": 413,
    "file_changed": 412,
}
HINTS = {
    "bad_request": "Choose another path: absolute or in ~/, and not too long.",
    "cut": "Send it again.",
    "too_large": "Pack it smaller, or send it in parts.",
    "not_folder": "A part of the path is a file; choose a folder.",
    "not_allowed": "Choose a place in your home.",
    "not_found": "Look where the file is with ls.",
    "file_exists": "Choose another name, or replace it.",
    "file_changed": "Load it again, then make your change.",
    "not_empty": "Remove what is in it first.",
    "disk_full": "Remove what you no longer need.",
    "other_disk": "Copy it there with cp, then remove it here.",
    "is_folder": "Pack it with tar first, or choose a file in it.",
}
_busy: Counter[str] = Counter()


class FileRefused(SandboxUserError):
    """What the machine's file system, or its user's rights, said no to."""


class TooManyTransfers(SandboxUserError):
    code = "too_many"
    message = "This machine moves as many files at once as it may."
    hint = "Wait until one of them is done."
    status = 429


@dataclass(frozen=True)
class Found:
    """A file that is being read: its size and etag, and its bytes as they come."""

    size_bytes: int
    etag: str
    content: AsyncIterator[bytes]


async def write(
    machine: Machine,
    path: str,
    body: AsyncIterator[bytes],
    *,
    overwrite: bool = True,
    if_match: str = "",
) -> dict[str, Any]:
    """Write `body` to `path`; returns {"path", "bytes", "etag"}.

    The old file stays whole until the new one is. With `if_match` only over the file of that
    etag. Raises FileRefused, TooManyTransfers, EngineDown, MachineDied.
    """
    order = {
        "do": "write",
        "path": path,
        "overwrite": overwrite,
        "expected": if_match,
        "limit": limit_bytes(),
    }
    async with _Run(machine, order) as run:
        feeding = asyncio.create_task(run.feed(body))
        try:
            said = asyncio.create_task(run.line())
            await asyncio.wait((feeding, said), return_when=asyncio.FIRST_COMPLETED)
            if not said.done():
                feeding.result()  # a client that left, before anything is kept
            return await said
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)


async def read(machine: Machine, path: str) -> AsyncGenerator[Found, None]:
    """Yield the file once; its content must be read, or left, before going on. Raises as `write`."""
    async with _Run(machine, {"do": "read", "path": path}) as run:
        said = await run.line()
        yield Found(said["bytes"], said["etag"], run.rest(said["bytes"]))


async def entries(machine: Machine, path: str) -> dict[str, Any]:
    """What is in a folder: {"path", "entries", "more"}. Raises as `write`."""
    async with _Run(machine, {"do": "list", "path": path}) as run:
        return await run.line()


async def make_folder(machine: Machine, path: str) -> dict[str, Any]:
    """Make a folder and those above it: {"path"}. Raises as `write`."""
    async with _Run(machine, {"do": "folder", "path": path}) as run:
        return await run.line()


async def rename(machine: Machine, path: str, to: str) -> dict[str, Any]:
    """Name or place something anew, never over something else: {"path"}. Raises as `write`."""
    async with _Run(machine, {"do": "rename", "path": path, "to": to}) as run:
        return await run.line()


async def delete(machine: Machine, path: str, *, recursive: bool) -> dict[str, Any]:
    """Remove a file, link or folder: {"path"}. Raises as `write`."""
    async with _Run(machine, {"do": "delete", "path": path, "recursive": recursive}) as run:
        return await run.line()


def limit_bytes() -> int:
    """How large a file that is sent may be."""
    limit: int = settings.SANDBOX_FILE_MIB * 1024 * 1024
    return limit


@contextmanager
def _room(machine: Machine) -> Iterator[None]:
    key = machine.container_id
    if _busy[key] >= AT_ONCE:
        raise TooManyTransfers
    _busy[key] += 1
    try:
        yield
    finally:
        _busy[key] -= 1
        if not _busy[key]:
            del _busy[key]


class _Run:
    """One run of the program in a machine, from its start to its end."""

    def __init__(self, machine: Machine, order: dict[str, Any]) -> None:
        self._machine = machine
        command = [*PYTHON, json.dumps(order)]
        self._command = [ENTER, *command] if machine.kind == "docker" else command
        self._room = _room(machine)
        self._buffer = bytearray()
        self._errors = b""
        self._ended = False
        self._paused = False
        self._changed = asyncio.Event()
        self._stream: stream.EngineStream

    async def __aenter__(self) -> "_Run":
        if self._machine.kind not in KINDS:
            hint = "Write them at its prompt."
            raise FileRefused("Files can't be moved to or from a machine of this kind.", hint)
        self._room.__enter__()
        try:
            _, self._stream = await stream.exec_stream(
                self._machine.container_id, self._command, user="1000:1000"
            )
        except BaseException:
            self._room.__exit__(None, None, None)
            raise
        self._stream.listen(Demultiplexer(self._on_frame).feed, self._on_close)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stream.close()
        self._room.__exit__(None, None, None)

    def _on_frame(self, which: int, payload: bytes) -> None:
        if which != 1:
            self._errors = (self._errors + payload)[-1000:]
            return
        self._buffer += payload
        if len(self._buffer) > HIGH_BYTES and not self._paused:
            self._paused = True
            self._stream.pause()
        self._changed.set()

    def _on_close(self) -> None:
        self._ended = True
        self._changed.set()

    async def feed(self, body: AsyncIterator[bytes]) -> None:
        """Send the body in chunks with their length before them, then an empty one."""
        async for data in body:
            for begin in range(0, len(data), CHUNK_BYTES):
                part = data[begin : begin + CHUNK_BYTES]
                self._stream.write(len(part).to_bytes(4, "big") + part)
                async with asyncio.timeout(SILENT_SECONDS):
                    await self._stream.drained()
        self._stream.write(bytes(4))

    async def line(self) -> dict[str, Any]:
        """The answer. Raises FileRefused for one that says no."""
        while b"\n" not in self._buffer:
            if self._ended or len(self._buffer) > LINE_BYTES:
                words = self._errors.decode(errors="replace").strip().splitlines()
                why = words[-1][:200] if words else None
                raise SandboxEngineError("The machine gave no answer.", why)
            self._resume()
            await self._change()
        first, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer = bytearray(rest)
        said: dict[str, Any] = json.loads(first)
        if "error" in said:
            refused = FileRefused(said["message"], HINTS.get(said["error"]))
            refused.code = said["error"]
            refused.status = STATUS.get(said["error"], 409)
            raise refused
        return said

    async def rest(self, count: int) -> AsyncIterator[bytes]:
        """`count` bytes of content, fewer when the file became shorter meanwhile."""
        while count > 0:
            if not self._buffer:
                if self._ended:
                    return
                self._resume()
                await self._change()
                continue
            data = bytes(self._buffer[:count])
            self._buffer.clear()
            count -= len(data)
            self._resume()
            yield data

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self._stream.resume()

    async def _change(self) -> None:
        self._changed.clear()
        if self._ended:
            return
        async with asyncio.timeout(SILENT_SECONDS):
            await self._changed.wait()
