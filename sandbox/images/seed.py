"""The seed: a volume that holds a finished data root of the learner's engine, with every stand-in image in it.

Made by the docker machine itself, once: its engine loads the images into the new volume and stops. From then on the
volume is only ever mounted read-only, and each machine links to it (see `docker/rootfs/.../engine`).
"""

import platform
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from sandbox.images.archive import (
    ImageEntry,
    LayerTar,
    finish_layer,
    write_archive,
    write_difference,
)
from sandbox.images.definitions import DOCKER, LIBRARY_PATH
from sandbox.images.docker_cli import docker, import_image, volume_exists
from sandbox.images.names import image_ref, seed_marker_ref, seed_volume
from sandbox.images.rootfs import Bootstrap, bootstrap
from sandbox.images.stages import BuildError, stage
from sandbox.images.standins import (
    BOOTSTRAPPED,
    FILES,
    GUEST,
    HELLO,
    STAND_INS,
    SUITE,
    Layer,
    image_config,
)
from sandbox.images.vm_guests import small_guest
from sandbox.images.wheels import fetch, write_index

_HERE = Path(__file__).parent
_FILES = _HERE / "standins"
_SECCOMP = _HERE / "docker" / "seccomp.json"
_DATA_ROOT = "/home/learner/.local/share/docker"
_READY_SECONDS = 60.0

Submit = Callable[..., "Future[Path]"]


@dataclass(frozen=True)
class Preparation:
    """What the seed is filled from; `trees` are bootstraps that may still run."""

    work: Path
    cache: Path
    trees: dict[str, "Future[Path]"]


def prepare(work: Path, cache: Path, submit: Submit) -> Preparation:
    """Start the bootstraps of the stand-ins' layers with `submit` (a thread pool's)."""
    trees: dict[str, Future[Path]] = {}
    for layer in BOOTSTRAPPED:
        # The lower tree was submitted before, so it runs or is done by the time a thread waits for it.
        trees[layer.name] = submit(_bootstrap_layer, layer, trees.get(layer.below), work, cache)
    trees[GUEST] = submit(_guest_tree, work, cache)
    return Preparation(work, cache, trees)


def fill_volume(preparation: Preparation) -> str:
    """Make the seed volume and return its name. The docker machine image must exist.

    A marker image is written last; a volume without one is unfinished and is made anew.
    """
    archive = _write_images(preparation)
    index = preparation.work / "pip.tar"
    with stage("seed: package index"):
        _write_pip_tar(preparation, index)
    volume = seed_volume()
    if volume_exists(volume):
        _remove_unfinished(volume)
    docker("volume", "create", "--label", "org.slipway.seed=1", volume)
    try:
        with stage(f"seed: load {len(STAND_INS)} images into {volume}"):
            _load(volume, archive, index)
        _mark_complete(preparation.work)
    except BaseException:
        docker("volume", "rm", volume, check=False)
        raise
    return volume


def _remove_unfinished(volume: str) -> None:
    """Left by a build that was killed, or made empty by the engine for a container that named it too early."""
    try:
        docker("volume", "rm", volume)
    except BuildError as error:
        users = docker(
            "ps", "--all", "--format", "{{.Names}}", "--filter", f"volume={volume}"
        ).split()
        names = " ".join(users)
        raise BuildError(
            f"the unfinished seed volume {volume} is in use by: {names}", f"docker rm -f {names}"
        ) from error


def _bootstrap_layer(layer: Layer, below: "Future[Path] | None", work: Path, cache: Path) -> Path:
    base = below.result() if below else None
    request = Bootstrap(
        f"stand-in-{layer.name}", SUITE, layer.packages, script=_FILES / layer.script, base=base
    )
    with stage(f"seed: {layer.name} tree"):
        return bootstrap(request, work, cache)


def _guest_tree(work: Path, cache: Path) -> Path:
    tar = work / "guest.tar"
    command = ["tar", "-c", "--sort=name", "--mtime=@1700000000", "-f", str(tar)]
    subprocess.run([*command, "-C", str(small_guest(work, cache) / "guest"), "."], check=True)
    return tar


