"""Bringing a guest up: from a snapshot where there is one, else by booting; watched, and tried again.

An emulated boot can hang (clocks are measured while the host does something else). A guest
that has shown no sign of life for a while before its prompt is ended and started once more.
"""

import asyncio
import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from . import qemu, watchdog
from .guest import Guest, GuestGone, OnOutput
from .watchdog import Patience, Watchdog

SNAPSHOTS = Path("/snapshots")
IMAGE_TOOL = "/usr/bin/qemu-img"
# In a snapshot's folder: an empty disk above the snapshot's, ready to be copied.
OVERLAY = "overlay.qcow2"
WHOLE_SECONDS = {"small": 240.0, "full": 600.0}
LOOK_SECONDS = 0.25


class GuestHung(Exception):
    """No prompt, and no sign of life."""


@dataclass(frozen=True)
class Wish:
    """What guest is wanted. `hang_words` are kernel words that tests hang a boot with."""

    size: str
    accelerator: str
    host_name: str
    console: str
    folder: Path
    hang_words: str = ""


@dataclass(frozen=True)
class Up:
    """A guest at its prompt, and how it got there."""

    guest: Guest
    how: str
    seconds: float
    hangs: int


Say = Callable[[str], None]


def snapshot_of(wish: Wish) -> Path | None:
    """The snapshot that fits, if one was made here for this accelerator."""
    found = SNAPSHOTS / f"{wish.size}-{wish.accelerator}"
    return found if (found / "complete").exists() else None


async def bring_up(wish: Wish, say: Say, on_output: OnOutput, *, fresh: bool = False) -> Up:
    """Start a guest until it is at its prompt. `fresh`: boot it even if there is a snapshot.

    Raises GuestGone or GuestHung after the second boot that came to nothing.
    """
    snapshot = None if fresh else snapshot_of(wish)
    if snapshot:
        try:
            return await _try(wish, snapshot, say, on_output, stage="restoring guest")
        except (GuestGone, GuestHung, qemu.MonitorError) as error:
            sys.stderr.write(f"snapshot of no use: {error}\n")
    try:
        return await _try(wish, None, say, on_output, hang_words=wish.hang_words)
    except (GuestGone, GuestHung) as error:
        sys.stderr.write(f"first boot: {error}\n")
        hung = isinstance(error, GuestHung)
    stage = "guest hung, booting again" if hung else "guest ended, booting again"
    return await _try(wish, None, say, on_output, stage=stage, hangs=1)


async def _try(
    wish: Wish,
    snapshot: Path | None,
    say: Say,
    on_output: OnOutput,
    *,
    stage: str = "booting guest",
    hangs: int = 0,
    hang_words: str = "",
) -> Up:
    say(stage)
    began = time.monotonic()
    guest = Guest(wish.folder, on_output)
    patience = watchdog.RESTORE if snapshot else watchdog.BOOT[wish.size]
    try:
        async with asyncio.timeout(WHOLE_SECONDS[wish.size]):
            await start(guest, wish, snapshot, hang_words=hang_words)
            if not snapshot:
                await watched(guest, guest.hello.wait(), patience)
                say("guest kernel is up")
            await watched(guest, guest.go(wish.host_name, wish.console), patience)
            await watched(guest, guest.prompt.wait(), patience)
    except BaseException as error:
        await guest.kill()
        if isinstance(error, TimeoutError):
            raise GuestHung("no prompt in time") from error
        raise
    how = "restored" if snapshot else "booted"
    return Up(guest, how, round(time.monotonic() - began, 3), hangs)


async def start(guest: Guest, wish: Wish, snapshot: Path | None, *, hang_words: str = "") -> None:
    """Start QEMU for `wish`, and load the snapshot."""
    size = qemu.SIZES[wish.size]
    guest.folder.mkdir(parents=True, exist_ok=True)
    overlay = _overlay(size, guest.folder, snapshot) if size.disk else None
    await guest.start(
        lambda ports: qemu.Start(
            size,
            wish.accelerator,
            ports,
            memory_file=snapshot / "memory" if snapshot else None,
            restore=snapshot is not None,
            overlay=overlay,
            more_kernel_words=hang_words,
        )
    )
    if snapshot and guest.monitor:
        await guest.monitor.restore(snapshot / "state")


def _overlay(size: qemu.Size, folder: Path, snapshot: Path | None) -> Path:
    """A disk that holds only what differs from the one below, which everybody shares."""
    overlay = folder / "disk.qcow2"
    if snapshot:
        shutil.copyfile(snapshot / OVERLAY, overlay)
        return overlay
    words = [IMAGE_TOOL, "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(size.disk)]
    subprocess.run([*words, str(overlay)], check=True, stdin=subprocess.DEVNULL)
    return overlay


async def watched(guest: Guest, awaited: Awaitable[object], patience: Patience) -> None:
    """Wait for something of the guest while it lives. Raises GuestGone, GuestHung."""
    wanted = asyncio.ensure_future(awaited)
    ended = asyncio.create_task(guest.ended.wait())
    dog, signed_at = Watchdog(guest.pid, patience), guest.last_sign
    try:
        while not wanted.done():
            await asyncio.wait(
                {wanted, ended}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if wanted.done():
                break
            if ended.done():
                why = "its kernel panicked" if guest.panicked else guest.words()
                raise GuestGone(f"the guest ended: {why}")
            if guest.last_sign > signed_at:
                signed_at = guest.last_sign
                dog.sign()
            if why := dog.verdict():
                raise GuestHung(why)
        wanted.result()
    finally:
        for task in (wanted, ended):
            task.cancel()
            with contextlib.suppress(BaseException):
                await task


def remove_folder(folder: Path) -> None:
    """What an earlier run of the supervisor left."""
    shutil.rmtree(folder, ignore_errors=True)
