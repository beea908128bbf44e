"""Snapshots of guests: made on this host by a worker, mapped read-only by every `vm` machine.

A guest that has booted and lets nobody in yet is kept as files: its memory, which machines
map copy-on-write, the state of its devices, and what it wrote to its disk. They fit only the
very image, QEMU and accelerator that made them, so the volume is named by the image's own id.
"""

import logging
import threading
from typing import Any

from django.conf import settings

from sandbox import accelerator, engine, hostconfig, hosts
from sandbox.accelerator import Accelerator
from sandbox.errors import MachineDied, SandboxEngineError
from sandbox.hostconfig import SNAPSHOTS, GuestWish
from sandbox.images import image_ref
from sandbox.images.names import SNAPSHOT_VOLUME_PREFIX
from sandbox.models import PoolShape, Sandbox, State

log = logging.getLogger(__name__)
COMMAND = "/usr/local/lib/slipway/snapshot"
SIZES = ("small", "full")
_making = threading.Lock()


def volume() -> str:
    """The volume of the `vm` image's snapshots. Raises ImageMissing, EngineDown."""
    return SNAPSHOT_VOLUME_PREFIX + engine.image_id(image_ref("vm"))[:12]


def _marker(accelerated: Accelerator) -> str:
    """A volume that exists once the snapshots do: the one with the files can't be renamed last."""
    return f"{volume()}-{accelerated.name}"


def are_made(accelerated: Accelerator) -> bool:
    """Whether this host has all snapshots for this accelerator. Raises EngineDown, ImageMissing."""
    return engine.volume_exists(_marker(accelerated))


def make_if_due() -> None:
    """Make them when lessons use virtual machines, and nobody waits for machines; one tick.

    Never raises for an engine: the next tick tries again.
    """
    if not settings.SANDBOX_GUEST_SNAPSHOTS or not PoolShape.objects.filter(kind="vm").exists():
        return
    waiting = Sandbox.objects.filter(state__in=[State.REQUESTED, State.QUEUED, State.STARTING])
    if waiting.exists() or not hosts.availability(["vm"]).available:
        return
    # The ticks of a making that takes long find it taken.
    if not _making.acquire(blocking=False):
        return
    try:
        accelerated = accelerator.of_host()
        if not are_made(accelerated):
            make(accelerated)
    except SandboxEngineError as error:
        log.warning("snapshots of guests not made: %s", error)
    finally:
        _making.release()


def make(accelerated: Accelerator) -> None:
    """Make what is missing, in a container of the machines' own kind that may write the volume.

    Its name is the same for all sites on an engine: a second worker adopts it and waits for the
    same. Raises SandboxEngineError.
    """
    name = f"{_marker(accelerated)}-maker"
    container_id = engine.create_container(name, _body(accelerated))
    try:
        engine.start_container(container_id)
        code, said = engine.end_of(container_id, timeout_seconds=hostconfig.GUEST_SECONDS["full"])
    except MachineDied:
        return  # another worker waited for the same one, and has removed it
    finally:
        engine.remove_object("container", container_id)
    if code != 0:
        raise SandboxEngineError(f"Making snapshots of guests ended with {code}: {said[-300:]}")
    engine.create_volume(_marker(accelerated), {})
    log.info("snapshots of guests made: %s", ", ".join(SIZES))


def _body(accelerated: Accelerator) -> dict[str, Any]:
    wish = GuestWish(
        size="full",
        accelerator=accelerated.name,
        kvm_group=accelerated.kvm_group,
        snapshots=volume(),
    )
    labels = {"slipway.instance": settings.SLIPWAY_INSTANCE, "slipway.helper": "snapshots"}
    body = hostconfig.container_body(
        "vm", "snapshots", labels, network=None, data_volume="", guest=wish
    )
    body |= {"Entrypoint": [COMMAND, accelerated.name, *SIZES], "Cmd": [], "Tty": False}
    body["HostConfig"]["Mounts"] = [{"Type": "volume", "Source": volume(), "Target": SNAPSHOTS}]
    return body
