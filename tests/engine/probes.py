"""Scripts run in our machines, and in a container without any of their protection."""

from dataclasses import dataclass

import docker

from sandbox import assembly, machines
from sandbox.images import image_ref
from sandbox.models import Machine

# How a learner's own command runs: in a `docker` machine, inside the engine's namespaces.
ENTER = "/usr/local/lib/slipway/enter /bin/bash <<'PROBE'\n{}\nPROBE\n"


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


def unprotected(script: str, **options: object) -> Outcome:
    """Run it as root in a privileged container of the `shell` image: here it must succeed."""
    instance, value = assembly.instance_label().split("=")
    settings = {"privileged": True, "network_mode": "none"} | options
    client = docker.from_env()
    container = client.containers.create(
        image_ref("shell"),
        ["-c", script],
        entrypoint=["/bin/bash"],
        user="0:0",
        labels={instance: value},
        **settings,  # type: ignore[arg-type]
    )
    try:
        container.start()
        code = container.wait(timeout=60)["StatusCode"]
        return Outcome(code, container.logs().decode(errors="replace"))
    finally:
        container.remove(force=True, v=True)
        client.close()
