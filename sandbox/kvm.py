"""Whether /dev/kvm can run a guest: found out by running one.

A device that opens and makes a virtual machine can still be useless (nested without
support, a stub), so a loop in 64-bit code runs in a guest until it writes to a port. The
standard library only, and no other module of ours: `python3 kvm.py` works in a container
too. It prints `kvm: …` and ends with 0, or `tcg: …` (emulation it must be) and 1.
Source: Linux kernel documentation, "The Definitive KVM (Kernel-based Virtual Machine) API".
"""

import ctypes
import fcntl
import mmap
import os
import platform
import select
import signal
import struct
import sys
import time
from collections.abc import Callable
from typing import NoReturn

DEVICE = "/dev/kvm"
LIMIT_SECONDS = 2.0
ITERATIONS = 20_000_000
GUEST_BYTES = 1024 * 1024
API_VERSION = 12
EXIT_IO = 2
PORT, SIGN = 0x3F8, ord("K")

_GET_API_VERSION, _CREATE_VM, _GET_MMAP_SIZE = 0xAE00, 0xAE01, 0xAE04
_CREATE_VCPU, _RUN = 0xAE41, 0xAE80
_SET_MEMORY, _SET_REGISTERS = 0x4020AE46, 0x4090AE82
_GET_SPECIAL, _SET_SPECIAL = 0x8138AE83, 0x4138AE84
_SPECIAL_BYTES = 312
# Places in the guest's memory: three levels of page tables, then the code.
_LEVEL_4, _LEVEL_3, _LEVEL_2, _CODE, _STACK = 0x1000, 0x2000, 0x3000, 0x8000, 0x7000
_PRESENT_WRITABLE, _LARGE_PAGE = 0x3, 0x80


class NotUsable(Exception):
    """Why no guest can run here, in one line."""


