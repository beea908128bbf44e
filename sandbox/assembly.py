"""Making and removing the engine objects of a sandbox. Worker processes only.

Everything has a name made from instance, sandbox and machine, so that a second run finds
and adopts what the first one made; removal goes by label, so that it also finds what no
row remembers. Every step may run twice.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from sandbox import (
    egress_keeper,
    engine,
    guest_snapshots,
    hostconfig,
    machines,
    sentences,
    uid_ranges,
)
from sandbox.accelerator import EMULATED, NONE, Accelerator
from sandbox.coming_up import OnStage, come_up, turn_of
from sandbox.errors import SandboxEngineError, SetupFailed
from sandbox.hostconfig import GUEST_SECONDS, GuestWish
from sandbox.markers import Guest, Ready
from sandbox.models import Machine, Sandbox, WarmMachine
from sandbox.specs import MachineSpec, limits_of

log = logging.getLogger(__name__)
READY_TIMEOUT_SECONDS = {"shell": 20, "docker": 45}
# A guest's own watchdog tells first; this is for a machine that says nothing at all.
GUEST_GRACE_SECONDS = 20
SETUP_TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class MachineFacts:
    """What was read from a machine that came up."""

    container_id: str
    image: str
    kernel_release: str
    boot_id: str
    shell_pid: int
    notice: str
    # Fields of `models.GuestFacts`, for a `vm` machine.
    guest: Mapping[str, Any] = field(default_factory=dict)


def instance_label() -> str:
    """The label value all objects of this installation carry."""
    return f"slipway.instance={settings.SLIPWAY_INSTANCE}"


def sandbox_label(sandbox_id: str) -> str:
    return f"slipway.sandbox={sandbox_id}"


def object_name(sandbox_id: str, machine: str = "") -> str:
    """Name of a sandbox's network, or of a machine's container."""
    parts = ["slipway", settings.SLIPWAY_INSTANCE, sandbox_id, machine]
    return "-".join(part for part in parts if part)


def labels_of(sandbox_id: str, machine: str = "") -> dict[str, str]:
    labels = {"slipway.instance": settings.SLIPWAY_INSTANCE, "slipway.sandbox": sandbox_id}
    return labels | ({"slipway.machine": machine} if machine else {})


def make_network(sandbox_id: str) -> str:
    """Make (or adopt) the network of a sandbox; return its name."""
    name = object_name(sandbox_id)
    engine.create_network(name, labels_of(sandbox_id))
    return name


def make_machine(
    owner_id: str,
    spec: MachineSpec,
    network: str | None,
    on_stage: OnStage,
    deadline_seconds: int | None = None,
    neighbours: tuple[str, ...] = (),
    accelerator: Accelerator = NONE,
) -> MachineFacts:
    """Create and start a machine, wait until its shell is there; return what it said.

    `owner_id`: the sandbox it is made for, or the warm machine. `deadline_seconds`: after
    which it ends by itself, None for the longest life of a sandbox. `neighbours`: names of
    the sandbox's other machines. `accelerator`: how a guest runs, for kind `vm`.
    Touches no database, so that several machines can be made in threads.
    Raises SandboxEngineError; MachineFailed when the machine did not come up.
    """
    name = object_name(owner_id, spec.name)
    labels = labels_of(owner_id, spec.name)
    egress_keeper.ensure(spec.kind)
    volume = ""
    if spec.kind == "docker":
        volume = uid_ranges.reserve_volume(name, labels, limits_of(spec.kind).disk_bytes)
    body = hostconfig.container_body(
        spec.kind,
        spec.name,
        labels,
        # A guest has no card; the machine around it has nobody to talk to.
        network=None if spec.kind == "vm" else network,
        data_volume=volume,
        deadline_seconds=deadline_seconds,
        neighbours=neighbours,
        guest=_guest_wish(spec, accelerator) if spec.kind == "vm" else None,
    )
    container_id = engine.create_container(name, body)
    if spec.kind == "docker":
        uid_ranges.write_range(container_id, hostconfig.DATA_ROOT)
    on_stage("created")
    if spec.kind == "vm":
        timeout_seconds = GUEST_SECONDS[spec.guest] + GUEST_GRACE_SECONDS
    else:
        timeout_seconds = READY_TIMEOUT_SECONDS[spec.kind]
    with turn_of(spec.kind, on_stage):
        (ready, guest), notice = asyncio.run(
            come_up(container_id, spec.kind, timeout_seconds, on_stage)
        )
    spoken = guest or ready
    return MachineFacts(
        container_id,
        body["Image"],
        spoken.kernel_release,
        spoken.boot_id,
        spoken.pid,
        notice or _guest_notice(spec, guest),
        _guest_facts(spec, accelerator, ready, guest) if guest else {},
    )


def _guest_notice(spec: MachineSpec, guest: Guest | None) -> str:
    """A kernel draws its boot id once: the full guest's had done so before the snapshot."""
    if guest is None or guest.how != "restored" or spec.guest != "full":
        return ""
    return sentences.SNAPSHOT_BOOT


