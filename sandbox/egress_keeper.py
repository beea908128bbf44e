"""Keeps the egress proxy of each kind that is let out running. Worker processes only."""

import hashlib
import json
import logging
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from sandbox import egress, engine
from sandbox.errors import SandboxEngineError
from sandbox.images import image_ref
from sandbox.specs import RUNNABLE_KINDS

log = logging.getLogger(__name__)
LABEL = "slipway.egress"
DIGEST_LABEL = "slipway.egress-settings"
SOCKET = f"{egress.MOUNT}/proxy"
UP_SECONDS = 20.0
# Nobody: neither root nor the learners' user, should the proxy have a fault.
USER = "65534:65534"
MEMORY_BYTES = 128 * 1024 * 1024
_one_at_a_time = threading.Lock()


def object_name(kind: str) -> str:
    """Name of a kind's proxy, and of the volume with its socket."""
    return f"slipway-{settings.SLIPWAY_INSTANCE}-egress-{kind}"


def mount(kind: str) -> list[dict[str, Any]]:
    """What a machine of the kind gets: the folder with the proxy's socket; empty when closed."""
    if not egress.entries_of(kind):
        return []
    source = object_name(kind)
    options = {"NoCopy": True}
    return [
        {"Type": "volume", "Source": source, "Target": egress.MOUNT, "ReadOnly": True}
        | {"VolumeOptions": options}
    ]


def ensure(kind: str) -> None:
    """Have the kind's proxy run with the settings as they are; nothing for a closed kind.

    Called before a machine is made, and on every reconciliation. Raises SandboxEngineError.
    """
    if not egress.entries_of(kind):
        return
    with _one_at_a_time:
        found = engine.inspect_container(object_name(kind))
        if found and found["State"]["Running"]:
            if found["Config"]["Labels"].get(DIGEST_LABEL) == _digest(kind):
                return
            log.warning("the egress proxy of %s is made anew: its settings changed", kind)
        if found:
            engine.remove_object("container", found["Id"])
        _make(kind)


def _make(kind: str) -> None:
    labels = {"slipway.instance": settings.SLIPWAY_INSTANCE, LABEL: kind}
    # Memory, and of it a few pages: nobody can fill the disk through it, and the socket is
    # the proxy's own to make.
    memory = {"type": "tmpfs", "device": "tmpfs"}
    options = "size=64k,nr_inodes=16,uid=65534,gid=65534,mode=0755"
    engine.create_volume(object_name(kind), labels, memory | {"o": options})
    body = _body(kind, labels | {DIGEST_LABEL: _digest(kind)})
    container_id = engine.create_container(object_name(kind), body)
    engine.start_container(container_id)
    deadline = time.monotonic() + UP_SECONDS
    while "listening" not in (said := engine.output_of(container_id)):
        if time.monotonic() > deadline:
            raise SandboxEngineError(f"The egress proxy of {kind} does not come up: {said[-200:]}")
        time.sleep(0.05)
    log.info("machines of kind %s may reach %s", kind, ", ".join(egress.entries_of(kind)))


def _body(kind: str, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "Image": image_ref("shell"),
        "Entrypoint": _command(kind),
        "Cmd": [],
        "User": USER,
        "Labels": labels,
        "HostConfig": {
            "NetworkMode": "bridge",
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "ReadonlyRootfs": True,
            "Memory": MEMORY_BYTES,
            "MemorySwap": MEMORY_BYTES,
            "PidsLimit": 64,
            "NanoCpus": 10**9,
            "RestartPolicy": {"Name": "no"},
            "LogConfig": {
                "Type": "local",
                "Config": {"max-size": "1m", "max-file": "1", "compress": "false"},
            },
            "Mounts": [{"Type": "volume", "Source": object_name(kind), "Target": egress.MOUNT}],
        },
    }


def _command(kind: str) -> list[str]:
    allowed = [[t.host, t.port, t.address] for t in egress.allowed(kind)]
    configuration = json.dumps({"socket": SOCKET, "allowed": allowed})
    return ["/usr/bin/python3", "-I", "-c", _program(), configuration]


@cache
def _program() -> str:
    return (Path(__file__).parent / "egress_proxy.py").read_text(encoding="utf-8")


def _digest(kind: str) -> str:
    made_of = json.dumps([image_ref("shell"), _command(kind)])
    return hashlib.sha256(made_of.encode()).hexdigest()[:16]


def tend() -> None:
    """Have the proxies run that are wanted, and none else; never raises for an engine."""
    for kind in sorted(RUNNABLE_KINDS):
        try:
            if egress.entries_of(kind):
                ensure(kind)
            else:
                _remove(kind)
        except SandboxEngineError as error:
            log.warning("the egress proxy of %s can't be tended now: %s", kind, error)


def _remove(kind: str) -> None:
    """Its volume stays while machines that were made before have it; the next pass tries again."""
    if found := engine.inspect_container(object_name(kind)):
        engine.remove_object("container", found["Id"])
    if engine.volume_exists(object_name(kind)):
        engine.remove_object("volume", object_name(kind))
