"""The guests' kernel, out of Debian's package: the ELF image that QEMU starts by PVH, and single modules.

A bzImage is the kernel compressed, behind code that unpacks it; unpacking it here and not in each guest saves a
second of every emulated start. Source: Linux kernel documentation, "The Linux/x86 Boot Protocol" (offsets of
`setup_sects`, `payload_offset`, `payload_length`).
"""

import lzma
import struct
import subprocess
import zlib
from pathlib import Path

from sandbox.images.stages import BuildError

_SETUP_SECTS, _PAYLOAD = 0x1F1, 0x248
_SECTOR = 512
_ELF = b"\x7fELF"


def extract_vmlinux(bzimage: Path, target: Path) -> None:
    """Write the uncompressed kernel of `bzimage` to `target`. Raises BuildError for an unknown compression."""
    image = bzimage.read_bytes()
    sectors = (image[_SETUP_SECTS] or 4) + 1
    offset, length = struct.unpack_from("<II", image, _PAYLOAD)
    begin = sectors * _SECTOR + offset
    kernel = _decompress(image[begin : begin + length])
    if not kernel.startswith(_ELF):
        raise BuildError(f"{bzimage.name} holds no ELF kernel", "was its package unpacked whole?")
    target.write_bytes(kernel)


def _decompress(payload: bytes) -> bytes:
    if payload.startswith(_ELF):
        return payload
    if payload.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(31).decompress(payload)
    if payload.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor().decompress(payload)
    for magic, program in ((b"\x28\xb5\x2f\xfd", "zstd"), (b"\x02\x21\x4c\x18", "lz4")):
        if payload.startswith(magic):
            # The payload is followed by its size, which the program takes for more input and says so.
            done = subprocess.run([program, "-dcq"], input=payload, capture_output=True)
            return done.stdout
    raise BuildError(f"the kernel is compressed in an unknown way ({payload[:4].hex()})")


def extract_module(tree: Path, release: str, name: str, target: Path) -> None:
    """Write the module `name` of the kernel `release` under `tree` to `target`, uncompressed."""
    folder = tree / "usr/lib/modules" / release
    found = next(folder.rglob(f"{name}.ko*"), None)
    if found is None:
        raise BuildError(f"the kernel {release} has no module {name}")
    content = found.read_bytes()
    target.write_bytes(lzma.decompress(content) if found.suffix == ".xz" else content)


def release_of(tree: Path) -> str:
    """The release of the one kernel under `tree`."""
    releases = sorted(path.name for path in (tree / "usr/lib/modules").iterdir())
    if len(releases) != 1:
        raise BuildError(f"expected one kernel, found: {', '.join(releases) or 'none'}")
    return releases[0]
