"""Guests from the platform's side: markers, accelerator, snapshots, initial file systems."""

import stat
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from sandbox import accelerator, engine, guest_snapshots, machines
from sandbox.accelerator import Accelerator
from sandbox.errors import MachineDied, SandboxEngineError
from sandbox.images import cpio, kernel
from sandbox.images.stages import BuildError
from sandbox.markers import Guest, GuestEnded, parse
from sandbox.models import Host, PoolShape
from sandbox.promises import Verdict

SAID = (
    b"guest;pid=131;kernel=6.12.1;boot=b983;hostname=house;accelerator=tcg;how=booted;"
    b"seconds=2.65;hangs=1"
)


def test_a_guests_marker_is_read() -> None:
    assert parse(SAID) == Guest(131, "6.12.1", "b983", "tcg", "booted", 2.65, 1)
    assert parse(b"guest-ended;panicked") == GuestEnded("panicked")


@pytest.mark.parametrize("broken", [b"guest;pid=x", b"guest;pid=1", SAID.replace(b"2.65", b"soon")])
def test_half_a_marker_says_nothing(broken: bytes) -> None:
    assert parse(broken) is None


def host(verdict: str, evidence: str) -> None:
    finding = {"verdict": verdict, "evidence": evidence}
    examination = {"findings": {"kvm": finding}}
    Host.objects.create(name="local", seen_at=timezone.now(), examination=examination)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("verdict", "evidence", "words"),
    [
        (Verdict.BROKEN, "the host has no /dev/kvm", "does not run guests itself"),
        (Verdict.BROKEN, "/dev/kvm is there, but: guest code did not end in 2 s", "trial guest"),
        (Verdict.UNKNOWN, "the engine was away", "was not found out"),
    ],
)
def test_emulation_says_why_in_words(verdict: str, evidence: str, words: str) -> None:
    host(verdict, evidence)
    found = accelerator.of_host()
    assert found.name == "tcg"
    assert found.reason.startswith("Emulated: ")
    assert words in found.reason
    assert len(found.reason) <= 400, "the column"


@pytest.mark.django_db
def test_kvm_is_used_where_a_guest_was_seen_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    host(Verdict.KEPT, "20 million loops in a guest took 9 ms")
    monkeypatch.setattr(accelerator, "_kvm_group", lambda: 108)
    assert accelerator.of_host() == Accelerator("kvm", "", 108)


def test_scripts_reach_the_guest_by_the_machines_command() -> None:
    words = machines.in_guest("root", {"LAB_X": "a b"}, ["/bin/sh", "-c", "x"])
    assert words[1:] == ["run", "--user=root", "--env=LAB_X=a b", "--", "/bin/sh", "-c", "x"]


class Engine:
    """An engine that makes snapshots, or does not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, code: int = 0, gone: bool = False) -> None:
        self.volumes: set[str] = set()
        self.removed: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.code, self.gone = code, gone
        monkeypatch.setattr(engine, "image_id", lambda _: "0123456789abcdef")
        monkeypatch.setattr(engine, "volume_exists", lambda name: name in self.volumes)
        monkeypatch.setattr(engine, "create_volume", lambda name, _: self.volumes.add(name))
        monkeypatch.setattr(engine, "create_container", self._create)
        monkeypatch.setattr(engine, "start_container", lambda _: None)
        monkeypatch.setattr(engine, "end_of", self._end)
        monkeypatch.setattr(engine, "remove_object", lambda _, found: self.removed.append(found))

    def _create(self, name: str, body: dict[str, Any]) -> str:
        self.bodies.append(body)
        return name

    def _end(self, _container: str, timeout_seconds: int) -> tuple[int, str]:
        if self.gone:
            raise MachineDied
        return self.code, "no room"


def test_snapshots_are_made_in_a_machines_own_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Engine(monkeypatch)
    guest_snapshots.make(accelerator.NONE)
    (body,) = made.bodies
    config = body["HostConfig"]
    assert (config["CapDrop"], config["ReadonlyRootfs"], config["NetworkMode"]) == (
        ["ALL"],
        True,
        "none",
    )
    (mount,) = config["Mounts"]
    assert mount["Source"] == "slipway-snapshots-0123456789ab"
    assert not mount.get("ReadOnly")
    assert body["Entrypoint"][1:] == ["tcg", "small", "full"]
    assert made.volumes == {"slipway-snapshots-0123456789ab-tcg"}, "the marker comes last"
    assert len(made.removed) == 1
    assert guest_snapshots.are_made(accelerator.NONE)
    assert not guest_snapshots.are_made(Accelerator("kvm"))


def test_snapshots_that_failed_are_not_taken_for_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Engine(monkeypatch, code=1)
    with pytest.raises(SandboxEngineError, match="no room"):
        guest_snapshots.make(accelerator.NONE)
    assert not made.volumes
    assert len(made.removed) == 1


def test_a_second_maker_leaves_it_to_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Engine(monkeypatch, gone=True)
    guest_snapshots.make(accelerator.NONE)
    assert not made.volumes


@pytest.mark.django_db
def test_snapshots_are_due_only_where_lessons_use_guests(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    host(Verdict.BROKEN, "the host has no /dev/kvm")
    calls: list[Accelerator] = []
    monkeypatch.setattr(guest_snapshots, "are_made", lambda _: False)
    monkeypatch.setattr(guest_snapshots, "make", calls.append)
    monkeypatch.setattr(guest_snapshots.hosts, "availability", lambda _: Available())
    guest_snapshots.make_if_due()
    assert not calls
    PoolShape.objects.create(kind="vm", name="house", lessons=1)
    settings.SANDBOX_GUEST_SNAPSHOTS = False
    guest_snapshots.make_if_due()
    assert not calls
    settings.SANDBOX_GUEST_SNAPSHOTS = True
    guest_snapshots.make_if_due()
    assert [call.name for call in calls] == ["tcg"]


class Available:
    available = True


def test_an_initramfs_has_whole_pages_and_its_console(tmp_path: Path) -> None:
    (tmp_path / "root/bin").mkdir(parents=True)
    (tmp_path / "root/bin/sh").write_text("x" * 5000)
    (tmp_path / "root/sbin").symlink_to("bin")
    extra = [("bin/agent", tmp_path / "root/bin/sh", 0o755)]
    target = tmp_path / "out.cpio"
    cpio.write_cpio(tmp_path / "root", target, extra)
    content = target.read_bytes()
    assert len(content) % cpio.PAGE_BYTES == 0
    names = [part.split(b"\0")[0] for part in content.split(b"070701")[1:]]
    assert [name[104:] for name in names] == [
        b"bin", b"bin/sh", b"sbin", b"bin/agent", b"dev/console", b"TRAILER!!!",
    ]  # fmt: skip
    assert b"%08X" % (stat.S_IFREG | 0o755) in content


def test_a_kernel_in_an_unknown_wrapping_is_refused(tmp_path: Path) -> None:
    image = bytearray(1024 * 1024)
    image[0x1F1] = 1
    image[0x248:0x250] = (0).to_bytes(4, "little") + (64).to_bytes(4, "little")
    (tmp_path / "vmlinuz").write_bytes(image)
    with pytest.raises(BuildError, match="unknown"):
        kernel.extract_vmlinux(tmp_path / "vmlinuz", tmp_path / "vmlinux")
