"""What runs around a guest, as far as it needs none: frames, QEMU's command line, memory, watchdog."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.images.vm.machine import bringup, frames, memory, qemu, snapshot, watchdog
from sandbox.images.vm.machine.supervisor import wish_from
from sandbox.images.vm.machine.watchdog import Patience, Watchdog

PORTS = qemu.Ports(Path("/s"), Path("/c"), Path("/m"))


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=300))), st.data())
def test_frames_survive_being_cut_anywhere(
    sent: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(frames.encode(frames.OUTPUT, *one) for one in sent)
    reader, found, at = frames.FrameReader(), [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, 40))
        found += list(reader.feed(stream[at : at + step]))
        at += step
    assert [(frame.channel, frame.payload) for frame in found] == sent


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(frames.BadFrame):
        list(frames.FrameReader().feed(struct.pack("<BII", 79, 1, 2**31)))


def test_a_seed_is_never_shorter() -> None:
    assert len(frames.go(0, os.urandom(64), "house", "auto")) == 8 + 64 + len("house\0auto\0")
    with pytest.raises(ValueError, match="64"):
        frames.go(0, b"short", "house", "auto")


def test_a_program_is_words_that_end_with_zero() -> None:
    payload = frames.run("root", {"A": "b c"}, ["/bin/sh", "-c", "true"])
    assert payload == b"root\x001\x00A=b c\x00/bin/sh\x00-c\x00true\x00"


@pytest.mark.parametrize("size", ["small", "full"])
def test_qemu_is_always_confined_and_without_a_network(size: str) -> None:
    words = qemu.command(qemu.Start(qemu.SIZES[size], "tcg", PORTS))
    assert words[words.index("-sandbox") + 1] == qemu.CONFINED
    assert "spawn=deny" in qemu.CONFINED
    assert {"-nodefaults", "-no-user-config", "-no-reboot"} <= set(words)
    assert not any("net" in word for word in words)
    assert "-incoming" not in words


def test_a_snapshots_memory_is_mapped_and_never_written() -> None:
    start = qemu.Start(qemu.SIZES["small"], "tcg", PORTS, Path("/snapshots/x/memory"), restore=True)
    words = qemu.command(start)
    (backend,) = [word for word in words if word.startswith("memory-backend-file")]
    assert backend.endswith("share=off,readonly=on,rom=off")
    assert words[-2:] == ["-incoming", "defer"]
    assert "-kernel" not in words


def test_only_emulation_gets_the_words_against_hangs() -> None:
    emulated = qemu.command(qemu.Start(qemu.SIZES["small"], "tcg", PORTS))
    native = qemu.command(qemu.Start(qemu.SIZES["small"], "kvm", PORTS))
    assert emulated[emulated.index("-M") + 1] == "microvm,pic=off,pit=off"
    assert native[native.index("-M") + 1] == "microvm"
    assert "no_timer_check" in emulated[-1]
    assert "no_timer_check" not in native[-1]
    assert native[native.index("-accel") + 1] == "kvm"


def test_no_guest_tests_ciphers_at_its_boot() -> None:
    for accelerator in ("tcg", "kvm"):
        line = qemu.command(qemu.Start(qemu.SIZES["full"], accelerator, PORTS))[-1]
        assert f"initcall_blacklist={qemu.NOT_AT_BOOT} " in line
        assert " init_on_alloc=0 " in line


@pytest.mark.skipif(
    not Path(bringup.IMAGE_TOOL).exists(), reason="not run: no qemu-img on this host"
)
def test_the_disk_that_starts_copy_is_above_where_the_snapshot_will_lie(tmp_path: Path) -> None:
    disk, overlay = tmp_path / "disk.qcow2", tmp_path / "overlay.qcow2"
    subprocess.run([bringup.IMAGE_TOOL, "create", "-q", "-f", "qcow2", disk, "3M"], check=True)
    snapshot._lay_out_overlay(disk, Path("/snapshots/full-tcg/disk.qcow2"), overlay)
    info = subprocess.check_output([bringup.IMAGE_TOOL, "info", "-U", overlay], text=True)
    assert "/snapshots/full-tcg/disk.qcow2" in info
    assert "3 MiB" in info


def test_room_is_read_from_either_version_of_control_groups(tmp_path: Path) -> None:
    (tmp_path / "memory.limit_in_bytes").write_text("1000000\n")
    (tmp_path / "memory.usage_in_bytes").write_text("600000\n")
    (tmp_path / "memory.stat").write_text("cache 5\ntotal_inactive_file 100000\n")
    found = memory.room(tmp_path, tmp_path)
    assert (found.limit_bytes, found.used_bytes, found.free_bytes) == (1000000, 500000, 500000)
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("700000\n")
    (tmp_path / "memory.stat").write_text("inactive_file 200000\n")
    found = memory.room(tmp_path, tmp_path)
    assert found.used_bytes == 500000
    assert found.limit_bytes > 64 << 20, "no limit: the machine's memory"


def test_a_process_share_is_the_kernels_own_figure() -> None:
    assert memory.pss_bytes(os.getpid()) > 1 << 20
    assert memory.pss_bytes(2**22 + 1) == 0


class Process:
    """/proc of a process that uses as much time as it is told, in the state it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now(0.0, "R")

    def now(self, processor_seconds: float, state: str) -> None:
        fields = ["1", "(qemu (x))", state, *["0"] * 10, str(int(processor_seconds * 100)), "0"]
        for folder in (self.folder / "7", self.folder / "7/task/7"):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "stat").write_text(" ".join(fields))


