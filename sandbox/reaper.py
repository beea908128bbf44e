"""Ends sandboxes that are over, takes over what is stuck, and compares database and engine.

Truth is the database. Deadlines are compared with the wall clock; when that clock was set,
which CLOCK_BOOTTIME reveals, all deadlines move with it, so that a wrong clock put right
ends nobody's machines.
"""

import logging
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from sandbox import (
    admission,
    assembly,
    creation,
    disk,
    dispatch,
    egress_keeper,
    engine,
    events,
    hosts,
    pool_keeper,
    recordings,
    transitions,
)
from sandbox.errors import MachineDied, MachineFailed, SandboxEngineError
from sandbox.models import (
    LIVE,
    USABLE,
    Host,
    Preview,
    Sandbox,
    State,
    WarmMachine,
    WarmState,
)

log = logging.getLogger(__name__)
# Two minutes, and what a tick that comes late or was missed takes off them.
WARNING_SECONDS = 135
CLOCK_JUMP_SECONDS = 30
STUCK_STOP_SECONDS = 15
REMOVALS_AT_ONCE = 4
# How long a pass waits for its removals; the engine's own limit for a call is longer.
REMOVAL_SECONDS = 20
# An object without a row may belong to a row that is just being written elsewhere.
ORPHAN_LABEL = "slipway.sandbox"


def reap() -> None:
    """One tick, every few seconds."""
    host = hosts.refresh()
    shift_if_clock_jumped(host)
    _warn_and_expire()
    _end_idle()
    _resume_stalled()
    disk.end_oversized()
    for sandbox_id in admission.admit_waiting():
        dispatch.create(sandbox_id)
    pool_keeper.tend()
    recordings.remove_expired()


def shift_if_clock_jumped(
    host: Host, boot: float | None = None, wall: float | None = None
) -> float:
    """Move all deadlines when the wall clock was set; return by how many seconds."""
    boot = time.clock_gettime(time.CLOCK_BOOTTIME) if boot is None else boot
    wall = time.time() if wall is None else wall
    jump = 0.0
    if host.clock_boot is not None and host.clock_wall is not None and boot >= host.clock_boot:
        jump = (wall - host.clock_wall) - (boot - host.clock_boot)
    # In one transaction: a clock kept without its shift would leave the deadlines wrong for good.
    with transaction.atomic():
        seen = Host.objects.filter(
            pk=host.pk, clock_boot=host.clock_boot, clock_wall=host.clock_wall
        )
        if not seen.update(clock_boot=boot, clock_wall=wall):
            return 0.0  # another tick was faster, and has moved the deadlines if need be
        if abs(jump) < CLOCK_JUMP_SECONDS:
            return 0.0
        log.warning("the wall clock jumped by %.0f s; all deadlines move with it", jump)
        _shift_deadlines(timedelta(seconds=jump))
    return jump


def _shift_deadlines(delta: timedelta) -> None:
    Sandbox.objects.filter(state__in=[*LIVE, State.STOPPING]).update(
        # The queue's order is by creation.
        created_at=F("created_at") + delta,
        expires_at=F("expires_at") + delta,
        last_seen_at=F("last_seen_at") + delta,
        heartbeat_at=F("heartbeat_at") + delta,
        started_at=F("started_at") + delta,
    )
    Preview.objects.filter(sandbox__state__in=LIVE).update(expires_at=F("expires_at") + delta)
    WarmMachine.objects.update(
        created_at=F("created_at") + delta,
        ready_at=F("ready_at") + delta,
        expires_at=F("expires_at") + delta,
    )


def _warn_and_expire() -> None:
    now = timezone.now()
    soon = Sandbox.objects.filter(
        state=State.READY, expires_at__lte=now + timedelta(seconds=WARNING_SECONDS)
    )
    for sandbox in soon:
        if transitions.move(sandbox.pk, State.EXPIRING, only_from=[State.READY]):
            events.publish(
                sandbox.pk,
                {
                    "type": "warning",
                    "code": "expiring",
                    "message": "These machines end in two minutes.",
                    "hint": "Press Extend to keep them.",
                },
            )
    for sandbox in Sandbox.objects.filter(state__in=USABLE, expires_at__lte=now):
        _stop(sandbox.pk, "expired", "The time of these machines is over.")


def _end_idle() -> None:
    limit = timezone.now() - timedelta(seconds=settings.SANDBOX_IDLE_SECONDS)
    for sandbox in Sandbox.objects.filter(state__in=USABLE, last_seen_at__lt=limit):
        minutes = settings.SANDBOX_IDLE_SECONDS // 60
        _stop(sandbox.pk, "idle", f"Nobody had these machines open for {minutes} minutes.")


