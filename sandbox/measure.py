"""What a learner's machines take, measured: from outside by the engine, from inside by a look.

Every value says how it was taken (`sandbox.values`). Worker processes only; one measurement
lasts a little over a second, because the use of the processor is a difference.
"""

import asyncio
import logging
from datetime import datetime
from typing import Any

from django.conf import settings

from sandbox import disk, figures, following, guest_look, hosts
from sandbox.errors import SandboxEngineError
from sandbox.figures import Stats
from sandbox.models import Machine, Sandbox
from sandbox.values import BYTES, COUNT, PERCENT, SECONDS, TEXT, Note, Value, taker

log = logging.getLogger(__name__)

HOW_CGROUP = (
    "the engine's reading of the machine's control group, without page cache that can be dropped"
)
HOW_PSS = (
    "the sum of Pss over its processes (/proc/PID/smaps_rollup): a page that several processes "
    "share counts by their share; kernel memory and files in tmpfs are not in it"
)
HOW_PSS_GUEST = (
    "Pss of the QEMU process (/proc/PID/smaps_rollup): the guest's memory as far as the guest "
    "has touched it, and QEMU itself"
)
HOW_START = (
    "from the engine's Created to StartedAt, and from there to the start of the first shell, "
    "by the kernel's start times of the two processes (steps of 10 ms)"
)
HOW_GUEST_START = "from the start of QEMU to the first prompt on the guest's serial console"
HOW_IDLE = "processor time of the control group over one second, as a share of one processor"
HOW_INSIDE = "counted in /proc of the machine; what was started to count is left out"
HOW_IN_GUEST = "counted in /proc of the guest, without its kernel's own threads"
HOW_OUTSIDE = "counted by the host's kernel (the engine's “top”)"
HOW_LAYER = "the container's own writable layer; the image below it is shared and not counted"
HOW_DATA = "its own layer, its engine's data volume and deleted files still held open"
HOW_ASKED = "read on the machine itself"


def measure(sandbox: Sandbox) -> list[Value]:
    """Measure all machines of a sandbox that is up, at once. Raises SandboxEngineError."""
    machines = list(sandbox.machines.filter(ready=True))

    async def all_of_them() -> list[list[Value]]:
        return await asyncio.gather(*(measure_machine(machine) for machine in machines))

    measured = [value for values in asyncio.run(all_of_them()) for value in values]
    return measured + _of_host()


def _of_host() -> list[Value]:
    """What is below the line: the host as its worker last read it."""
    host = hosts.current()
    if host is None:
        return []
    take = taker("host")
    facts = host.examination.get("facts", {})
    return [
        take("kernel", host.kernel_release or None, TEXT, "the engine's own description"),
        take("boot", host.boot_id or None, TEXT, "boot_id in /proc of the worker's host"),
        take("memory", host.memory_bytes or None, BYTES, "the engine's own description"),
        take("processors", facts.get("processors"), COUNT, "the engine's own description"),
    ]


async def measure_machine(machine: Machine) -> list[Value]:
    """Measure one machine. Raises SandboxEngineError."""
    first = await figures.stats(machine.container_id)
    look = _look_at_guest if machine.kind == "vm" else _look_inside
    # The look itself costs processor time, so the idle second comes first.
    idle = await figures.processor_percent(machine.container_id, first)
    inside, processes, moments, own = await asyncio.gather(
        look(machine),
        figures.processes(machine.container_id),
        figures.moments(machine.container_id),
        _own_bytes(machine),
    )
    emulated = inside.get("accelerator") == "tcg"
    take = taker(machine.name, emulated=emulated)
    return [
        *_from_outside(take, machine, first, idle, processes, moments[2], own),
        *(_of_guest if machine.kind == "vm" else _of_container)(take, inside, moments),
    ]