def _guest_wish(spec: MachineSpec, accelerator: Accelerator) -> GuestWish:
    snapshots = guest_snapshots.volume() if settings.SANDBOX_GUEST_SNAPSHOTS else ""
    return GuestWish(spec.guest, spec.login, accelerator.name, accelerator.kvm_group, snapshots)


def _guest_facts(
    spec: MachineSpec, accelerator: Accelerator, ready: Ready, guest: Guest
) -> dict[str, Any]:
    """Fields of `models.GuestFacts`: PID 1 spoke of the host's kernel, the guest of its own."""
    return {
        "guest": spec.guest,
        "host_kernel_release": ready.kernel_release,
        "host_boot_id": ready.boot_id,
        "accelerator": guest.accelerator,
        "emulated": accelerator.reason if guest.accelerator == EMULATED else "",
        "guest_how": guest.how,
        "guest_seconds": guest.seconds,
        "guest_hangs": guest.hangs,
    }


def prepare_machine(machine: Machine, spec: MachineSpec, on_stage: OnStage) -> None:
    """Copy the lesson's files, look for its images, run its set-up. Raises SetupFailed."""
    if spec.files_from:
        try:
            machines.copy_tree(machine, Path(spec.files_from))
        except OSError as error:
            log.error("files of %s: %s", machine, error)
            raise SetupFailed from error
        on_stage("files")
    if spec.images:
        _require_images(machine, spec.images)
    if spec.setup:
        result = machines.run_in(
            machine, spec.setup.encode(), timeout_seconds=SETUP_TIMEOUT_SECONDS
        )
        if result.exit_code != 0:
            log.error(
                "set-up of %s ended with %s: %s", machine, result.exit_code, result.stderr[-2000:]
            )
            raise SetupFailed
        on_stage("set up")


def _require_images(machine: Machine, images: tuple[str, ...]) -> None:
    script = "\n".join(f"docker image inspect {image!r} >/dev/null" for image in images)
    result = machines.run_in(machine, f"set -e\n{script}\n".encode(), timeout_seconds=20)
    if result.exit_code != 0:
        log.error("images of %s: %s", machine, result.stderr.strip())
        raise SetupFailed("An image that this lesson needs is not in the machine's engine.")


def remove_objects(sandbox_id: str) -> int:
    """Remove everything of a sandbox from the engine; return how many objects there were.

    Raises SandboxEngineError when something could not be removed, after trying the rest.
    """
    removed = remove_owned(*_owners(sandbox_id))
    WarmMachine.objects.filter(sandbox_id=sandbox_id).delete()
    return removed


def remove_owned(*owner_ids: str) -> int:
    """Remove what was made for sandboxes or warm machines of these ids, database or not.

    Containers first: they hold volumes and networks. Raises SandboxEngineError.
    """
    order = {"container": 0, "network": 1, "volume": 2}
    found = [item for owner in owner_ids for item in _objects_of_owner(owner)]
    problem: SandboxEngineError | None = None
    for what, engine_id, _name in sorted(found, key=lambda item: order[item[0]]):
        try:
            engine.remove_object(what, engine_id)
        except SandboxEngineError as error:
            problem = error
    if problem:
        raise problem
    return len(found)


def objects_of(sandbox_id: str) -> list[tuple[str, str, str]]:
    """(container|volume|network, engine id, machine name) of all that a sandbox has."""
    return [item for owner in _owners(sandbox_id) for item in _objects_of_owner(owner)]


def _owners(sandbox_id: str) -> tuple[str, ...]:
    """The sandbox, and the warm machines that it claimed: their objects carry their own id."""
    claimed = WarmMachine.objects.filter(sandbox_id=sandbox_id).values_list("pk", flat=True)
    return (sandbox_id, *claimed)


def _objects_of_owner(owner_id: str) -> list[tuple[str, str, str]]:
    return [
        (what, engine_id, labels.get("slipway.machine", ""))
        for what, engine_id, _name, labels in engine.objects_labelled(sandbox_label(owner_id))
        if labels.get("slipway.instance") == settings.SLIPWAY_INSTANCE
    ]


def runs(sandbox: Sandbox) -> bool:
    """Whether every machine of a sandbox is running on the engine. Raises EngineDown."""
    found = [engine.inspect_container(m.container_id) for m in sandbox.machines.all()]
    return bool(found) and all(f is not None and f["State"]["Running"] for f in found)
