"""An initramfs: a folder as a cpio archive in the "newc" format.

Source: Linux kernel documentation, "initramfs buffer format".
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import IO

_MAGIC = "070701"
_TIME = 1_700_000_000
PAGE_BYTES = 4096
#: What the kernel's own first process needs before any program has made a /dev.
CONSOLE = ("dev/console", stat.S_IFCHR | 0o600, (5, 1))


def write_cpio(folder: Path, target: Path, extra: Iterable[tuple[str, Path, int]] = ()) -> None:
    """Archive `folder` into `target`: owners and modes as they are, one fixed time.

    `extra`: further files as (name in the archive, file, mode), owned by root; their folders must exist in `folder`.
    """
    with target.open("wb") as out:
        number = 1
        for path in sorted(folder.rglob("*")):
            status = path.lstat()
            name = path.relative_to(folder).as_posix()
            content = b""
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path).encode()
            elif stat.S_ISREG(status.st_mode):
                content = path.read_bytes()
            _entry(out, number, name, status.st_mode, (status.st_uid, status.st_gid), content)
            number += 1
        for name, file, mode in extra:
            _entry(out, number, name, stat.S_IFREG | mode, (0, 0), file.read_bytes())
            number += 1
        name, mode, device = CONSOLE
        _entry(out, number, name, mode, (0, 0), b"", device)
        _entry(out, 0, "TRAILER!!!", 0, (0, 0), b"")
        # Whole pages: with some other sizes an emulated microvm never got its first timer
        # interrupt, every time (seen with QEMU 10.0 and Linux 6.12).
        _pad(out, PAGE_BYTES)


def _entry(
    out: IO[bytes],
    number: int,
    name: str,
    mode: int,
    owner: tuple[int, int],
    content: bytes,
    device: tuple[int, int] = (0, 0),
) -> None:
    fields = (number, mode, *owner, 1, _TIME, len(content), 0, 0, *device, len(name) + 1, 0)
    out.write(_MAGIC.encode() + b"".join(b"%08X" % field for field in fields))
    out.write(name.encode() + b"\0")
    _pad(out)
    out.write(content)
    _pad(out)


def _pad(out: IO[bytes], to_bytes: int = 4) -> None:
    out.write(b"\0" * (-out.tell() % to_bytes))