def _from_outside(
    take: Note,
    machine: Machine,
    stats: Stats,
    idle_percent: float,
    processes: list[tuple[int, str]],
    first_pid: int,
    own_bytes: int | None,
) -> list[Value]:
    names = ", ".join(sorted({name for _, name in processes})[:8])
    return [
        take("memory_cgroup", stats.memory_bytes, BYTES, HOW_CGROUP),
        take("memory_limit", stats.memory_limit_bytes, BYTES, "the control group's own limit"),
        take("cpu_idle", idle_percent, PERCENT, HOW_IDLE),
        take("processes_outside", len(processes), COUNT, f"{HOW_OUTSIDE}: {names}"),
        take("threads", stats.threads, COUNT, "the control group's count, threads included"),
        take("first_pid_outside", first_pid, COUNT, "the engine's number of the first process"),
        take("disk_own", own_bytes, BYTES, HOW_DATA if machine.kind == "docker" else HOW_LAYER),
    ]


def _of_container(take: Note, inside: dict[str, Any], moments: tuple[str, str, int]) -> list[Value]:
    how_pss = HOW_PSS
    if inside.get("unreadable"):
        how_pss += f"; {inside['unreadable']} processes could not be read and are missing"
    up = inside.get("up_seconds")
    start = None if up is None else round(_between(moments[0], moments[1]) + up, 2)
    how_start = HOW_START if up is not None else "the first shell is gone, so nothing to read"
    return [
        take("start", start, SECONDS, how_start),
        take("memory_pss", inside.get("pss_bytes"), BYTES, how_pss),
        take("processes_inside", inside.get("processes"), COUNT, HOW_INSIDE),
        take("kernel", inside.get("kernel"), TEXT, f"{HOW_ASKED}: uname -r"),
        take("boot", inside.get("boot"), TEXT, f"{HOW_ASKED}: boot_id in /proc"),
    ]


def _of_guest(take: Note, inside: dict[str, Any], moments: tuple[str, str, int]) -> list[Value]:
    return [
        take("start", inside.get("seconds"), SECONDS, f"{HOW_GUEST_START}; {inside.get('how')}"),
        take("memory_pss", inside.get("memory_bytes"), BYTES, HOW_PSS_GUEST),
        take("processes_inside", inside.get("processes"), COUNT, HOW_IN_GUEST),
        take("kernel_threads", inside.get("kernel_threads"), COUNT, "process 2 and its children"),
        take("guest_pid_outside", inside.get("host_pid"), COUNT, "QEMU, as the host counts it"),
        take("kernel", inside.get("kernel"), TEXT, "read in the guest: uname -r"),
        take("boot", inside.get("boot"), TEXT, "read in the guest: boot_id in /proc"),
        take("accelerator", inside.get("accelerator"), TEXT, "what QEMU was started with"),
    ]


async def _look_inside(machine: Machine) -> dict[str, Any]:
    said = await following.ask_python(machine, "look", str(machine.shell_pid or 0))
    if not said:
        raise SandboxEngineError(f"{machine.name} could not be looked into.", "Try again.")
    return said[0]


async def _look_at_guest(machine: Machine) -> dict[str, Any]:
    """The guest's facts, what is in it, and what its QEMU process takes."""
    said: list[dict[str, Any]] = []
    inside, processes, _ = await asyncio.gather(
        guest_look.look(machine, "main"),
        figures.processes(machine.container_id),
        following.follow(machine, [guest_look.GUEST, "state"], said.append, timeout_seconds=15),
    )
    qemu = [pid for pid, name in processes if name.startswith("qemu")]
    state: dict[str, Any] = said[0] if said else {}
    state.update(inside, host_pid=qemu[0] if qemu else None)
    return state


async def _own_bytes(machine: Machine) -> int | None:
    if machine.kind != "docker":
        return await figures.own_bytes(machine.container_id)
    limit = settings.SANDBOX_DOCKER_DISK_MIB * 1024 * 1024
    try:
        used = await asyncio.to_thread(disk.measure, [machine.container_id], limit)
    except (OSError, SandboxEngineError) as error:
        log.warning("disk of %s not measured: %s", machine, error)
        return None
    return used[machine.container_id].size_bytes if machine.container_id in used else None


def _between(first: str, second: str) -> float:
    """Seconds between two moments as the engine writes them, with nanoseconds."""
    return (_moment(second) - _moment(first)).total_seconds()


def _moment(text: str) -> datetime:
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{(fraction + '000000')[:6]}+00:00")
