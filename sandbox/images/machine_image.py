"""One machine image: compile slipway-init, lay out our files, bootstrap Debian under them, import the result."""

import json
import shutil
from pathlib import Path

from sandbox.images.compiler import compile_static
from sandbox.images.definitions import INIT_PATH, MACHINE_IMAGES, SHELL, VM, MachineImage
from sandbox.images.docker_cli import import_image
from sandbox.images.names import image_ref
from sandbox.images.rootfs import Bootstrap, bootstrap
from sandbox.images.stages import stage
from sandbox.images.vm_guests import lay_out_guests
from sandbox.images.wheels import fetch

_HERE = Path(__file__).parent
INIT_SOURCES = _HERE / "init"


def compile_init(target: Path) -> None:
    """Compile slipway-init, static, to `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sources = sorted(str(file) for file in INIT_SOURCES.glob("*.c"))
    compile_static(sources, target)


def build_machine_image(kind: str, work: Path, cache: Path) -> str:
    """Build the image of `kind` and return its reference. Needs root; `work` is a scratch folder."""
    image = MACHINE_IMAGES[kind]
    overlay = work / f"{kind}-overlay"
    _lay_out(image, overlay, cache)
    if kind == VM:
        lay_out_guests(overlay, work, cache)
    script = _HERE / kind / "customize.sh"
    with stage(f"{kind}: Debian {image.suite} with {len(image.packages)} packages"):
        tar = bootstrap(Bootstrap(kind, image.suite, image.packages, overlay, script), work, cache)
    reference = image_ref(kind)
    with stage(f"{kind}: import as {reference}"):
        import_image(str(tar), reference, _changes(image))
    tar.unlink()
    return reference


def _lay_out(image: MachineImage, overlay: Path, cache: Path) -> None:
    """Our own files of one image, with the modes that matter (git keeps the executable bit only)."""
    for source in (_HERE / "common", _HERE / image.kind / "rootfs"):
        shutil.copytree(source, overlay, dirs_exist_ok=True)
    compile_init(overlay / INIT_PATH.lstrip("/"))
    if image.kind == SHELL:
        wheels = overlay / "usr/share/slipway/wheels"
        wheels.mkdir(parents=True)
        for wheel in fetch(cache):
            shutil.copyfile(wheel, wheels / wheel.name)
    for path in [overlay, *overlay.rglob("*")]:
        executable = path.is_dir() or bool(path.stat().st_mode & 0o100)
        path.chmod(0o755 if executable else 0o644)


def _changes(image: MachineImage) -> list[str]:
    """The image's configuration, as Dockerfile instructions."""
    changes = [f"ENV {name}={value}" for name, value in image.environment]
    changes += [
        "WORKDIR /home/learner",
        "USER 1000:1000",
        f"ENTRYPOINT {json.dumps(list(image.entrypoint))}",
    ]
    changes += [f"LABEL org.slipway.machine={image.kind}"]
    return changes
