"""Recording real measurements on this host, for sites whose hosts can't run virtual machines."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from django.utils import timezone

from sandbox import experiments, hosts, runs
from sandbox.errors import SandboxEngineError
from sandbox.measured import Run
from sandbox.models import Sandbox

# How many of each sort; a race is short and varies, the others take long.
COUNTS = {"measure": 1, "race": 5, "fit": 1, "survive": 1}
TRIES = 3


def record(sandbox: Sandbox) -> dict[str, Any]:
    """Carry out each sort of run on a sandbox that is up, here and now.

    Returns `{"at", "machine", "runs": {what: [run]}}`. Raises SandboxEngineError when a run
    fails every time.
    """
    found = {what: [_one(sandbox, what) for _ in range(count)] for what, count in COUNTS.items()}
    return {"at": timezone.now().isoformat(timespec="seconds"), "machine": machine(), "runs": found}


def _one(sandbox: Sandbox, what: str) -> dict[str, Any]:
    for _ in range(TRIES):
        run = runs.request(sandbox, what)
        experiments.carry_out(run.pk)
        run.refresh_from_db()
        if run.state == Run.State.DONE:
            return runs.as_json(run)
    raise SandboxEngineError(f"No {what} was carried out: {run.error}")


def machine() -> str:
    """This host in words: processor, how many of it, memory, kernel."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    host = hosts.current()
    memory = f", {host.memory_bytes / 1024**3:.0f} GiB of memory" if host else ""
    name = models[0] if models else platform.machine()
    return f"{max(1, len(models))} × {name}{memory}, Linux {platform.release()}"
