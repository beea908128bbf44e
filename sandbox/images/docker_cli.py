"""The engine, by its command line client: the build runs before any Python package is installed."""

import subprocess
from collections.abc import Sequence
from typing import IO

from sandbox.images.stages import BuildError


def docker(*arguments: str, stdin: IO[bytes] | None = None, check: bool = True) -> str:
    """Run `docker ARGUMENTS` and return its stdout without the final newline.

    Raises BuildError with the client's own words when it fails, unless `check` is False (then "" is returned).
    """
    try:
        done = subprocess.run(
            ["docker", *arguments],
            stdin=stdin or subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise BuildError(
            "the docker client is not installed", "install docker.io (Debian, Ubuntu)"
        ) from error
    if done.returncode == 0:
        return done.stdout.decode(errors="replace").rstrip("\n")
    if not check:
        return ""
    said = done.stderr.decode(errors="replace").strip()
    raise BuildError(
        f"docker {arguments[0]} failed: {said}", "is the engine running, and DOCKER_HOST right?"
    )


def image_exists(reference: str) -> bool:
    """Is this image on the engine?"""
    return bool(docker("image", "ls", "--quiet", reference))


def volume_exists(name: str) -> bool:
    """Is there a volume of exactly this name?"""
    return bool(docker("volume", "inspect", "--format", "{{.Name}}", name, check=False))


def import_image(tar: str, reference: str, changes: Sequence[str]) -> None:
    """Make an image from a root file system's tar. The tag comes last, so a failed import leaves no name behind."""
    options = [part for change in changes for part in ("--change", change)]
    image_id = docker("import", *options, tar)
    docker("tag", image_id, reference)
