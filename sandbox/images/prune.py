"""Removing older versions of the machine images."""

from sandbox.images.definitions import MACHINE_IMAGES, SEED, VM
from sandbox.images.docker_cli import docker
from sandbox.images.names import (
    REPOSITORY,
    SEED_VOLUME_PREFIX,
    SNAPSHOT_VOLUME_PREFIX,
    image_ref,
    seed_marker_ref,
    seed_volume,
)
from sandbox.images.stages import note


def prune_old() -> None:
    """Remove images and seed volumes of older versions. The engine itself refuses those that a container uses."""
    current = {image_ref(kind) for kind in MACHINE_IMAGES} | {seed_marker_ref()}
    names = [f"{REPOSITORY}/{name}" for name in (*MACHINE_IMAGES, SEED)]
    for name in names:
        for reference in docker(
            "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", name
        ).split():
            if reference not in current:
                _report(reference, docker("image", "rm", reference, check=False))
    for volume in docker(
        "volume", "ls", "--quiet", "--filter", f"name={SEED_VOLUME_PREFIX}"
    ).split():
        if volume.startswith(SEED_VOLUME_PREFIX) and volume != seed_volume():
            _report(volume, docker("volume", "rm", volume, check=False))
    _prune_snapshots()


def _prune_snapshots() -> None:
    current = docker("image", "inspect", "--format", "{{.Id}}", image_ref(VM), check=False)
    kept = SNAPSHOT_VOLUME_PREFIX + current.removeprefix("sha256:")[:12]
    for volume in docker("volume", "ls", "--quiet").split():
        if volume.startswith(SNAPSHOT_VOLUME_PREFIX) and not volume.startswith(kept):
            _report(volume, docker("volume", "rm", volume, check=False))


def _report(name: str, answer: str) -> None:
    note(f"{'removed' if answer else 'in use '}  {name}")