def run_guest() -> str:
    """Run the loop in a guest; return how fast it was. Raises NotUsable.

    May hang in the kernel: see `probe` for a limit.
    """
    if platform.machine() != "x86_64":
        raise NotUsable(f"this probe knows x86-64 only, not {platform.machine()}")
    device = _step(f"open {DEVICE}", lambda: os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
    version = _step("KVM_GET_API_VERSION", lambda: fcntl.ioctl(device, _GET_API_VERSION, 0))
    if version != API_VERSION:
        raise NotUsable(f"KVM_GET_API_VERSION says {version}")
    guest = _step("KVM_CREATE_VM", lambda: fcntl.ioctl(device, _CREATE_VM, 0))
    # Bound to a name: the guest's memory must outlive the run.
    _memory = _guest_memory(guest)
    cpu = _step("KVM_CREATE_VCPU", lambda: fcntl.ioctl(guest, _CREATE_VCPU, 0))
    _set_registers(cpu)
    state = mmap.mmap(cpu, fcntl.ioctl(device, _GET_MMAP_SIZE, 0))
    began = time.monotonic()
    _step("KVM_RUN", lambda: fcntl.ioctl(cpu, _RUN, 0))
    seconds = time.monotonic() - began
    _require_sign(state)
    return f"{ITERATIONS // 1_000_000} million loops in a guest took {seconds * 1000:.0f} ms"


def _step(name: str, call: Callable[[], int]) -> int:
    try:
        return call()
    except OSError as error:
        raise NotUsable(f"{name}: {error.strerror}") from error


def _guest_memory(guest: int) -> mmap.mmap:
    """Memory with page tables that map the first 2 MiB to themselves, and the code."""
    memory = mmap.mmap(-1, GUEST_BYTES)
    struct.pack_into("<Q", memory, _LEVEL_4, _LEVEL_3 | _PRESENT_WRITABLE)
    struct.pack_into("<Q", memory, _LEVEL_3, _LEVEL_2 | _PRESENT_WRITABLE)
    struct.pack_into("<Q", memory, _LEVEL_2, _LARGE_PAGE | _PRESENT_WRITABLE)
    code = _guest_code()
    memory[_CODE : _CODE + len(code)] = code
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    slot = struct.pack("<IIQQQ", 0, 0, 0, GUEST_BYTES, address)
    _step("KVM_SET_USER_MEMORY_REGION", lambda: _set(guest, _SET_MEMORY, slot))
    return memory


def _guest_code() -> bytes:
    return b"".join(
        (
            b"\xb9" + struct.pack("<I", ITERATIONS),  # mov ecx, ITERATIONS
            b"\xff\xc9\x75\xfc",  # dec ecx; jnz back to it
            bytes((0xB0, SIGN)),  # mov al, SIGN
            b"\x66\xba" + struct.pack("<H", PORT),  # mov dx, PORT
            b"\xee\xf4",  # out dx, al; hlt
        )
    )


def _set(descriptor: int, request: int, value: bytes) -> int:
    fcntl.ioctl(descriptor, request, value)
    return 0


def _set_registers(cpu: int) -> None:
    """64-bit mode with paging on, at the first instruction of the code."""
    special = bytearray(_SPECIAL_BYTES)
    _step("KVM_GET_SREGS", lambda: fcntl.ioctl(cpu, _GET_SPECIAL, special))
    data = _segment(selector=16, type_=3, long_mode=False)
    # cs, then ds, es, fs, gs, ss.
    special[: 6 * len(data)] = _segment(selector=8, type_=11, long_mode=True) + 5 * data
    # cr0 (paging, protection), cr2, cr3, cr4 (large addresses), cr8, efer (long mode).
    control = (0x80050033, 0, _LEVEL_4, 0x20, 0, 0x500)
    struct.pack_into("<6Q", special, 224, *control)
    _step("KVM_SET_SREGS", lambda: _set(cpu, _SET_SPECIAL, bytes(special)))
    # rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8 to r15, rip, rflags.
    general = struct.pack("<18Q", *[0] * 6, _STACK, *[0] * 9, _CODE, 2)
    _step("KVM_SET_REGS", lambda: _set(cpu, _SET_REGISTERS, general))


def _segment(*, selector: int, type_: int, long_mode: bool) -> bytes:
    """A flat segment: base, limit, selector, type, present, dpl, db, s, l, g, avl, unusable."""
    wide = int(long_mode)
    flags = (type_, 1, 0, 1 - wide, 1, wide, 1, 0, 0, 0)
    return struct.pack("<QIH10B", 0, 0xFFFFFFFF, selector, *flags)


def _require_sign(state: mmap.mmap) -> None:
    """The guest must have stopped because it wrote SIGN to PORT, and for nothing else."""
    (reason,) = struct.unpack_from("<I", state, 8)
    if reason != EXIT_IO:
        raise NotUsable(f"KVM_RUN ended with exit reason {reason}")
    _direction, _size, port, _count, place = struct.unpack_from("<BBHIQ", state, 32)
    if (port, state[place]) != (PORT, SIGN):
        raise NotUsable("the guest did something else than it was told")


def probe(limit_seconds: float = LIMIT_SECONDS) -> tuple[bool, str]:
    """Whether a guest ran within the limit, and how it went in one line. Never raises."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(writing)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], limit_seconds)
    said = (
        os.read(reading, 4096).decode()
        if ready
        else f"0guest code did not end in {limit_seconds:g} s"
    )
    os.close(reading)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return said.startswith("1"), said[1:] or "the probe died"


def _answer(writing: int) -> NoReturn:
    """In the child, which may hang in the kernel or die: say 1 or 0 and the line."""
    try:
        said = "1" + run_guest()
    except (NotUsable, OSError, ValueError) as error:
        said = f"0{error}"
    os.write(writing, said.encode())
    os._exit(0)


def main() -> int:
    """Print the outcome; return the exit code."""
    usable, why = probe()
    sys.stdout.write(f"{'kvm' if usable else 'tcg'}: {why}\n")
    return 0 if usable else 1


if __name__ == "__main__":
    sys.exit(main())
