"""How QEMU is started, and the few things it is asked for afterwards.

Source: QEMU documentation, "microvm machine", "Migration", "QEMU QMP Reference Manual".
"""

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = "/usr/bin/qemu-system-x86_64"
GUESTS = Path("/usr/lib/slipway/guests")
MIB = 1024 * 1024
# Why each: no `quiet`, the boot is worth seeing; `panic=-1`, a guest that panicked ends QEMU;
# no mitigations, nobody but its one learner is in the guest; cryptomgr.notests, a third of an
# emulated boot; memory that nobody had before needs no clearing at each use.
KERNEL_WORDS = "console=ttyS0 panic=-1 mitigations=off loglevel=6 cryptomgr.notests init_on_alloc=0"
# Self-tests of ciphers, and certificates for signed modules and keyrings: half a second of an emulated
# boot (`initcall_debug`), and nothing in a guest uses them.
NOT_AT_BOOT = "crypto_kdf108_init,jent_mod_init,init_encrypted,load_system_certificate_list"
# Without them an emulated boot hangs now and then, when the kernel measures its clocks.
EMULATED_WORDS = "no_timer_check tsc_early_khz=2400000 lpj=4800000"
# The kernel takes this board, which has no legacy hardware in its ACPI tables, for one without an old
# interrupt controller, and never sets it up. Where it is there all the same, its timer's first tick can
# arrive as interrupt 0, "divide error", the moment interrupts are let in: the guest panics before its
# console. The clocks that remain are enough, since the words above say how fast they are.
EMULATED_BOARD = ",pic=off,pit=off"
# Its own filter beside the container's: nothing it has to do later needs any of these.
CONFINED = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"


# The machine has no more room: the guest sees a failing disk, and does not stand still.
TOLD = "werror=report,rerror=report"


@dataclass(frozen=True)
class Size:
    """A guest as the image holds it: memory, and what is booted."""

    name: str
    memory_bytes: int
    initrd: Path
    kernel_words: str
    disk: Path | None = None
    translation_mib: int = 32


SIZES = {
    "small": Size("small", 128 * MIB, GUESTS / "small.cpio", "rdinit=/sbin/init"),
    "full": Size(
        "full",
        256 * MIB,
        GUESTS / "full-boot.cpio",
        "rw",
        disk=GUESTS / "full.qcow2",
        translation_mib=64,
    ),
}


@dataclass(frozen=True)
class Ports:
    """Sockets that QEMU connects to: the serial console, the control port, its monitor."""

    serial: Path
    control: Path
    monitor: Path


@dataclass(frozen=True)
class Start:
    """One start of a guest. `memory_file`: where its memory lies; `restore`: it is a snapshot's,
    to be mapped and never written. `overlay`: the disk that takes what the guest writes."""

    size: Size
    accelerator: str
    ports: Ports
    memory_file: Path | None = None
    restore: bool = False
    overlay: Path | None = None
    more_kernel_words: str = ""


