"""Giving a `docker` machine its own control group, so that its engine can set limits.

Only the directory and the files that move processes change owner; the files that hold
this machine's own limits stay root's. Source: kernel documentation, "Control Group v2",
section "Delegation"; cgroup v1 has the same files per controller.
"""

import logging
import os
from pathlib import Path
from typing import Any

from django.conf import settings

from sandbox import engine
from sandbox.errors import SandboxEngineError
from sandbox.specs import limits_of

log = logging.getLogger(__name__)
LEARNER_UID = 1000
V1_FILES = ("", "tasks", "cgroup.procs")
V2_FILES = ("", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control")
NOT_DELEGATED = (
    "This host does not delegate control groups: --memory, --cpus and stats are ignored."
)


def delegate_cgroup(container_id: str) -> str:
    """Delegate a running container's control group; return a notice if that failed.

    The machine then runs without limits on its own containers, and says so.
    """
    found = engine.inspect_container(container_id)
    pid = found["State"]["Pid"] if found else 0
    if not pid:
        return NOT_DELEGATED
    try:
        if _is_here(pid, container_id):
            _delegate_here(pid)
        else:
            _delegate_by_helper(pid)
    except (OSError, SandboxEngineError) as error:
        log.warning("control group of %s not delegated: %s", container_id[:12], error)
        return NOT_DELEGATED
    return ""


def _is_here(pid: int, container_id: str) -> bool:
    """Whether this process is root on the engine's own host, and sees its processes."""
    try:
        groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    except OSError:
        return False
    return os.geteuid() == 0 and container_id in groups


def _delegate_here(pid: int) -> None:
    for directory, names in cgroup_directories(Path(f"/proc/{pid}/cgroup").read_text()):
        if not (directory / "cgroup.procs").exists():
            continue
        for name in names:
            path = directory / name
            if path.exists():
                os.chown(path, LEARNER_UID, LEARNER_UID)


def cgroup_directories(text: str) -> list[tuple[Path, tuple[str, ...]]]:
    """Directories, and the files in them to hand over, from the text of /proc/PID/cgroup."""
    root = Path("/sys/fs/cgroup")
    found: list[tuple[Path, tuple[str, ...]]] = []
    for line in text.splitlines():
        _number, controllers, path = line.split(":", 2)
        if path == "/":
            continue
        if controllers:
            found.append((root / controllers.removeprefix("name=") / path[1:], V1_FILES))
        else:
            found.append((root / path[1:], V2_FILES))
    return found


def _delegate_by_helper(pid: int) -> None:
    """The same from a container, for a worker that lives in one itself."""
    body: dict[str, Any] = {
        "Image": limits_of("docker").image,
        "Entrypoint": ["/usr/local/lib/slipway/delegate"],
        "Cmd": [str(pid), str(LEARNER_UID)],
        "User": "0:0",
        "Labels": {"slipway.instance": settings.SLIPWAY_INSTANCE, "slipway.helper": "delegate"},
        "HostConfig": {
            "PidMode": "host",
            "CgroupnsMode": "host",
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "CapAdd": ["CHOWN"],
            "Binds": ["/sys/fs/cgroup:/sys/fs/cgroup:rw"],
        },
    }
    status, output = engine.run_helper(body)
    if status != 0:
        raise SandboxEngineError(f"delegate ended with {status}: {output[:300]}")
