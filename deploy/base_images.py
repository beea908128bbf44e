"""Base images made from Debian packages, for hosts that reach no registry.

One stand-in per image that the compose file names: the start command, the user id and the
folders are those of the image it stands in for, so the compose file treats both alike.
"""

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sandbox.images.docker_cli import docker, image_exists, import_image
from sandbox.images.rootfs import Bootstrap, bootstrap, check_host
from sandbox.images.stages import stage
from sandbox.images.standins import STAND_IN_LABEL

PREFIX = "slipway/base-"
_SCRIPTS = Path(__file__).parent / "rootfs"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class BaseImage:
    """One base image. `variable` is what the compose file reads its name from.

    `public`: the image of a registry that it stands in for. `script`: run with the
    finished tree as its argument. `changes`: further instructions of a Dockerfile.
    """

    name: str
    variable: str
    public: str
    really: str
    suite: str
    packages: tuple[str, ...]
    command: tuple[str, ...]
    script: str = ""
    changes: tuple[str, ...] = ()


BASE_IMAGES: tuple[BaseImage, ...] = (
    BaseImage(
        name="app",
        variable="BASE_IMAGE",
        public="python:3.11-slim-bookworm",
        really="Debian 12 with its Python 3.11 and venv",
        suite="bookworm",
        packages=("ca-certificates", "python3", "python3-venv"),
        command=("python3",),
        changes=("ENV LANG=C.UTF-8",),
    ),
    BaseImage(
        name="nginx",
        variable="NGINX_IMAGE",
        public="nginx:1.28",
        really="Debian 13 with its nginx-light 1.26 and curl",
        suite="trixie",
        packages=("ca-certificates", "curl", "nginx-light"),
        command=("nginx", "-g", "daemon off;"),
    ),
    BaseImage(
        name="redis",
        variable="REDIS_IMAGE",
        public="redis:8",
        really="Debian 13 with its redis-server 8.0",
        suite="trixie",
        packages=("redis-server",),
        command=("redis-server",),
    ),
    BaseImage(
        name="postgres",
        variable="POSTGRES_IMAGE",
        public="postgres:17",
        really="Debian 13 with its PostgreSQL 17",
        suite="trixie",
        packages=("postgresql-17",),
        command=("postgres",),
        script="postgres.sh",
        changes=(
            f"ENV PATH=/usr/lib/postgresql/17/bin:{_PATH}",
            "ENV PGDATA=/var/lib/postgresql/data",
            "ENV LANG=C.UTF-8",
            'ENTRYPOINT ["/usr/local/bin/postgres-entry"]',
        ),
    ),
)


def reference(image: BaseImage) -> str:
    """Its name on the engine; the tag is a hash of what goes in, so it says what is new."""
    digest = hashlib.sha256(repr(image).encode())
    if image.script:
        for file in sorted(_SCRIPTS.glob(f"{image.name}*")):
            digest.update(file.read_bytes())
    return f"{PREFIX}{image.name}:{digest.hexdigest()[:12]}"


def build_missing(cache: Path) -> dict[str, str]:
    """Build what the engine lacks; return the compose file's variables for all of them.

    `cache` keeps downloaded packages between builds. Raises BuildError.
    """
    missing = [image for image in BASE_IMAGES if not image_exists(reference(image))]
    if missing:
        check_host()
        cache.mkdir(parents=True, exist_ok=True)
    for image in missing:
        _build(image, cache)
    return {image.variable: reference(image) for image in BASE_IMAGES}


def _build(image: BaseImage, cache: Path) -> None:
    script = _SCRIPTS / image.script if image.script else None
    # Beside the cache, so that cached packages become hard links and not copies.
    with (
        tempfile.TemporaryDirectory(
            prefix="base-", dir=cache, ignore_cleanup_errors=True
        ) as folder,
        stage(f"{reference(image)}: {image.really}, stands in for {image.public}"),
    ):
        # mmdebstrap unpacks as root and drops rights to fetch: the folder must be passable.
        Path(folder).chmod(0o755)
        request = Bootstrap(f"base-{image.name}", image.suite, image.packages, script=script)
        tar = bootstrap(request, Path(folder), cache)
        import_image(str(tar), reference(image), _changes(image))


def _changes(image: BaseImage) -> list[str]:
    """The image's configuration, as Dockerfile instructions."""
    changes = (
        [] if any("ENV PATH=" in change for change in image.changes) else [f"ENV PATH={_PATH}"]
    )
    changes += [*image.changes, f"CMD {json.dumps(image.command)}"]
    return [*changes, f"LABEL {STAND_IN_LABEL}={json.dumps(image.really)}"]


def pull_all() -> dict[str, str] | None:
    """Pull the public images; the compose file's variables, or None when one is not to be had."""
    for image in BASE_IMAGES:
        if image_exists(image.public):
            continue
        with stage(f"pulling {image.public}"):
            docker("pull", "--quiet", image.public, check=False)
        if not image_exists(image.public):
            return None
    return {image.variable: image.public for image in BASE_IMAGES}
