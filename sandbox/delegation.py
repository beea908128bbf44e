"""Giving a `docker` machine its own control group, so that its engine can set limits.

One script of the machine image does it, run on this host or in a helper container. Only
directories and the files that move processes change owner; the files that hold this
machine's own limits stay root's, and PID 1 stays out of the learner's reach.
Source: kernel documentation, "Control Group v2", section "Delegation", and "cgroup freezer".
"""

import logging
import os
import subprocess
from pathlib import Path
from typing import Any

from django.conf import settings

from sandbox import engine, sentences
from sandbox.errors import SandboxEngineError
from sandbox.specs import limits_of

log = logging.getLogger(__name__)
LEARNER_UID = 1000
INSIDE = "/usr/local/lib/slipway/delegate"
SCRIPT = Path(__file__).parent / "images" / "docker" / "rootfs" / INSIDE.lstrip("/")


def delegate_cgroup(container_id: str) -> str:
    """Delegate a running container's control group; return a notice if that failed.

    The machine then runs without limits on its own containers, and says so.
    """
    found = engine.inspect_container(container_id)
    pid = found["State"]["Pid"] if found else 0
    if not pid:
        return sentences.NOT_DELEGATED
    try:
        if is_here(pid, container_id):
            _delegate_here(pid)
        else:
            _delegate_by_helper(pid)
    except (OSError, subprocess.SubprocessError, SandboxEngineError) as error:
        log.warning("control group of %s not delegated: %s", container_id[:12], error)
        return sentences.NOT_DELEGATED
    return ""


def is_here(pid: int, container_id: str) -> bool:
    """Whether this process is root on the engine's own host, and sees its processes."""
    try:
        groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    except OSError:
        return False
    return os.geteuid() == 0 and container_id in groups


def _delegate_here(pid: int) -> None:
    command = ["/bin/bash", str(SCRIPT), str(pid), str(LEARNER_UID)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    if done.returncode != 0:
        raise OSError(f"delegate ended with {done.returncode}: {done.stderr[:300]}")


def _delegate_by_helper(pid: int) -> None:
    """The same from a container, for a worker that lives in one itself."""
    body: dict[str, Any] = {
        "Image": limits_of("docker").image,
        "Entrypoint": [INSIDE],
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
