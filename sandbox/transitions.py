"""Changes of state, each one conditional UPDATE.

`move` and friends return False when no row matched: somebody else was faster (a stop
against a start, two workers, two tabs), and the caller leaves the row to the winner.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from sandbox import events, hosts, specs
from sandbox.models import TRANSITIONS, Machine, Sandbox, State, WarmMachine
from sandbox.snapshots import snapshot


class ClaimLost(Exception):
    """Another worker, a stop or a reset took the sandbox over; drop what you were doing."""


def sources_of(target: str) -> list[str]:
    """The states from which `target` may follow."""
    return [state for state, targets in TRANSITIONS.items() if target in targets]


def move(
    sandbox_id: str, target: str, *, only_from: Iterable[str] | None = None, **fields: Any
) -> bool:
    """Change the state to `target` if the state allows it; tell the browsers when it did."""
    allowed = [s for s in sources_of(target) if only_from is None or s in only_from]
    moved = Sandbox.objects.filter(pk=sandbox_id, state__in=allowed).update(state=target, **fields)
    if moved:
        announce(sandbox_id)
    return bool(moved)


def announce(sandbox_id: str) -> None:
    """Send the sandbox as it is now to every browser that watches it."""
    sandbox = Sandbox.objects.prefetch_related("machines__terminal_names").get(pk=sandbox_id)
    events.publish(sandbox_id, {"type": "state", "sandbox": snapshot(sandbox)})


def claim(sandbox_id: str) -> str | None:
    """Take a requested sandbox, or one whose worker went silent; return the claim's token.

    None means that another worker has it, that it was stopped meanwhile, or that as many
    creations run as may at once; those take it when one of them is done (`claim_next`).
    A sandbox with warm machines needs no place: there is nothing to make. A guest to be
    booted needs a processor besides (`specs.BOOTS_AT_ONCE`).
    """
    with transaction.atomic():
        hosts.lock()
        warm = set(WarmMachine.objects.filter(sandbox_id=sandbox_id).values_list("kind", flat=True))
        if not warm and _creating().count() >= settings.SANDBOX_CREATES_IN_FLIGHT:
            return None
        machines = Machine.objects.filter(sandbox_id=sandbox_id)
        boots = "vm" not in warm and machines.filter(kind="vm").exists()
        if boots and not _has_processor(sandbox_id):
            return None
        token = _take(sandbox_id)
    if token:
        announce(sandbox_id)
        if boots:
            announce_waiting_guests()
    return token


def claim_next() -> tuple[str, str | None]:
    """Claim the requested sandbox that waits longest for a place: its id, and the claim's token."""
    waiting = Sandbox.objects.filter(state=State.REQUESTED).order_by("created_at")
    if not _has_processor():
        # Others need not wait behind guests that can't boot yet.
        waiting = waiting.exclude(machines__kind="vm")
    for sandbox_id in waiting.values_list("pk", flat=True)[: settings.SANDBOX_CREATES_IN_FLIGHT]:
        if token := claim(sandbox_id):
            return sandbox_id, token
    return "", None


def announce_waiting_guests() -> None:
    """Tell those whose guests wait for a processor where in the line they are now."""
    waiting = Sandbox.objects.filter(state=State.REQUESTED, machines__kind="vm").distinct()
    for sandbox_id in waiting.values_list("pk", flat=True):
        announce(sandbox_id)


def _creating() -> QuerySet[Sandbox]:
    """Creations that are under way; one whose worker went silent holds no place."""
    fresh = timezone.now() - timedelta(seconds=settings.SANDBOX_STALL_SECONDS)
    return Sandbox.objects.filter(state=State.STARTING, heartbeat_at__gte=fresh)


def _has_processor(sandbox_id: str = "") -> bool:
    """Whether one more guest may boot, beside those of the other sandboxes."""
    others = _creating().exclude(pk=sandbox_id)
    booting = others.filter(machines__kind="vm", machines__ready=False).distinct()
    return booting.count() < specs.BOOTS_AT_ONCE


def _take(sandbox_id: str) -> str | None:
    now = timezone.now()
    token = secrets.token_hex(8)
    stalled = Q(
        state=State.STARTING,
        heartbeat_at__lt=now - timedelta(seconds=settings.SANDBOX_STALL_SECONDS),
        attempts__lt=settings.SANDBOX_ATTEMPTS,
    )
    taken = (
        Sandbox.objects.filter(pk=sandbox_id)
        .filter(Q(state=State.REQUESTED) | stalled)
        .update(state=State.STARTING, claim=token, heartbeat_at=now, attempts=F("attempts") + 1)
    )
    return token if taken else None


def beat(sandbox_id: str, token: str) -> None:
    """Show that the worker holding `token` lives. Raises ClaimLost."""
    held = Sandbox.objects.filter(pk=sandbox_id, claim=token, state=State.STARTING)
    if not held.update(heartbeat_at=timezone.now()):
        raise ClaimLost(sandbox_id)


def stage(sandbox_id: str, token: str, name: str) -> None:
    """Record that the stage `name` is done, and say so to the browsers. Raises ClaimLost."""
    sandbox = Sandbox.objects.get(pk=sandbox_id)
    done = {"name": name, "seconds": seconds_since(sandbox.started_at)}
    held = Sandbox.objects.filter(pk=sandbox_id, claim=token, state=State.STARTING)
    # Only the holder of the claim writes stages, so reading them first loses nothing.
    if not held.update(stages=[*sandbox.stages, done], heartbeat_at=timezone.now()):
        raise ClaimLost(sandbox_id)
    events.publish(sandbox_id, {"type": "stage", **done})


def ready(sandbox_id: str, token: str) -> None:
    """Hand the sandbox over to its learner; its lifetime starts now. Raises ClaimLost."""
    now = timezone.now()
    started = Sandbox.objects.values_list("started_at", flat=True).get(pk=sandbox_id)
    held = Sandbox.objects.filter(pk=sandbox_id, claim=token, state=State.STARTING)
    moved = held.update(
        state=State.READY,
        ready_at=now,
        ready_seconds=seconds_since(started),
        expires_at=now + timedelta(seconds=settings.SANDBOX_LIFETIME_SECONDS),
        last_seen_at=now,
    )
    if not moved:
        raise ClaimLost(sandbox_id)
    announce(sandbox_id)


def seconds_since(moment: datetime | None) -> float:
    """Seconds from `moment` to now, in hundredths; 0 for None."""
    return round((timezone.now() - moment).total_seconds(), 2) if moment else 0.0
