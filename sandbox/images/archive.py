"""Image archives in the format of `docker save`, written by hand: layers from tar files, one archive for all images.

Source: Docker Image Specification v1.2, "Combined Image JSON + Filesystem Changeset Format".
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: One creation time for all stand-ins, so that equal content gives an equal image id.
CREATED = "2024-01-01T00:00:00Z"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class LayerTar:
    """A finished layer: an uncompressed tar file and its digest (64 hex digits)."""

    path: Path
    digest: str


@dataclass(frozen=True)
class ImageEntry:
    """One image of an archive: its tags, its `config` object, its layers (lowest first) and what made each."""

    tags: tuple[str, ...]
    config: dict[str, object]
    layers: tuple[LayerTar, ...]
    steps: tuple[str, ...]


def finish_layer(path: Path) -> LayerTar:
    """Digest a layer's tar file."""
    with path.open("rb") as file:
        return LayerTar(path, hashlib.file_digest(file, "sha256").hexdigest())


def write_difference(upper: Path, lower: Path | None, target: Path, subtree: str = "") -> LayerTar:
    """Write the layer that turns the tree of `lower` into the tree of `upper` (both tar files) to `target`.

    Entries that are equal in both are left out. Nothing is ever deleted: every upper tree holds more packages, and no
    fewer, than the lower one. With `subtree`, only that folder of `upper`, as the root of the layer.
    """
    known = {name: print_ for name, print_, _, _ in _entries(lower, "")} if lower else {}
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as output:
        for name, fingerprint, member, content in _entries(upper, subtree):
            if known.get(name) != fingerprint:
                output.addfile(member, io.BytesIO(content) if member.isreg() else None)
    return finish_layer(target)


def _entries(
    path: Path, subtree: str
) -> Iterator[tuple[str, tuple[object, ...], tarfile.TarInfo, bytes]]:
    """Name, fingerprint, member and content of each entry. Devices are left out: the engine makes /dev itself."""
    with tarfile.open(path) as tar:
        for member in tar:
            name = member.name.removeprefix("./").strip("/")
            if subtree:
                if not name.startswith(f"{subtree}/"):
                    continue
                name = name.removeprefix(f"{subtree}/")
            if name in ("", ".") or member.isdev() or name.startswith("dev/"):
                continue
            member.name = name
            # The machines that share the seed have ranges of user ids of their own: only root
            # is the same uid of the host in all of them, any other would be seen as nobody.
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            if member.islnk():
                member.linkname = member.linkname.removeprefix("./")
            file = tar.extractfile(member) if member.isreg() else None
            content = file.read() if file else b""
            kind = (member.type, member.mode, member.uid, member.gid, member.linkname)
            yield name, (*kind, hashlib.sha256(content).digest()), member, content


def write_archive(images: Iterable[ImageEntry], machine: str, target: Path) -> None:
    """Write one `docker load` archive with all `images`; a layer that several share is in it once."""
    manifest: list[dict[str, object]] = []
    written: set[str] = set()
    with tarfile.open(target, "w") as output:
        for image in images:
            config = _config_bytes(image, _ARCHITECTURES.get(machine, machine))
            config_name = hashlib.sha256(config).hexdigest() + ".json"
            _add(output, config_name, config)
            for layer in image.layers:
                if layer.digest not in written:
                    output.add(layer.path, f"{layer.digest}/layer.tar")
                    written.add(layer.digest)
            names = [f"{layer.digest}/layer.tar" for layer in image.layers]
            manifest.append({"Config": config_name, "RepoTags": list(image.tags), "Layers": names})
        _add(output, "manifest.json", json.dumps(manifest).encode())


def _config_bytes(image: ImageEntry, architecture: str) -> bytes:
    history: list[dict[str, object]] = [
        {"created": CREATED, "created_by": step} for step in image.steps
    ]
    # What only sets configuration makes no layer, as after `CMD` in a Dockerfile.
    command = json.dumps(image.config.get("Cmd", []))
    history.append({"created": CREATED, "created_by": f"CMD {command}", "empty_layer": True})
    document = {
        "architecture": architecture,
        "os": "linux",
        "created": CREATED,
        "config": image.config,
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{layer.digest}" for layer in image.layers],
        },
        "history": history,
    }
    return json.dumps(document, sort_keys=True).encode()


def _add(output: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    output.addfile(entry, io.BytesIO(content))
