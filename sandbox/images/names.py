"""Names of images and volumes. Each holds a hash of what goes in, so a name says whether it is up to date."""

import functools
import hashlib
from pathlib import Path

from sandbox.images.definitions import DOCKER, MACHINE_IMAGES, SEED, SHELL

_HERE = Path(__file__).parent
REPOSITORY = "slipway"
SEED_VOLUME_PREFIX = "slipway-seed-"

#: Files and folders (of this package) that each product is made of, beside its definition.
_INPUTS: dict[str, tuple[str, ...]] = {
    SHELL: ("init", "common", "shell", "rootfs.py", "rootfs-clean.sh", "wheels.txt"),
    DOCKER: ("init", "common", "docker/rootfs", "docker/customize.sh", "rootfs.py", "rootfs-clean.sh"),
    SEED: ("standins", "standins.py", "archive.py", "rootfs-clean.sh", "wheels.txt", "wheels.py", "seed.py"),
}


@functools.cache
def content_hash(product: str) -> str:
    """12 hex digits over everything that `product` ("shell", "docker" or "seed") is made from."""
    digest = hashlib.sha256()
    # The seed is a data root of the docker machine's engine: other engine packages, other seed.
    definition = MACHINE_IMAGES[DOCKER].packages if product == SEED else MACHINE_IMAGES[product]
    digest.update(repr(definition).encode())
    for name in _INPUTS[product]:
        path = _HERE / name
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            if file.suffix == ".pyc" or file.name == "README.md":
                continue
            executable = bool(file.stat().st_mode & 0o100)
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{file.relative_to(_HERE).as_posix()} {executable} {content}\n".encode())
    return digest.hexdigest()[:12]


def image_ref(kind: str) -> str:
    """The image of a kind of machine, "slipway/shell:<hash>". Raises KeyError for an unknown kind."""
    if kind not in MACHINE_IMAGES:
        raise KeyError(f"no machine image for kind {kind!r}; known: {', '.join(MACHINE_IMAGES)}")
    return f"{REPOSITORY}/{kind}:{content_hash(kind)}"


def seed_volume() -> str:
    """The volume with the inner engine's images, to be mounted read-only at /seed-images."""
    return SEED_VOLUME_PREFIX + content_hash(SEED)


def seed_marker_ref() -> str:
    """An empty image that exists only once the seed volume is complete: a volume itself can't be renamed last."""
    return f"{REPOSITORY}/{SEED}:{content_hash(SEED)}"
