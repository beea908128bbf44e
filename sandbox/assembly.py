"""Making and removing the engine objects of a sandbox. Worker processes only.

Everything has a name made from instance, sandbox and machine, so that a second run finds
and adopts what the first one made; removal goes by label, so that it also finds what no
row remembers. Every step may run twice.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from sandbox import delegation, egress_keeper, engine, hostconfig, machines, stream, uid_ranges
from sandbox.errors import MachineFailed, SandboxEngineError, SetupFailed
from sandbox.markers import Failed, Marker, MarkerReader, Ready, Stage, parse
from sandbox.models import Machine, Sandbox, WarmMachine
from sandbox.specs import MachineSpec, limits_of

log = logging.getLogger(__name__)
READY_TIMEOUT_SECONDS = {"shell": 20, "docker": 45}
SETUP_TIMEOUT_SECONDS = 120
ADOPTED_POLL_SECONDS = 2.0
LOGIN_RECORD = "/run/slipway/login"
OnStage = Callable[[str], None]


@dataclass(frozen=True)
class MachineFacts:
    """What was read from a machine that came up."""

    container_id: str
    image: str
    kernel_release: str
    boot_id: str
    shell_pid: int
    notice: str


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
) -> MachineFacts:
    """Create and start a machine, wait until its shell is there; return what it said.

    `owner_id`: the sandbox it is made for, or the warm machine. `deadline_seconds`: after
    which it ends by itself, None for the longest life of a sandbox. `neighbours`: names of
    the sandbox's other machines.
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
        network=network,
        data_volume=volume,
        deadline_seconds=deadline_seconds,
        neighbours=neighbours,
    )
    container_id = engine.create_container(name, body)
    if spec.kind == "docker":
        uid_ranges.write_range(container_id, hostconfig.DATA_ROOT)
    on_stage("created")
    come_up = _come_up(container_id, spec.kind, READY_TIMEOUT_SECONDS[spec.kind], on_stage)
    ready, notice = asyncio.run(come_up)
    return MachineFacts(
        container_id, body["Image"], ready.kernel_release, ready.boot_id, ready.pid, notice
    )


async def _come_up(
    container_id: str, kind: str, timeout_seconds: float, on_stage: OnStage
) -> tuple[Ready, str]:
    """Start a machine and wait until its shell is there; return what it said, and a notice."""
    markers: asyncio.Queue[Marker | None] = asyncio.Queue()
    reader = MarkerReader(markers.put_nowait)
    # Attached before the start: the engine's log keeps whole lines only, and a marker or a
    # prompt is none yet.
    attached = await stream.attach(container_id)
    attached.listen(reader.feed, lambda: markers.put_nowait(None))
    try:
        async with asyncio.timeout(timeout_seconds):
            await asyncio.to_thread(engine.start_container, container_id)
            on_stage("started")
            notice = ""
            if kind == "docker":
                notice = await asyncio.to_thread(delegation.delegate_cgroup, container_id)
            return await _first_ready(container_id, markers, on_stage), notice
    except TimeoutError as error:
        log.error("machine %s gave no prompt in %s s", container_id[:12], timeout_seconds)
        raise MachineFailed(
            f"A machine gave no prompt within {timeout_seconds:.0f} seconds."
        ) from error
    finally:
        attached.close()


async def _first_ready(
    container_id: str, markers: asyncio.Queue[Marker | None], on_stage: OnStage
) -> Ready:
    while True:
        try:
            async with asyncio.timeout(ADOPTED_POLL_SECONDS):
                marker = await markers.get()
        except TimeoutError:
            # A machine adopted from another worker may have spoken before we listened.
            if spoken := await _login_record(container_id):
                return spoken
            continue
        if isinstance(marker, Ready):
            return marker
        if isinstance(marker, Stage):
            on_stage(marker.name)
        elif marker is None or isinstance(marker, Failed):
            why = marker.reason if isinstance(marker, Failed) else "it ended at once"
            log.error("machine %s did not come up: %s", container_id[:12], why)
            raise MachineFailed(f"A machine did not come up: {why}.")


async def _login_record(container_id: str) -> Ready | None:
    """What PID 1 wrote down when it started the shell, None if it has not yet."""
    _code, out, _err = await machines.exec_collect(
        container_id, ["/bin/cat", LOGIN_RECORD], b"", user="1000:1000", env={}, wait_seconds=5
    )
    said = parse(b"ready;" + out.strip())
    return said if isinstance(said, Ready) else None


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
