"""What the `vm` machine image holds beside QEMU: kernel, guests, agent, bridge, supervisor."""

import shutil
import subprocess
from pathlib import Path

from sandbox.images.compiler import compile_static
from sandbox.images.cpio import write_cpio
from sandbox.images.definitions import GUESTS_PATH, LIBRARY_PATH, SMALL_GUEST_PACKAGES
from sandbox.images.kernel import extract_module, extract_vmlinux, release_of
from sandbox.images.rootfs import Bootstrap, bootstrap
from sandbox.images.stages import stage

_HERE = Path(__file__).parent
_VM = _HERE / "vm"
SUITE = "trixie"
MODULES = ("virtio_mmio",)
#: Folder of our own files in a guest.
OWN = "usr/lib/slipway"


def lay_out_guests(overlay: Path, work: Path, cache: Path) -> None:
    """Make the guests, with everything around them, as part of the machine image's own files."""
    library = overlay / LIBRARY_PATH.lstrip("/")
    shutil.copytree(
        _VM / "machine", library / "machine", ignore=shutil.ignore_patterns("__pycache__")
    )
    compile_static([str(_VM / "bridge.c")], library / "bridge")
    guests = overlay / GUESTS_PATH.lstrip("/")
    guests.mkdir(parents=True)
    packages = unpack_packages(work, cache)
    release = release_of(packages)
    with stage("vm: small guest"):
        extract_vmlinux(packages / f"boot/vmlinuz-{release}", guests / "vmlinux")
        modules = []
        for name in MODULES:
            module = work / f"{name}.ko"
            extract_module(packages, release, name, module)
            modules.append((f"{OWN}/{module.name}", module, 0o644))
        root = small_guest(packages, work)
        write_cpio(root, guests / "small.cpio", modules)
    (guests / "kernel-release").write_text(f"{release}\n")
    for path in guests.iterdir():
        path.chmod(0o644)


def unpack_packages(work: Path, cache: Path) -> Path:
    """The folder with the small guest's packages, unpacked."""
    tree = work / "guest-packages"
    if tree.exists():
        return tree
    request = Bootstrap("guest-packages", SUITE, SMALL_GUEST_PACKAGES, unpack_only=True)
    with stage(f"vm: unpack {len(SMALL_GUEST_PACKAGES)} packages of the small guest"):
        tar = bootstrap(request, work, cache)
        tree.mkdir()
        command = ["tar", "-x", "-C", str(tree), "--exclude=./dev/*", "-f", str(tar)]
        subprocess.run(command, check=True)
        tar.unlink()
    return tree


def small_guest(packages: Path, work: Path) -> Path:
    """The root folder of the small guest; the same tree for the VM and for a container."""
    files = work / "small-guest-files"
    shutil.copytree(_VM / "small", files)
    for folder in ("usr/share/slipway", "etc/skel"):
        shutil.copytree(_HERE / "common" / folder, files / folder, dirs_exist_ok=True)
    compile_static(sorted(str(file) for file in (_VM / "agent").glob("*.c")), files / OWN / "agent")
    for path in files.rglob("*"):
        executable = path.is_dir() or bool(path.stat().st_mode & 0o100)
        path.chmod(0o755 if executable else 0o644)
    script = ["sh", "-eu", str(_VM / "guest-small.sh"), str(packages), str(files)]
    subprocess.run(script, check=True)
    return packages / "guest"
