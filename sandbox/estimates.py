"""How long a waiting sandbox will probably wait, from what was measured, never a guess in words."""

import math
import time
from collections.abc import Iterable, Iterator
from statistics import median

from django.conf import settings
from django.utils import timezone

from sandbox import start_queries
from sandbox.models import ADMITTED, USABLE, Sandbox, State
from sandbox.specs import BOOTS_AT_ONCE

# Before anything was measured here: a cold start on a small machine.
UNMEASURED_SECONDS = 3.0
SAMPLES = 20
MEDIAN_KEPT_SECONDS = 2.0
# The median as last measured, and until when it is taken.
_kept: dict[str, tuple[float, float]] = {}


def position(sandbox: Sandbox) -> int | None:
    """1 for the next in line, for memory (queued) or for a worker (requested); else None."""
    if sandbox.state not in (State.REQUESTED, State.QUEUED):
        return None
    if sandbox.just_made:
        return sandbox.just_made.place
    return start_queries.ahead_of(sandbox) + 1


def positions(sandboxes: Iterable[Sandbox]) -> dict[str, int]:
    """`position` of those that wait, by id, in one query; others are not in it."""
    waiting = {s.pk for s in sandboxes if s.state in (State.REQUESTED, State.QUEUED)}
    if not waiting:
        return {}
    lines: dict[str, list[str]] = {State.REQUESTED: [], State.QUEUED: []}
    rows = Sandbox.objects.filter(state__in=lines).order_by("created_at")
    for pk, state in rows.values_list("pk", "state"):
        lines[state].append(pk)
    return {pk: at for line in lines.values() for at, pk in enumerate(line, 1) if pk in waiting}


def seconds(sandbox: Sandbox, place: int | None) -> int | None:
    """Seconds until machines are there, for one at `place` of its queue.

    For one that waits for a worker: the median of the latest starts, times the rounds
    ahead. For one that waits for memory: until enough of the live sandboxes have expired,
    which is the longest it can take unless they are extended; None when none has a deadline.
    """
    if sandbox.state == State.REQUESTED:
        in_flight: int = settings.SANDBOX_CREATES_IN_FLIGHT
        if any(machine["kind"] == "vm" for machine in sandbox.spec.get("machines", [])):
            in_flight = min(in_flight, BOOTS_AT_ONCE)
        rounds = math.ceil((place or 1) / in_flight)
        return math.ceil(rounds * _start_seconds())
    return _until_memory(sandbox) if sandbox.state == State.QUEUED else None


def _start_seconds() -> float:
    """The median of the latest starts; asked once in a while, since a class asks all at once."""
    kept, until = _kept.get("median", (0.0, 0.0))
    if time.monotonic() >= until:
        kept = _measured_median()
        _kept["median"] = kept, time.monotonic() + MEDIAN_KEPT_SECONDS
    return kept


def _measured_median() -> float:
    measured = Sandbox.objects.filter(ready_seconds__isnull=False).order_by("-ready_at")
    latest = measured.values_list("ready_seconds", flat=True)[:SAMPLES]
    return median(found) if (found := [s for s in latest if s is not None]) else UNMEASURED_SECONDS


def _until_memory(sandbox: Sandbox) -> int | None:
    ahead = Sandbox.objects.filter(state=State.QUEUED, created_at__lt=sandbox.created_at)
    needed = sandbox.memory_bytes + sum(ahead.values_list("memory_bytes", flat=True))
    ends = sorted((_seconds_left(live), live.memory_bytes) for live in _ending())
    for seconds_left, memory in ends:
        needed -= memory
        if needed <= 0:
            return math.ceil(seconds_left)
    return None


def _ending() -> Iterator[Sandbox]:
    live = Sandbox.objects.filter(state__in=ADMITTED)
    return (s for s in live if s.state == State.STOPPING or s.expires_at is not None)


def _seconds_left(live: Sandbox) -> float:
    if live.state not in USABLE or live.expires_at is None:
        return 0.0
    return max(0.0, (live.expires_at - timezone.now()).total_seconds())
