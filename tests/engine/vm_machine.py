"""Asking a `vm` machine from outside its guest, and making one with a guest of one's own wish."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox import assembly, machines
from sandbox.models import Machine, make_sandbox_id
from sandbox.specs import MachineSpec
from tests.engine import conftest
from tests.engine.probes import Outcome

LIBRARY = "/usr/local/lib/slipway"
PATIENCE_SECONDS = 120


def around(machine: Machine, *command: str, user: str = "1000:1000") -> Outcome:
    """Run a command in the machine and not in its guest: where QEMU runs."""
    environment = {"PATH": machines.PATH}
    work = machines.exec_collect(
        machine.container_id, list(command), b"", user=user, env=environment, wait_seconds=180
    )
    code, out, err = asyncio.run(work)
    return Outcome(code, (out + err).decode(errors="replace"))


def asked(machine: Machine, *words: str) -> list[dict[str, Any]]:
    """The lines that one of the machine's own commands answers with."""
    name, *rest = words
    done = around(machine, f"{LIBRARY}/{name}", *rest)
    assert done.code == 0, done.text
    return [json.loads(line) for line in done.text.splitlines()]


def state_of(machine: Machine) -> dict[str, Any]:
    return asked(machine, "guest", "state")[0]


def await_state(machine: Machine, state: str) -> dict[str, Any]:
    """Wait until the guest is in this state; as long as a busy host may take."""
    end = time.monotonic() + PATIENCE_SECONDS
    while (found := state_of(machine))["state"] != state:
        assert time.monotonic() < end, found
        time.sleep(0.2)
    return found


@contextmanager
def made(**wish: Any) -> Iterator[tuple[Machine, assembly.MachineFacts, list[str]]]:
    """A `vm` machine without a row: itself, what it said, its stages."""
    sandbox_id = make_sandbox_id()
    conftest._shared.add(sandbox_id)
    stages: list[str] = []
    try:
        spec = MachineSpec(name="house", kind="vm", **wish)
        facts = assembly.make_machine(sandbox_id, spec, None, stages.append)
        yield Machine(name="house", kind="vm", container_id=facts.container_id), facts, stages
    finally:
        assembly.remove_owned(sandbox_id)
        conftest._shared.discard(sandbox_id)
