"""Scripts run in our machines, and in a container without any of their protection."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from sandbox import assembly, machines
from sandbox.images import image_ref
from sandbox.models import Machine

# How a learner's own command runs: in a `docker` machine, inside the engine's namespaces.
ENTER = "/usr/local/lib/slipway/enter /bin/bash <<'PROBE'\n{}\nPROBE\n"


def serving(port: int, options: str = "") -> str:
    """A script that leaves an HTTP server running, and goes on once it answers."""
    began = f"(python3 -m http.server {port} {options} >/dev/null 2>&1 &)\n"
    answers = f"(exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null"
    return f"{began}for n in $(seq 100); do {answers} && break; sleep 0.1; done\n"


@dataclass(frozen=True)
class Outcome:
    """How a script ended, and all it said."""

    code: int | None
    text: str


def as_learner(machine: Machine, script: str, seconds: int = 20) -> Outcome:
    """Run it where the learner's shell is, as the learner."""
    if machine.kind == "docker":
        script = ENTER.format(script)
    return _run(machine, script, "learner", seconds)


def as_root(machine: Machine, script: str, seconds: int = 20) -> Outcome:
    """Run it as checks and set-up do."""
    return _run(machine, script, "root", seconds)


def _run(machine: Machine, script: str, user: str, seconds: int) -> Outcome:
    done = machines.run_in(machine, script.encode(), user=user, timeout_seconds=seconds)  # type: ignore[arg-type]
    return Outcome(done.exit_code, done.stdout + done.stderr)


def unprotected(
    script: str, *, image: str = "shell", user: str = "0:0", **host_config: Any
) -> Outcome:
    """Run it in a container of a kind's image that is open: here it must succeed."""
    with open_container(script, image=image, user=user, **host_config) as (api, container_id):
        code = api.wait(container_id, timeout=120)["StatusCode"]
        return Outcome(code, api.logs(container_id).decode(errors="replace"))


@contextmanager
def open_container(
    script: str, *, image: str = "shell", user: str = "0:0", **host_config: Any
) -> Iterator[tuple[docker.APIClient, str]]:
    """Start it in a container that is open; yields the engine's client and the container's id.

    Capabilities by name rather than `--privileged`, which a host that lacks one itself refuses.
    """
    label, value = assembly.instance_label().split("=")
    disk = next(str(path) for path in Path("/dev").iterdir() if path.is_block_device())
    open_host: dict[str, Any] = {
        "CapAdd": ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYSLOG", "MKNOD"],
        "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined", "label=disable"],
        "MaskedPaths": [],
        "ReadonlyPaths": [],
        "NetworkMode": "none",
        "Devices": [
            {"PathOnHost": path, "PathInContainer": path, "CgroupPermissions": "r"}
            for path in (disk, "/dev/kmsg")
        ],
    }
    body = {
        "Image": image_ref(image),
        "Entrypoint": ["/bin/bash", "-c", script],
        "User": user,
        "Labels": {label: value},
        "HostConfig": open_host | host_config,
    }
    api = docker.from_env().api
    container_id = api.create_container_from_config(body)["Id"]
    try:
        api.start(container_id)
        yield api, container_id
    finally:
        api.remove_container(container_id, force=True, v=True)
        api.close()


@functools.cache
def unprotected_once(script: str, image: str = "shell") -> Outcome:
    """`unprotected`, once for all tests that need the same proof."""
    return unprotected(script, image=image)


def control_groups(pid: int) -> list[Path]:
    """The directories of a process's control groups on this host; on v2 those around it too."""
    root = Path("/sys/fs/cgroup")
    found = []
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _number, controllers, path = line.split(":", 2)
        directory = root / controllers.removeprefix("name=") / path[1:]
        if path != "/" and directory.is_dir():
            found += [directory] if controllers else [directory.parent, directory]
    return found
