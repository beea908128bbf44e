"""What a learner's machines take, measured: from outside by the engine, from inside by a look.

Every value says how it was taken (`sandbox.values`). Worker processes only; one measurement
lasts a little over a second, because the use of the processor is a difference.
"""

import asyncio
import logging
from datetime import datetime
from typing import Any

from django.conf import settings

from sandbox import disk, figures, following, guest_look, hosts, sentences
from sandbox.errors import SandboxEngineError
from sandbox.figures import Stats
from sandbox.models import Machine, Sandbox
from sandbox.values import BYTES, COUNT, PERCENT, SECONDS, TEXT, Note, Value, taker

log = logging.getLogger(__name__)


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
        take("kernel", host.kernel_release or None, TEXT, sentences.HOW_ENGINE),
        take("boot", host.boot_id or None, TEXT, sentences.HOW_HOST_BOOT),
        take("memory", host.memory_bytes or None, BYTES, sentences.HOW_ENGINE),
        take("processors", facts.get("processors"), COUNT, sentences.HOW_ENGINE),
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
        take("memory_cgroup", stats.memory_bytes, BYTES, sentences.HOW_CGROUP),
        take("memory_limit", stats.memory_limit_bytes, BYTES, sentences.HOW_CGROUP_LIMIT),
        take("cpu_idle", idle_percent, PERCENT, sentences.HOW_IDLE),
        take("processes_outside", len(processes), COUNT, sentences.HOW_OUTSIDE % {"names": names}),
        take("threads", stats.threads, COUNT, sentences.HOW_CGROUP_THREADS),
        take("first_pid_outside", first_pid, COUNT, sentences.HOW_FIRST_PID),
        take(
            "disk_own",
            own_bytes,
            BYTES,
            sentences.HOW_DATA if machine.kind == "docker" else sentences.HOW_LAYER,
        ),
    ]


def _of_container(take: Note, inside: dict[str, Any], moments: tuple[str, str, int]) -> list[Value]:
    how_pss = sentences.HOW_PSS
    if inside.get("unreadable"):
        how_pss = sentences.HOW_PSS_MISSING % {"how": how_pss, "count": inside["unreadable"]}
    up = inside.get("up_seconds")
    start = None if up is None else round(_between(moments[0], moments[1]) + up, 2)
    how_start = sentences.HOW_START if up is not None else sentences.HOW_NO_START
    return [
        take("start", start, SECONDS, how_start),
        take("memory_pss", inside.get("pss_bytes"), BYTES, how_pss),
        take("processes_inside", inside.get("processes"), COUNT, sentences.HOW_INSIDE),
        take("kernel", inside.get("kernel"), TEXT, sentences.HOW_ASKED % {"what": "uname -r"}),
        take("boot", inside.get("boot"), TEXT, sentences.HOW_ASKED % {"what": "boot_id in /proc"}),
    ]


def _of_guest(take: Note, inside: dict[str, Any], moments: tuple[str, str, int]) -> list[Value]:
    return [
        take(
            "start",
            inside.get("seconds"),
            SECONDS,
            sentences.HOW_GUEST_START % {"how": inside.get("how")},
        ),
        take("memory_pss", inside.get("memory_bytes"), BYTES, sentences.HOW_PSS_GUEST),
        take("processes_inside", inside.get("processes"), COUNT, sentences.HOW_IN_GUEST),
        take("kernel_threads", inside.get("kernel_threads"), COUNT, sentences.HOW_KERNEL_THREADS),
        take("guest_pid_outside", inside.get("host_pid"), COUNT, sentences.HOW_GUEST_PID),
        take(
            "kernel", inside.get("kernel"), TEXT, sentences.HOW_ASKED_GUEST % {"what": "uname -r"}
        ),
        take(
            "boot",
            inside.get("boot"),
            TEXT,
            sentences.HOW_ASKED_GUEST % {"what": "boot_id in /proc"},
        ),
        take("accelerator", inside.get("accelerator"), TEXT, sentences.HOW_ACCELERATOR),
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
