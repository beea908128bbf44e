"""Examining the engine's host: all probes, once, with what they found kept on its row.

A worker examines at its start, when the engine or the settings change, when somebody asks,
and again after a while when something could not be found out. One examination runs at a
time: whoever sets `examining_since` by a conditional UPDATE has it.
"""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from sandbox import assembly, engine, hosts
from sandbox import egress as allow_list
from sandbox.errors import SandboxEngineError
from sandbox.models import Host
from sandbox.probes import (
    confinement,
    containers,
    control_groups,
    egress,
    limits,
    network,
    runtimes,
    storage,
    virtualisation,
)
from sandbox.promises import PROMISES, Finding, Verdict
from sandbox.specs import RUNNABLE_KINDS, limits_of

log = logging.getLogger(__name__)
Probe = Callable[[], Mapping[str, Finding]]
# Each with the promises it is about, so that they are "not known" when it fails.
PROBES: tuple[tuple[Probe, tuple[str, ...]], ...] = (
    (network.network, ("isolated-network",)),
    (virtualisation.virtualisation, ("kvm",)),
    (virtualisation.guests, ("guests",)),
    (limits.limits, ("memory-limit", "process-limit", "cpu-limit")),
    (control_groups.control_groups, ("cgroup-delegation",)),
    (confinement.filters, ("seccomp", "mandatory-access")),
    (confinement.user_namespaces, ("user-namespaces",)),
    (runtimes.runtimes, tuple(f"runtime-{kind}" for kind in sorted(RUNNABLE_KINDS))),
    (egress.outside, tuple(f"egress-{kind}" for kind in allow_list.KINDS)),
    (storage.storage, ("storage-quota",)),
)
PROBES_AT_ONCE = 4
# Longer without the end of a probe, of which each takes some seconds, means a lost worker.
LOST_SECONDS = 30
RETRY_SECONDS = 60
# Threads of one process would only wait for each other in the database.
_lock = threading.Lock()
# Set by the first examination of this process: a worker that was started anew looks anew.
_examined_here = threading.Event()


def settings_digest() -> str:
    """Changes when a setting does that machines are created with, or a machine image."""
    facts = {
        kind: asdict(limits_of(kind)) | {"egress": allow_list.entries_of(kind)}
        for kind in sorted(RUNNABLE_KINDS)
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def is_current(host: Host) -> bool:
    """Whether the kept examination is of this engine with these settings."""
    kept = host.examination
    return bool(kept) and (kept["engine"], kept["settings"]) == (
        host.engine_digest,
        settings_digest(),
    )


def is_due(host: Host) -> bool:
    """Whether a worker should examine its host now."""
    # Without engine or images every probe would fail; the host's problem says why already.
    if host.problem or _is_running(host):
        return False
    if not _examined_here.is_set() or not is_current(host):
        return True
    unclear = any(f.verdict == Verdict.UNKNOWN for f in hosts.findings_of(host).values())
    age = timezone.now() - datetime.fromisoformat(host.examination["at"])
    return unclear and age > timedelta(seconds=RETRY_SECONDS)


def _is_running(host: Host) -> bool:
    since = host.examining_since
    return since is not None and timezone.now() - since < timedelta(seconds=LOST_SECONDS)


def ensure() -> None:
    """Examine the host if what is kept is not of this engine; wait if another is at it.

    Called before machines are made. Never raises for an engine: the making will.
    """
    if _is_stale(hosts.current()):
        # A whole class may wait here; the first one's findings are everybody's.
        with _lock:
            if _is_stale(hosts.current()):
                _examine()


def _is_stale(host: Host | None) -> bool:
    return host is not None and not host.problem and not is_current(host)


def examine_if_due() -> None:
    """Examine the host if it is due; on every tick, and cheap when it is not."""
    host = hosts.current()
    if host is not None and is_due(host):
        examine()


def examine() -> None:
    """Run all probes and keep what they found; wait for an examination that runs already.

    Without an engine, or without the machine images, what was found before stays.
    """
    with _lock:
        _examine()


def _examine() -> None:
    host = hosts.refresh()
    if host.problem:
        return
    if not _claim_or_wait(host):
        return
    try:
        _remove_leftovers()
        _keep(host, _run_probes(host))
        _examined_here.set()
    except SandboxEngineError as error:
        log.warning("the host was not examined: %s", error)
    finally:
        Host.objects.filter(pk=host.pk).update(examining_since=None)


def _claim(host: Host) -> bool:
    now = timezone.now()
    lost = now - timedelta(seconds=LOST_SECONDS)
    free = Q(examining_since=None) | Q(examining_since__lt=lost)
    return bool(Host.objects.filter(free, pk=host.pk).update(examining_since=now))


def _claim_or_wait(host: Host) -> bool:
    """True when the examination is ours, False once another's has come to its end."""
    if _claim(host):
        return True
    while True:
        time.sleep(0.2)
        if Host.objects.filter(pk=host.pk, examining_since=None).exists():
            return False
        # Its worker was killed: nobody moves `examining_since` on any more.
        if _claim(host):
            return True


def _remove_leftovers() -> None:
    """What an examination left whose worker was killed. Containers first: they hold the rest."""
    found = [
        (what, engine_id)
        for what, engine_id, _name, labels in engine.objects_labelled(assembly.instance_label())
        if labels.get(containers.HELPER_LABEL) == containers.HELPER
    ]
    for what, engine_id in sorted(found):
        engine.remove_object(what, engine_id)


def _run_probes(host: Host) -> dict[str, Finding]:
    found: dict[str, Finding] = {}
    with ThreadPoolExecutor(PROBES_AT_ONCE, thread_name_prefix="probe") as threads:
        for done in as_completed([threads.submit(_run, *pair) for pair in PROBES]):
            found |= done.result()
            Host.objects.filter(pk=host.pk).update(examining_since=timezone.now())
    return {promise.id: found[promise.id] for promise in PROMISES}


def _run(probe: Probe, promises: tuple[str, ...]) -> Mapping[str, Finding]:
    try:
        return probe()
    except SandboxEngineError as error:
        log.warning("probe of %s: %s", ", ".join(promises), error)
        return dict.fromkeys(promises, containers.unknown(error.message))
    except Exception as error:
        # A host that answers in a way no probe foresaw must not stop the worker.
        log.exception("probe of %s", ", ".join(promises))
        return dict.fromkeys(promises, containers.unknown(f"the probe failed: {error}"))


def _keep(host: Host, found: Mapping[str, Finding]) -> None:
    before = hosts.findings_of(host)
    kept: dict[str, Any] = {
        "at": timezone.now().isoformat(),
        "engine": host.engine_digest,
        "engine_version": host.engine_version,
        "settings": settings_digest(),
        "facts": hosts.engine_facts(engine.info()),
        "findings": {promise: asdict(finding) for promise, finding in found.items()},
    }
    Host.objects.filter(pk=host.pk).update(examination=kept)
    for promise, finding in found.items():
        if finding.verdict != Verdict.KEPT and before.get(promise) != finding:
            log.warning("%s: %s (%s)", promise, finding.verdict, finding.evidence)
