"""What the `vm` machine image holds beside QEMU: kernel, guests, agent, bridge, supervisor."""

import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox.images.compiler import compile_static
from sandbox.images.cpio import write_cpio
from sandbox.images.definitions import (
    FULL_GUEST_DISK_MIB,
    FULL_GUEST_PACKAGES,
    GUESTS_PATH,
    LIBRARY_PATH,
    SMALL_GUEST_PACKAGES,
)
from sandbox.images.kernel import extract_module, extract_vmlinux, release_of
from sandbox.images.rootfs import Bootstrap, bootstrap
from sandbox.images.stages import stage

_HERE = Path(__file__).parent
_VM = _HERE / "vm"
SUITE = "trixie"
#: What the kernel needs beyond itself to see the control port, and the full guest's disk.
MODULES = ("virtio_mmio", "virtio_blk")
#: Folder of our own files in a guest.
OWN = "usr/lib/slipway"
# The seed and the machine image are built side by side, and both want the small guest.
_small_guest = threading.Lock()


def lay_out_guests(overlay: Path, work: Path, cache: Path) -> None:
    """Make the guests, with everything around them, as part of the machine image's own files."""
    library = overlay / LIBRARY_PATH.lstrip("/")
    shutil.copytree(
        _VM / "machine", library / "machine", ignore=shutil.ignore_patterns("__pycache__")
    )
    compile_static([str(_VM / "bridge.c")], library / "bridge")
    agent = work / "agent"
    compile_static(sorted(str(file) for file in (_VM / "agent").glob("*.c")), agent)
    guests = overlay / GUESTS_PATH.lstrip("/")
    guests.mkdir(parents=True)
    with ThreadPoolExecutor(max_workers=1) as aside:
        full = aside.submit(_full_guest, agent, work, cache, guests / "full.ext4")
        packages = small_guest(work, cache)
        _boot_files(packages, agent, work, guests)
        full.result()
    for path in guests.iterdir():
        path.chmod(0o644)


def _boot_files(packages: Path, agent: Path, work: Path, guests: Path) -> None:
    """Kernel and initial file systems: the small guest whole, and the full one's first program."""
    release = release_of(packages)
    with stage("vm: kernel and initial file systems"):
        extract_vmlinux(packages / f"boot/vmlinuz-{release}", guests / "vmlinux")
        modules = []
        for name in MODULES:
            module = work / f"{name}.ko"
            extract_module(packages, release, name, module)
            modules.append((f"{OWN}/{module.name}", module, 0o644))
        own = (f"{OWN}/agent", agent, 0o755)
        write_cpio(packages / "guest", guests / "small.cpio", [own, modules[0]])
        write_cpio(_boot_root(packages / "guest", work), guests / "full-boot.cpio", modules)
    (guests / "kernel-release").write_text(f"{release}\n")


def _boot_root(small: Path, work: Path) -> Path:
    """busybox, what it is linked with, and our first program."""
    root = work / "full-boot"
    shutil.copytree(_VM / "boot", root)
    for folder in ("dev", "proc", "root", OWN, "usr/bin"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for link in ("lib", "lib64"):
        (root / link).symlink_to(f"usr/{link}")
    libraries = [path for path in small.rglob("*.so*") if path.name.startswith(("lib", "ld-"))]
    for file in [small / "usr/bin/busybox", *libraries]:
        target = root / file.relative_to(small)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    return root


def _full_guest(agent: Path, work: Path, cache: Path, disk: Path) -> None:
    """The full guest's disk, an ext4 image; the machine image's script packs it."""
    files = work / "full-guest-files"
    shutil.copytree(_VM / "full", files)
    shutil.copytree(_HERE / "common", files, dirs_exist_ok=True)
    (files / OWN).mkdir(parents=True, exist_ok=True)
    shutil.copy(_VM / "small/etc/shadow", files / OWN / "shadow")
    _plain_modes(files)
    shutil.copy(agent, files / OWN / "agent")
    script = _VM / "guest-full.sh"
    request = Bootstrap("guest-full", SUITE, FULL_GUEST_PACKAGES, files, script)
    with stage(f"vm: full guest with {len(FULL_GUEST_PACKAGES)} packages"):
        tar = bootstrap(request, work, cache)
        tree = _unpack(tar, work / "full-guest")
        # An empty one is filled at each start; none at all would make every start the first.
        (tree / "etc/machine-id").touch()
        with disk.open("wb") as image:
            image.truncate(FULL_GUEST_DISK_MIB * 1024 * 1024)
        command = ["mkfs.ext4", "-q", "-F", "-m", "0", "-d", str(tree), str(disk)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        shutil.rmtree(tree)


def _unpack(tar: Path, tree: Path) -> Path:
    tree.mkdir()
    command = ["tar", "-x", "-C", str(tree), "--exclude=./dev/*", "-f", str(tar)]
    subprocess.run(command, check=True)
    tar.unlink()
    return tree


def small_guest(work: Path, cache: Path) -> Path:
    """The folder with the small guest's packages, unpacked, and its root in `guest`, once per build.

    The same root is what the VM boots and what a container image of it holds; the VM adds its
    agent and modules.
    """
    with _small_guest:
        tree = work / "guest-packages"
        if tree.exists():
            return tree
        request = Bootstrap("guest-packages", SUITE, SMALL_GUEST_PACKAGES, unpack_only=True)
        with stage(f"small guest of {len(SMALL_GUEST_PACKAGES)} packages"):
            _unpack(bootstrap(request, work, cache), tree)
            files = work / "small-guest-files"
            shutil.copytree(_VM / "small", files)
            for folder in ("usr/share/slipway", "etc/skel"):
                shutil.copytree(_HERE / "common" / folder, files / folder, dirs_exist_ok=True)
            _plain_modes(files)
            script = ["sh", "-eu", str(_VM / "guest-small.sh"), str(tree), str(files)]
            subprocess.run(script, check=True)
        return tree


def _plain_modes(folder: Path) -> None:
    for path in folder.rglob("*"):
        executable = path.is_dir() or bool(path.stat().st_mode & 0o100)
        path.chmod(0o755 if executable else 0o644)
