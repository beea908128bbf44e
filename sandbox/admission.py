"""Who may start now, who waits, who is refused: by memory limits against the host's memory."""

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from sandbox import hosts, rates, start_queries, transitions
from sandbox.errors import OutOfCapacity, TooManyStarts
from sandbox.models import Host, Sandbox, State
from sandbox.start_queries import HOLDING_MEMORY


def check_rate(learner_id: int, address: str, more: Sequence[rates.Limit] = ()) -> None:
    """Raise TooManyStarts when this learner, this address or one of `more` started too often.

    Raises BrokerDown.
    """
    limits = [
        *more,
        rates.Limit(f"start:learner:{learner_id}", settings.START_RATE_LEARNER),
        rates.Limit(f"start:address:{address}", settings.START_RATE_ADDRESS),
    ]
    if refused := rates.hit(limits):
        limit, seconds = refused
        raise TooManyStarts(limit.words, limit.hint, retry_after_seconds=seconds)


def first_state(memory_bytes: int, host: Host | None) -> tuple[str, int]:
    """REQUESTED when there is room on `host` now, QUEUED when not, and the place among those.

    Call inside a transaction. Raises OutOfCapacity when the queue is full, and for machines
    that can never fit.
    """
    hosts.lock()
    capacity = capacity_bytes(host)
    if memory_bytes > capacity:
        # It would wait at the queue's head for ever, and everybody behind it.
        raise OutOfCapacity(
            "These machines need more memory than this host gives to sandboxes.",
            "Whoever runs this site can raise SANDBOX_MEMORY_PERCENT or use a larger host.",
        )
    waiting, requested, held = start_queries.lines()
    if not waiting and memory_bytes <= capacity - held and not memory_is_short(host):
        return State.REQUESTED, requested + 1
    if waiting >= settings.SANDBOX_QUEUE_LIMIT:
        raise OutOfCapacity
    return State.QUEUED, waiting + 1


def capacity_bytes(host: Host | None) -> int:
    """Bytes that the memory limits of all machines together may reach."""
    total = host.memory_bytes if host else 0
    return int(total * settings.SANDBOX_MEMORY_PERCENT / 100)


def held_bytes() -> int:
    """Bytes of memory limits that sandboxes hold."""
    held = Sandbox.objects.filter(state__in=HOLDING_MEMORY).aggregate(held=Sum("memory_bytes"))
    return held["held"] or 0


def room_bytes() -> int:
    """Bytes of memory limits that can still be given out."""
    return capacity_bytes(hosts.current()) - held_bytes()


def memory_is_short(host: Host | None) -> bool:
    """Whether the host, as last measured, has less memory left than a Start may take."""
    available = host.memory_available_bytes if host else None
    return available is not None and available < settings.SANDBOX_MEMORY_FREE_MIB * 1024 * 1024


def admit_waiting() -> list[str]:
    """Move the queue's head to REQUESTED while it fits; return the ids admitted, in order."""
    admitted: list[str] = []
    with transaction.atomic():
        hosts.lock()
        host = hosts.current()
        room = 0 if memory_is_short(host) else capacity_bytes(host) - held_bytes()
        for waiting in Sandbox.objects.filter(state=State.QUEUED).order_by("created_at"):
            # First come, first served: a small one does not overtake a large one.
            if waiting.memory_bytes > room:
                break
            taken = Sandbox.objects.filter(pk=waiting.pk, state=State.QUEUED).update(
                state=State.REQUESTED, heartbeat_at=timezone.now()
            )
            if taken:
                room -= waiting.memory_bytes
                admitted.append(waiting.pk)
    for sandbox_id in admitted:
        transitions.announce(sandbox_id)
    if admitted:
        announce_queue()
    return admitted


def announce_queue() -> None:
    """Tell everybody who waits for memory where they are now."""
    for sandbox_id in Sandbox.objects.filter(state=State.QUEUED).values_list("pk", flat=True):
        transitions.announce(sandbox_id)
