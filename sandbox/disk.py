"""What `docker` machines take of the host's disk, and the end of those that take too much.

A volume can be bounded by the engine on few file systems only, so this measures: the data
volume, the container's own layer, and deleted files that a process still holds open, which
no folder shows. Counting files takes time, so it is done when the host's free space says
that somebody may have grown, and once a minute in any case.
"""

import logging
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from sandbox import creation, delegation, engine, sentences
from sandbox.errors import DiskUsedUp, SandboxEngineError
from sandbox.hostconfig import DATA_ROOT
from sandbox.models import USABLE, Machine
from sandbox.specs import limits_of

log = logging.getLogger(__name__)
KIND = "docker"
INSIDE = "/usr/local/lib/slipway/measure"
SCRIPT = Path(__file__).parent / "images" / "docker" / "rootfs" / INSIDE.lstrip("/")
MEASURE_SECONDS = 60
TIMEOUT_SECONDS = 50
# Files cost the host an inode each, whatever is in them.
BYTES_PER_FILE = 16 * 1024


@dataclass(frozen=True)
class Place:
    """Where a machine's data lies: folders of the engine's host, and its PID 1 there."""

    container_id: str
    pid: int
    folders: tuple[str, ...]


@dataclass(frozen=True)
class Usage:
    """What a machine takes; both counts stop a little above the limit."""

    size_bytes: int
    files: int


@dataclass
class _Last:
    """When this process measured last (monotonic seconds), and the host's free space then.

    `folder` is on the engine's file system: where its volumes are, or the root of a worker
    that lives in a container itself.
    """

    at: float = float("-inf")
    free_bytes: int = 0
    folder: str = "/"


_last = _Last()


def end_oversized() -> None:
    """Fail each sandbox with a machine over its share of the disk; one tick of the reaper.

    Never raises for an engine that is away.
    """
    limit_bytes = limits_of(KIND).disk_bytes
    free_bytes = shutil.disk_usage(_last.folder).free
    grown = _last.free_bytes - free_bytes
    if time.monotonic() - _last.at < MEASURE_SECONDS and grown < limit_bytes // 8:
        return
    _last.at, _last.free_bytes = time.monotonic(), free_bytes
    machines = Machine.objects.filter(kind=KIND, ready=True, sandbox__state__in=USABLE)
    by_container = {m.container_id: m for m in machines.select_related("sandbox")}
    try:
        usages = measure(list(by_container), limit_bytes)
    except (OSError, subprocess.SubprocessError, SandboxEngineError) as error:
        log.warning("disk of machines not measured: %s", error)
        return
    for container_id, usage in usages.items():
        if usage.size_bytes > limit_bytes or usage.files > limit_bytes // BYTES_PER_FILE:
            _end(by_container[container_id], usage)


def _end(machine: Machine, usage: Usage) -> None:
    sandbox, limit_mib = machine.sandbox, settings.SANDBOX_DOCKER_DISK_MIB
    log.error("%s took %s: over %s MiB", machine, usage, limit_mib)
    files = limit_mib * 1024 * 1024 // BYTES_PER_FILE
    places = {"machine": machine.name, "mib": limit_mib, "files": files}
    message = sentences.OVER_DISK % places
    creation.fail(sandbox.pk, DiskUsedUp(message), claim=sandbox.claim, state__in=USABLE)


def measure(container_ids: list[str], limit_bytes: int) -> dict[str, Usage]:
    """What each of these containers takes, by id; those that don't run are left out.

    Raises OSError, SubprocessError, SandboxEngineError.
    """
    places = [place for each in container_ids if (place := _place_of(each))]
    if not places:
        return {}
    if delegation.is_here(places[0].pid, places[0].container_id):
        _last.folder = str(Path(places[0].folders[-1]).parents[1])
        said = _measure_here(places, limit_bytes)
    else:
        said = _measure_by_helper(places, limit_bytes)
    found = {}
    for line in said.splitlines():
        container_id, size_bytes, files = line.split()
        found[container_id] = Usage(int(size_bytes), int(files))
    return found


def _place_of(container_id: str) -> Place | None:
    found = engine.inspect_container(container_id)
    if found is None or not found["State"]["Pid"]:
        return None
    pid = found["State"]["Pid"]
    # Engines that keep layers elsewhere don't say where; then the image's files count too.
    layer = (found.get("GraphDriver") or {}).get("Data") or {}
    volumes = [m["Source"] for m in found["Mounts"] if m["Destination"] == DATA_ROOT]
    return Place(container_id, pid, (layer.get("UpperDir") or f"/proc/{pid}/root/", *volumes))


def _arguments(places: list[Place], limit_bytes: int) -> list[str]:
    each = [":".join([p.container_id, *p.folders]) for p in places]
    return [str(limit_bytes), str(limit_bytes // BYTES_PER_FILE), *each]


def _measure_here(places: list[Place], limit_bytes: int) -> str:
    command = ["/bin/bash", str(SCRIPT), *_arguments(places, limit_bytes)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True
    )
    return done.stdout


def _measure_by_helper(places: list[Place], limit_bytes: int) -> str:
    """The same from a container, for a worker that lives in one itself."""
    binds, inside = [], []
    for number, place in enumerate(places):
        folders = []
        for place_number, folder in enumerate(place.folders):
            target = f"/measured/{number}/{place_number}"
            if folder.startswith("/proc/"):
                target = folder
            else:
                binds.append(f"{folder}:{target}:ro")
            folders.append(target)
        inside.append(Place(place.container_id, place.pid, tuple(folders)))
    body: dict[str, Any] = {
        "Image": limits_of(KIND).image,
        "Entrypoint": [INSIDE],
        "Cmd": _arguments(inside, limit_bytes),
        "User": "0:0",
        "Labels": {"slipway.instance": settings.SLIPWAY_INSTANCE, "slipway.helper": "measure"},
        "HostConfig": {
            "PidMode": "host",
            "CgroupnsMode": "host",
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            # To look into folders of all users, and at what processes hold open.
            "CapAdd": ["DAC_READ_SEARCH", "SYS_PTRACE"],
            "SecurityOpt": ["no-new-privileges", "apparmor=unconfined"],
            "Binds": binds,
        },
    }
    status, output = engine.run_helper(body)
    if status != 0:
        raise SandboxEngineError(f"measure ended with {status}: {output[:300]}")
    return output