def command(start: Start) -> list[str]:
    """The whole command line."""
    memory = start.size.memory_bytes
    machine = "microvm" + (EMULATED_BOARD if start.accelerator == "tcg" else "")
    words = [PROGRAM, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    words += ["-sandbox", CONFINED, "-m", f"{memory // MIB}M"]
    if start.memory_file:
        machine += ",memory-backend=ram"
        mode = "share=off,readonly=on,rom=off" if start.restore else "share=on"
        words += [
            "-object",
            f"memory-backend-file,id=ram,size={memory},mem-path={start.memory_file},{mode}",
        ]
    words += ["-M", machine, *_accelerator(start)]
    words += _port("serial", start.ports.serial) + ["-serial", "chardev:serial"]
    words += _port("monitor", start.ports.monitor) + ["-mon", "chardev=monitor,mode=control"]
    words += _port("control", start.ports.control)
    words += ["-device", "virtio-serial-device"]
    words += ["-device", "virtserialport,chardev=control,name=slipway.control"]
    if start.overlay:
        words += ["-drive", f"if=none,id=disk,format=qcow2,file={start.overlay},{TOLD}"]
        words += ["-device", "virtio-blk-device,drive=disk"]
    if start.restore:
        return [*words, "-incoming", "defer"]
    return words + ["-kernel", str(GUESTS / "vmlinux"), *_boot(start)]


def _boot(start: Start) -> list[str]:
    own = f"initcall_blacklist={NOT_AT_BOOT}"
    if start.accelerator == "tcg":
        own += f" {EMULATED_WORDS}"
    line = f"{KERNEL_WORDS} {own} {start.size.kernel_words} {start.more_kernel_words}"
    return ["-initrd", str(start.size.initrd), "-append", " ".join(line.split())]


def _accelerator(start: Start) -> list[str]:
    if start.accelerator == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    # Without the virtualisation that this model would show and nobody can use.
    return ["-accel", f"tcg,tb-size={start.size.translation_mib}", "-cpu", "qemu64,-svm"]


def _port(name: str, path: Path) -> list[str]:
    return ["-chardev", f"socket,id={name},path={path},server=off"]


class MonitorError(Exception):
    """QEMU refused, in its own words."""


class Monitor:
    """The machine protocol (QMP) of one QEMU."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._asked: deque[tuple[str, asyncio.Future[Any]]] = deque()
        self._lock = asyncio.Lock()
        # Why the guest's processor stopped for good, in QMP's word: "guest-reset", "guest-shutdown", …
        self.shutdown_reason = ""

    async def begin(self) -> None:
        """Take QEMU's greeting and say that we can speak. Call `listen` from then on."""
        await self._reader.readline()
        self._writer.write(b'{"execute": "qmp_capabilities"}\n')
        await self._reader.readline()

    async def listen(self) -> None:
        """Read answers and events until QEMU ends."""
        while line := await self._reader.readline():
            said = json.loads(line)
            if said.get("event") == "SHUTDOWN":
                self.shutdown_reason = said["data"].get("reason", "")
            elif "event" not in said and self._asked:
                what, answer = self._asked.popleft()
                self._settle(what, answer, said)
        for what, answer in self._asked:
            self._settle(what, answer, {"error": {"desc": "QEMU has ended"}})

    def _settle(self, what: str, answer: "asyncio.Future[Any]", said: dict[str, Any]) -> None:
        if answer.done():
            return
        if "error" in said:
            answer.set_exception(MonitorError(f"{what}: {said['error']['desc']}"))
        else:
            answer.set_result(said.get("return"))

    async def ask(self, what: str, **arguments: Any) -> Any:
        """Run one command and return its answer. Raises MonitorError."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        async with self._lock:
            self._asked.append((what, answer))
            request = {"execute": what, "arguments": arguments}
            self._writer.write(json.dumps(request).encode() + b"\n")
            await self._writer.drain()
        return await answer

    async def _share_memory_file(self) -> None:
        # The memory is the file itself: only the devices' state goes through the stream.
        wanted = [{"capability": "x-ignore-shared", "state": True}]
        await self.ask("migrate-set-capabilities", capabilities=wanted)

    async def save(self, state: Path) -> None:
        """Write the devices' state to `state`; the guest stands still afterwards."""
        await self._share_memory_file()
        await self.ask("migrate", uri=f"file:{state}")
        await self._migrated("saving")

    async def restore(self, state: Path) -> None:
        """Load what `save` wrote; the guest goes on where it was. Raises MonitorError."""
        await self._share_memory_file()
        await self.ask("migrate-incoming", uri=f"file:{state}")
        await self._migrated("loading")

    async def _migrated(self, what: str) -> None:
        while True:
            found = await self.ask("query-migrate")
            status = found.get("status")
            if status == "completed":
                return
            if status in ("failed", "cancelled"):
                raise MonitorError(f"{what} the state: {found.get('error-desc', status)}")
            await asyncio.sleep(0.01)
