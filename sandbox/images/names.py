"""Names of images and volumes. Each holds a hash of what goes in, so a name says whether it is up to date."""

import functools
import hashlib
from pathlib import Path

from sandbox.images.definitions import (
    DOCKER,
    FULL_GUEST_DISK_MIB,
    FULL_GUEST_PACKAGES,
    MACHINE_IMAGES,
    SEED,
    SHELL,
    SMALL_GUEST_PACKAGES,
    VM,
)
from sandbox.images.standins import BOOTSTRAPPED, FILES, STAND_INS, SUITE

_HERE = Path(__file__).parent
REPOSITORY = "slipway"
SEED_VOLUME_PREFIX = "slipway-seed-"
#: Snapshots of guests, made on the host by the platform; another image, other snapshots.
SNAPSHOT_VOLUME_PREFIX = "slipway-snapshots-"

#: Raise it when the code of the build changes what an image holds: code itself is not hashed, so
#: that tidying it up rebuilds nothing.
BUILD_REVISION = 3

#: Files and folders (of this package) that each product is made of.
_INPUTS: dict[str, tuple[str, ...]] = {
    SHELL: ("init", "common", "shell", "rootfs-clean.sh", "wheels.txt"),
    DOCKER: ("init", "common", "docker/rootfs", "docker/customize.sh", "rootfs-clean.sh"),
    VM: ("init", "common", "vm", "rootfs-clean.sh"),
    SEED: (
        "standins",
        "vm/small",
        "vm/guest-small.sh",
        "common/usr/share/slipway",
        "common/etc/skel",
        "rootfs-clean.sh",
        "wheels.txt",
        "docker/rootfs/usr/local/lib/slipway/make-skeleton",
    ),
}

#: What each product is defined by, beside its files. The seed is a data root of the docker machine's
#: engine: other engine packages, other seed.
_DEFINITIONS: dict[str, object] = {
    **MACHINE_IMAGES,
    VM: (MACHINE_IMAGES[VM], SMALL_GUEST_PACKAGES, FULL_GUEST_PACKAGES, FULL_GUEST_DISK_MIB),
    SEED: (
        MACHINE_IMAGES[DOCKER].packages,
        SMALL_GUEST_PACKAGES,
        SUITE,
        BOOTSTRAPPED,
        FILES,
        STAND_INS,
    ),
}


@functools.cache
def content_hash(product: str) -> str:
    """12 hex digits over everything that `product` ("shell", "docker", "vm" or "seed") is made from."""
    digest = hashlib.sha256(f"{BUILD_REVISION} {_DEFINITIONS[product]!r}".encode())
    for name in _INPUTS[product]:
        path = _HERE / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if not file.is_file() or file.name == "README.md" or file.suffix == ".pyc":
                continue
            executable = bool(file.stat().st_mode & 0o100)
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            line = f"{file.relative_to(_HERE).as_posix()} {executable} {content}\n"
            digest.update(line.encode())
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
