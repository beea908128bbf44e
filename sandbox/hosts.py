"""What is known of the engine's host: read by the worker, shown by everyone."""

import hashlib
import json
import logging
import platform
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.db import connection
from django.utils import timezone

from sandbox import engine, promises, sentences
from sandbox.errors import DiskFull, EngineDown, KindOff, SandboxEngineError
from sandbox.images import image_ref, seed_marker_ref, seed_volume
from sandbox.models import Host
from sandbox.promises import Finding, Verdict
from sandbox.specs import RUNNABLE_KINDS

log = logging.getLogger(__name__)
NAME = "local"
# A worker refreshes the row every few seconds; a row older than this has no worker.
STALE_SECONDS = 30


@dataclass(frozen=True)
class Availability:
    """Whether Start works; if not, why and what to do."""

    available: bool
    message: str = ""
    hint: str = ""


def lock() -> None:
    """Hold the host's row until the transaction ends, so that admissions do not interleave."""
    # Without row locks (SQLite) the transaction itself keeps all other writers away.
    if connection.features.has_select_for_update:
        Host.objects.select_for_update().filter(pk=NAME).values_list("pk").first()


def current() -> Host | None:
    """The host as a worker last saw it; None before the first look."""
    return Host.objects.filter(pk=NAME).first()


def glance() -> Host | None:
    """`current`, but what the examination found is only read when it is asked for."""
    return Host.objects.filter(pk=NAME).defer("examination").first()


def availability(kinds: Iterable[str] = ()) -> Availability:
    """Whether a sandbox can be started now, from the database alone.

    With `kinds`, whether one with machines of these kinds can.
    """
    return availability_on(current(), kinds)


def availability_on(host: Host | None, kinds: Iterable[str] = ()) -> Availability:
    """`availability` by a row that the caller has read."""
    message, hint = problem_of(host)
    if message:
        return Availability(False, sentences.said(message), sentences.said(hint))
    wanted = list(kinds)
    try:
        if wanted:
            promises.require(wanted, findings_of(host))
    except KindOff as error:
        return Availability(False, error.message, error.hint)
    return Availability(True)


def problem_of(host: Host | None) -> tuple[str, str]:
    """Why no machine of any kind can be started, and what to do; empty when some can.

    In English, as workers write it (`sandbox/sentences.py`).
    """
    if host is None or (timezone.now() - host.seen_at).total_seconds() > STALE_SECONDS:
        return sentences.NO_WORKER, sentences.LOOK_AT_WORKER
    return host.problem, host.hint


def require_available(kinds: Iterable[str]) -> Host | None:
    """The host on which machines of these kinds can be started now.

    Raises EngineDown, DiskFull or KindOff.
    """
    host = current()
    state = availability_on(host)
    if not state.available:
        reason = DiskFull if host and is_disk_full(host.disk_used_percent) else EngineDown
        raise reason(state.message, state.hint)
    promises.require(kinds, findings_of(host))
    return host


def findings_of(host: Host | None) -> dict[str, Finding]:
    """What the latest examination found, by promise id; empty before the first."""
    kept = host.examination.get("findings", {}) if host else {}
    return {
        promise: Finding(Verdict(found["verdict"]), found["evidence"])
        for promise, found in kept.items()
    }


def require_kinds(kinds: Iterable[str]) -> None:
    """Raise KindOff when machines of one of these kinds may not be made on this host."""
    promises.require(kinds, findings_of(current()))