def _write_images(preparation: Preparation) -> Path:
    trees = {name: future.result() for name, future in preparation.trees.items()}
    archive = preparation.work / "seed.tar"
    with stage("seed: layers"):
        layers = _make_layers(trees, preparation.work)
        entries = [
            ImageEntry(
                tags=image.tags,
                config=image_config(image),
                layers=tuple(layers[name] for name in image.layers),
                steps=tuple(f"stand-in layer: {name}" for name in image.layers),
            )
            for image in STAND_INS
        ]
        write_archive(entries, platform.machine(), archive)
    return archive


def _make_layers(trees: dict[str, Path], work: Path) -> dict[str, LayerTar]:
    layers: dict[str, LayerTar] = {}
    for layer in BOOTSTRAPPED:
        lower = trees[layer.below] if layer.below and not layer.subtree else None
        layers[layer.name] = write_difference(
            trees[layer.name], lower, work / f"{layer.name}.layer", layer.subtree
        )
    layers[GUEST] = write_difference(trees[GUEST], None, work / "guest.layer")
    for name in FILES:
        layers[name] = _pack(_FILES / name, work / f"{name}.layer")
    program = work / "hello" / "hello"
    program.parent.mkdir()
    source = _FILES / HELLO / "hello.c"
    subprocess.run(["gcc", "-static", "-Os", "-s", "-o", str(program), str(source)], check=True)
    layers[HELLO] = _pack(program.parent, work / "hello.layer")
    return layers


def _pack(folder: Path, target: Path) -> LayerTar:
    """A layer with the files of `folder`, owned by root, with one fixed time."""

    def neutral(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = 1_700_000_000
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with tarfile.open(target, "w") as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, path.relative_to(folder).as_posix(), recursive=False, filter=neutral)
    return finish_layer(target)


def _write_pip_tar(preparation: Preparation, target: Path) -> None:
    folder = preparation.work / "pip"
    write_index(fetch(preparation.cache), folder / "pip")
    with tarfile.open(target, "w") as tar:
        tar.add(folder, ".")
    shutil.rmtree(folder)


def _load(volume: str, archive: Path, index: Path) -> None:
    """Run the machine's engine on the volume, give it the images, stop it, and leave the skeleton for the machines."""
    name = f"slipway-seeding-{int(time.time())}"
    options = [
        "--cap-drop=ALL",
        "--cap-add=SETUID",
        "--cap-add=SETGID",
        f"--security-opt=seccomp={_SECCOMP}",
    ]
    options += [
        "--security-opt=systempaths=unconfined",
        "--security-opt=apparmor=unconfined",
        "--network=none",
    ]
    options += [
        "--device=/dev/net/tun",
        f"--volume={volume}:{_DATA_ROOT}",
        "--env=SLIPWAY_CGROUP_TRIES=0",
    ]
    # Long enough for the engine to finish its own stop before everything is killed.
    options += ["--env=SLIPWAY_STOP_SECONDS=20", "--tty"]
    docker("run", "--detach", "--name", name, *options, image_ref(DOCKER))
    try:
        _wait_ready(name)
        with archive.open("rb") as images:
            docker("exec", "--interactive", name, "docker", "load", "--quiet", stdin=images)
        with index.open("rb") as files:
            command = f"mkdir -p {_DATA_ROOT}/slipway && tar -x -f - -C {_DATA_ROOT}/slipway"
            docker("exec", "--interactive", name, "sh", "-ec", command, stdin=files)
        docker(
            "exec",
            name,
            f"{LIBRARY_PATH}/enter",
            "sh",
            "-ec",
            f"exec {LIBRARY_PATH}/make-skeleton {_DATA_ROOT}",
        )
        docker("stop", "--time", "25", name)
    finally:
        docker("rm", "--force", "--volumes", name, check=False)


def _wait_ready(name: str) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        if (
            docker(
                "exec",
                name,
                "sh",
                "-c",
                "test -e /run/slipway/service.ready && echo yes",
                check=False,
            )
            == "yes"
        ):
            return
        time.sleep(0.2)
    log = docker("exec", name, "tail", "-n", "15", "/run/slipway/service.log", check=False)
    raise BuildError(
        f"the engine of the docker machine did not start:\n{log}",
        "this host must allow unprivileged user namespaces and have /dev/net/tun",
    )


def _mark_complete(work: Path) -> None:
    empty = work / "empty.tar"
    with tarfile.open(empty, "w"):
        pass
    import_image(str(empty), seed_marker_ref(), [f"LABEL org.slipway.seed-volume={seed_volume()}"])