@pytest.fixture
def process(tmp_path: Path) -> Process:
    return Process(tmp_path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(watchdog.time, "monotonic", lambda: now[0])
    return now


PATIENCE = Patience(processor_seconds=8, asleep_seconds=25, wall_seconds=120)


def test_a_starved_guest_is_slow_and_not_dead(process: Process, clock: list[float]) -> None:
    dog = Watchdog(7, PATIENCE, process.folder)
    clock[0] += 100
    process.now(2.0, "R")
    assert dog.verdict() == ""


def test_a_guest_that_burns_time_without_a_word_hangs(process: Process, clock: list[float]) -> None:
    dog = Watchdog(7, PATIENCE, process.folder)
    clock[0] += 10
    process.now(7.0, "R")
    assert dog.verdict() == ""
    process.now(9.0, "R")
    assert "processor time" in dog.verdict()
    dog.sign()
    assert dog.verdict() == "", "a sign of life begins a new count"


def test_a_guest_that_sleeps_for_ever_hangs(process: Process, clock: list[float]) -> None:
    dog = Watchdog(7, PATIENCE, process.folder)
    process.now(1.0, "S")
    clock[0] += 20
    assert dog.verdict() == ""
    clock[0] += 10
    assert "asleep" in dog.verdict()


def test_wall_time_is_the_last_bound(process: Process, clock: list[float]) -> None:
    dog = Watchdog(7, PATIENCE, process.folder)
    clock[0] += 121
    assert "no sign of life for 121 s" in dog.verdict()


def test_the_wish_comes_from_the_machines_environment() -> None:
    wish = wish_from({"SLIPWAY_GUEST": "full", "SLIPWAY_LOGIN": "prompt", "LAB_MACHINE": "house"})
    assert (wish.size, wish.console, wish.host_name, wish.accelerator) == (
        "full",
        "prompt",
        "house",
        "tcg",
    )


@pytest.mark.parametrize("name", ["guest", "guests", "snapshot", "supervisor"])
def test_its_commands_need_the_standard_library_only(name: str) -> None:
    package = Path(frames.__file__).parent.parent
    module = {"guest": "client", "guests": "client"}.get(name, name)
    program = f"import sys; sys.path.insert(0, {str(package)!r}); from machine import {module}"
    subprocess.run([sys.executable, "-ISc", program], check=True)


@pytest.mark.parametrize(("faults", "made"), [(0, True), (1, True), (2, False)])
async def test_a_snapshot_whose_boot_hangs_is_begun_again_once(
    monkeypatch: pytest.MonkeyPatch, faults: int, made: bool
) -> None:
    boots: list[str] = []

    async def make(size_name: str, accelerator: str) -> float:
        boots.append(size_name)
        if len(boots) <= faults:
            raise bringup.GuestHung("asleep")
        return 30.0

    monkeypatch.setattr(snapshot, "make", make)
    if made:
        assert await snapshot.make_or_try_again("full", "tcg") == 30.0
    else:
        with pytest.raises(bringup.GuestHung):
            await snapshot.make_or_try_again("full", "tcg")
    assert len(boots) == min(faults + 1, 2)


def test_of_two_who_make_a_snapshot_the_first_one_stays(tmp_path: Path) -> None:
    target = tmp_path / "small-tcg"
    for words in ("first", "second"):
        work = tmp_path / f".small-tcg-{words}"
        work.mkdir()
        (work / "memory").write_text(words)
        snapshot._finish(work, target)
    assert (target / "memory").read_text() == "first"
    assert (target / "complete").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["small-tcg"]