def _stop(sandbox_id: str, code: str, message: str) -> None:
    moved = transitions.move(
        sandbox_id,
        State.STOPPING,
        only_from=LIVE,
        heartbeat_at=timezone.now(),
        error_code=code,
        error_message=message,
        error_hint="Start gives you fresh ones. Your progress is kept.",
    )
    if moved:
        dispatch.destroy(sandbox_id)


def _resume_stalled() -> None:
    """Take over creations whose worker went silent, and repeat dispatches that got lost."""
    silent = timezone.now() - timedelta(seconds=settings.SANDBOX_STALL_SECONDS)
    for sandbox in Sandbox.objects.filter(
        Q(state=State.REQUESTED) | Q(state=State.STARTING), heartbeat_at__lt=silent
    ):
        if sandbox.state == State.STARTING and sandbox.attempts >= settings.SANDBOX_ATTEMPTS:
            log.error("sandbox %s: given up after %s attempts", sandbox.pk, sandbox.attempts)
            # Only if it is as silent as it was: a worker that is slow may just have finished.
            creation.fail(
                sandbox.pk,
                MachineFailed(),
                claim=sandbox.claim,
                state=sandbox.state,
                heartbeat_at=sandbox.heartbeat_at,
            )
            continue
        if sandbox.state == State.REQUESTED:
            # Once per silence: when all workers are busy, each tick would add a message.
            Sandbox.objects.filter(pk=sandbox.pk, state=State.REQUESTED).update(
                heartbeat_at=timezone.now()
            )
        dispatch.create(sandbox.pk)
    stuck = timezone.now() - timedelta(seconds=STUCK_STOP_SECONDS)
    for sandbox in Sandbox.objects.filter(state=State.STOPPING, heartbeat_at__lt=stuck):
        Sandbox.objects.filter(pk=sandbox.pk).update(heartbeat_at=timezone.now())
        dispatch.destroy(sandbox.pk)


def verify(sandbox_id: str) -> None:
    """Fail a sandbox in use whose machines don't run any more."""
    sandbox = Sandbox.objects.filter(pk=sandbox_id, state__in=USABLE).first()
    if sandbox is None:
        return
    try:
        if assembly.runs(sandbox):
            return
    except SandboxEngineError as error:
        # An engine that is away says nothing about its containers.
        log.warning("sandbox %s can't be verified now: %s", sandbox_id, error)
        return
    # Not if it was reset or stopped meanwhile: then its machines are meant to be gone.
    creation.fail(sandbox_id, MachineDied(), claim=sandbox.claim, state__in=USABLE)


def reconcile() -> None:
    """Remove engine objects that no live row knows; fail rows whose machines are gone."""
    try:
        found = engine.objects_labelled(assembly.instance_label())
    except SandboxEngineError as error:
        log.warning("nothing reconciled: %s", error)
        return
    wanted = set(
        Sandbox.objects.filter(state__in=[*LIVE, State.STOPPING]).values_list("pk", flat=True)
    )
    wanted |= _warm_wanted(wanted)
    orphans = {labels[ORPHAN_LABEL] for *_, labels in found if ORPHAN_LABEL in labels} - wanted
    _remove_orphans(orphans)
    for sandbox_id in Sandbox.objects.filter(state__in=USABLE).values_list("pk", flat=True):
        verify(sandbox_id)
    egress_keeper.tend()
    try:
        pool_keeper.verify()
    except SandboxEngineError as error:
        log.warning("the pool can't be verified now: %s", error)


def _remove_orphans(sandbox_ids: Iterable[str]) -> None:
    """Remove some at once, so that one that hangs holds up neither the others nor the pass."""
    threads = ThreadPoolExecutor(REMOVALS_AT_ONCE, thread_name_prefix="orphan")
    removals = [threads.submit(_remove_orphan, sandbox_id) for sandbox_id in sandbox_ids]
    late = wait(removals, REMOVAL_SECONDS).not_done
    if late:
        log.warning("%s removals go on behind the pass, or wait for the next one", len(late))
    threads.shutdown(wait=False, cancel_futures=True)


def _remove_orphan(sandbox_id: str) -> None:
    log.warning("removing what is left of sandbox %s", sandbox_id)
    try:
        assembly.remove_objects(sandbox_id)
    except SandboxEngineError as error:
        log.warning("sandbox %s is not removed yet: %s", sandbox_id, error)
    finally:
        connection.close()


def _warm_wanted(live: set[str]) -> set[str]:
    """Ids of warm machines in the pool, and of claimed ones whose sandbox is among `live`."""
    rows = WarmMachine.objects.exclude(state=WarmState.DISCARDED).values_list("pk", "sandbox_id")
    return {pk for pk, owner in rows if owner is None or owner in live}
