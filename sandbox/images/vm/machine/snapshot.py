"""Making this host's snapshots: a guest that has booted and lets nobody in yet, as files.

Run by the platform in a helper container of the same image, which alone may write /snapshots:
memory and device state fit only the very QEMU, accelerator and devices that made them.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from . import qemu, watchdog
from .bringup import IMAGE_TOOL, OVERLAY, SNAPSHOTS, GuestHung, Wish, watched
from .guest import Guest, GuestGone

WHOLE_SECONDS = 600
LEFT_SECONDS = 3600
# systemd says so when every unit has been started; the small guest has nothing to wait for.
BOOTED = {"small": [], "full": ["/usr/bin/systemctl", "is-system-running", "--wait"]}
# A restored guest translates what it runs anew, but reads its disk only for what the snapshot's memory
# has not: what a login and the first commands need is read before.
READ_BEFORE = (
    "ls; ps; uname; systemctl is-system-running; su --version; journalctl -n 1; free; df; ip a"
)


async def make(size_name: str, accelerator: str) -> float:
    """Make one snapshot; returns the seconds that the boot took. Raises what starting a guest does."""
    size = qemu.SIZES[size_name]
    target = SNAPSHOTS / f"{size_name}-{accelerator}"
    # A folder of its own: another site on the same engine may be making the same.
    work = SNAPSHOTS / f".{target.name}-{os.urandom(4).hex()}"
    work.mkdir(parents=True)
    memory, disk = work / "memory", work / "disk.qcow2"
    with memory.open("wb") as file:
        file.truncate(size.memory_bytes)
    if size.disk:
        words = [IMAGE_TOOL, "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(size.disk)]
        await (await asyncio.create_subprocess_exec(*words, str(disk))).wait()
    guest = Guest(Path("/run/slipway/vm/snapshot"), _log)
    began = time.monotonic()
    overlay = disk if size.disk else None
    await guest.start(
        lambda ports: qemu.Start(size, accelerator, ports, memory_file=memory, overlay=overlay)
    )
    try:
        await _come_up(guest, size_name)
        seconds = time.monotonic() - began
        if size.disk:
            await _read_before(guest)
            _lay_out_overlay(disk, SNAPSHOTS / target.name / disk.name, work / OVERLAY)
        await asyncio.sleep(1)
        await guest.save(work / "state")
    except BaseException:
        await guest.kill()
        shutil.rmtree(work)
        raise
    await guest.kill()
    _finish(work, target)
    return seconds


async def _come_up(guest: Guest, size_name: str) -> None:
    patience = watchdog.BOOT[size_name]
    await watched(guest, guest.hello.wait(), patience)
    if BOOTED[size_name]:
        await watched(guest, guest.run("root", BOOTED[size_name], WHOLE_SECONDS), patience)


async def make_or_try_again(size_name: str, accelerator: str) -> float:
    """`make`, once more after a boot that hung or ended, as a machine's own guest is begun again."""
    try:
        return await make(size_name, accelerator)
    except (GuestGone, GuestHung) as error:
        sys.stdout.write(f"\nbegun again: {error}\n")
    return await make(size_name, accelerator)


async def _read_before(guest: Guest) -> None:
    words = ["/bin/bash", "-lic", f"({READ_BEFORE}) </dev/null >/dev/null 2>&1"]
    code, said = await guest.run("learner", words, WHOLE_SECONDS)
    sys.stdout.write(f"read before: {code} {said!r}\n")


def _lay_out_overlay(disk: Path, at_start: Path, overlay: Path) -> None:
    """An empty disk above `disk`, which will lie at `at_start`, for starts to copy: a copy takes no program."""
    with disk.open("rb") as file:
        size_bytes = str(int.from_bytes(file.read(32)[24:], "big"))  # QEMU documentation, "qcow2"
    words = [IMAGE_TOOL, "create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", str(at_start)]
    subprocess.run([*words, str(overlay), size_bytes], check=True, stdin=subprocess.DEVNULL)


def _finish(work: Path, target: Path) -> None:
    # Every machine maps them, as another user and read-only.
    for path in work.iterdir():
        path.chmod(0o444)
    (work / "complete").touch()
    try:
        work.rename(target)
    except OSError:
        # Somebody else was faster, and machines may map theirs already.
        shutil.rmtree(work)


def _tidy() -> None:
    """Remove what makers that were killed have left; none takes an hour."""
    for left in SNAPSHOTS.glob(".*-*-*"):
        if time.time() - left.stat().st_mtime > LEFT_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


async def _log(data: bytes) -> None:
    sys.stdout.buffer.write(data)


def main(arguments: list[str]) -> int:
    """`snapshot ACCELERATOR SIZE...`: make what is missing. Prints a line each; 0 when all are there."""
    accelerator, *sizes = arguments
    Path("/run/slipway").mkdir(exist_ok=True)
    _tidy()
    for size in sizes:
        if (SNAPSHOTS / f"{size}-{accelerator}" / "complete").exists():
            continue
        wish = Wish(size, accelerator, "snapshot", "auto", SNAPSHOTS)
        seconds = asyncio.run(make_or_try_again(wish.size, wish.accelerator))
        sys.stdout.write(f"\nmade={size}-{accelerator} boot_seconds={seconds:.1f}\n")
        sys.stdout.flush()
    os.sync()
    return 0