def refresh() -> Host:
    """Read engine and host anew and store it; never raises for an engine that is away."""
    facts: dict[str, object] = {"seen_at": timezone.now(), "problem": "", "hint": ""}
    try:
        info = engine.info()
        facts |= {
            "kernel_release": info["KernelVersion"],
            "memory_bytes": info["MemTotal"],
            "engine_version": info["ServerVersion"],
            "boot_id": _boot_id(info["KernelVersion"]),
            "engine_digest": _engine_digest(info, _boot_id(info["KernelVersion"])),
        }
        facts |= _measured(info)
        missing = missing_images()
        full = cast(float | None, facts["disk_used_percent"])
        if is_disk_full(full):
            facts["problem"] = sentences.DISK_FULL % {"percent": f"{full:.0f}"}
            facts["hint"] = DiskFull.hint
        if missing:
            facts["problem"] = sentences.IMAGES_MISSING % {"names": ", ".join(missing)}
            facts["hint"] = sentences.BUILD_IMAGES
    except SandboxEngineError as error:
        if not isinstance(error, EngineDown):
            log.exception("reading the engine failed")
        facts |= {"problem": error.message, "hint": error.hint}
    before = current()
    if before is not None and before.problem != facts["problem"]:
        log.warning("Start is %s", f"off: {facts['problem']}" if facts["problem"] else "on again")
    host, _ = Host.objects.update_or_create(pk=NAME, defaults=facts)
    return host


def is_disk_full(used_percent: float | None) -> bool:
    """Whether so much of the engine's disk is in use that no machine may be made."""
    return used_percent is not None and used_percent >= settings.SANDBOX_DISK_FULL_PERCENT


def _measured(info: dict[str, Any]) -> dict[str, int | float | None]:
    """Free memory and used disk of the engine's host; None where this process is elsewhere."""
    if platform.release() != info["KernelVersion"]:
        return {"memory_available_bytes": None, "disk_used_percent": None}
    meminfo = Path("/proc/meminfo").read_text(encoding="ascii")
    available = next(line for line in meminfo.splitlines() if line.startswith("MemAvailable:"))
    root = Path(info["DockerRootDir"])
    # In a container the engine's folder is not there, but the root is on the same disk.
    disk = shutil.disk_usage(root if root.is_dir() else "/")
    return {
        "memory_available_bytes": int(available.split()[1]) * 1024,
        "disk_used_percent": round(100 * disk.used / (disk.used + disk.free), 1),
    }


def engine_facts(info: dict[str, Any]) -> dict[str, Any]:
    """What an operator wants to know of the engine, from its own description."""
    below = dict(pair for pair in info.get("DriverStatus") or [] if len(pair) == 2)
    return {
        "engine": info.get("ServerVersion", ""),
        "kernel": info.get("KernelVersion", ""),
        "system": info.get("OperatingSystem", ""),
        "processors": info.get("NCPU", 0),
        "memory_bytes": info.get("MemTotal", 0),
        "cgroups": f"v{info.get('CgroupVersion', '?')}, {info.get('CgroupDriver', '?')} driver",
        "storage": info.get("Driver", ""),
        "file_system": below.get("Backing Filesystem", ""),
        "runtimes": sorted(info.get("Runtimes") or {}),
        "default_runtime": info.get("DefaultRuntime", ""),
        "security": sorted(info.get("SecurityOptions") or []),
        "swap_limit": bool(info.get("SwapLimit")),
    }


def _engine_digest(info: dict[str, Any], boot_id: str) -> str:
    """Changes when another engine answers, or the same one with another configuration."""
    facts = [info.get("ID", ""), boot_id, engine_facts(info), info.get("Runtimes")]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def missing_images() -> list[str]:
    """Names of machine images and seed volumes that the engine does not have."""
    wanted = [image_ref(kind) for kind in sorted(RUNNABLE_KINDS)]
    missing = [ref for ref in wanted if not engine.image_exists(ref)]
    # The volume alone proves nothing: the engine makes an empty one when a machine names it.
    filled = engine.image_exists(seed_marker_ref()) and engine.volume_exists(seed_volume())
    return missing + ([] if filled else [seed_volume()])


def _boot_id(engine_kernel: str) -> str:
    """This process's boot id, if it runs on the engine's kernel; else unknown."""
    if platform.release() != engine_kernel:
        return ""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
