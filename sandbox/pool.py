"""The warm pool: machines that are up before anybody asks for them.

A warm machine is one of a kind under one name, because a container's host name can't be
changed later; it has no network, so it serves lessons whose machines don't talk to each
other. This module is the database's side, for any process: what is wanted, what is there,
who gets it. `pool_keeper` makes and removes the machines.
"""

import math
import time
from collections import Counter
from datetime import datetime, timedelta
from statistics import median

from django.conf import settings
from django.db.models import F, Sum
from django.utils import timezone

from sandbox import admission, hosts
from sandbox.errors import BadRequest
from sandbox.models import PoolOrder, PoolShape, Sandbox, WarmMachine, WarmState
from sandbox.specs import RUNNABLE_KINDS, SandboxSpec, limits_of
from sandbox.start_queries import claim_warm

Shape = tuple[str, str]
PRESENT = (WarmState.MAKING, WarmState.READY)
LARGEST_ORDER = 300
LONGEST_ORDER_MINUTES = 24 * 60
# Before any of the kind was made here, on a small machine; and of how many the median is taken.
UNMEASURED_SECONDS = {"shell": 2.0, "docker": 6.0, "vm": 15.0}
SAMPLES = 20
# The same use again is written down once in so long; a class is one use. By kind, the name
# noted last by this process, and until when.
NOTED_SECONDS = 5.0
_noted: dict[str, tuple[str, float]] = {}


def claim(sandbox: Sandbox, spec: SandboxSpec) -> int:
    """Give `sandbox` a ready warm machine for each of its machines that can have one.

    Call inside the transaction that makes the sandbox. Returns how many were claimed. A
    claim is a conditional UPDATE and final: a machine goes from ready to claimed once and
    is removed with its sandbox.
    """
    if spec.needs_network:
        return 0
    plain = [machine for machine in spec.machines if machine.is_plain]
    for machine in plain:
        _note_use(machine.kind, machine.name)
    return sum(claim_warm(sandbox.pk, machine.kind, machine.name) for machine in plain)


def _note_use(kind: str, name: str) -> None:
    noted, until = _noted.get(kind, ("", 0.0))
    if noted == name and time.monotonic() < until:
        return
    _noted[kind] = name, time.monotonic() + NOTED_SECONDS
    used = PoolShape.objects.filter(kind=kind, name=name).update(used_at=timezone.now())
    if not used:
        PoolShape.objects.create(kind=kind, name=name, used_at=timezone.now())


def expect(lessons: Counter[Shape]) -> None:
    """Remember which shapes the courses use, and in how many lessons, until Starts tell more."""
    for (kind, name), count in lessons.items():
        PoolShape.objects.update_or_create(kind=kind, name=name, defaults={"lessons": count})


def likeliest(kind: str) -> str | None:
    """The machine name that the next Start of `kind` will probably want; None if unknown."""
    last_first = F("used_at").desc(nulls_last=True)
    found = PoolShape.objects.filter(kind=kind).order_by(last_first, "-lessons", "name")
    return found.values_list("name", flat=True).first()


def wanted() -> Counter[Shape]:
    """How many warm machines of each shape there should be now."""
    now = timezone.now()
    counts: Counter[Shape] = Counter()
    for kind in RUNNABLE_KINDS:
        standing = getattr(settings, f"SANDBOX_POOL_{kind.upper()}")
        if standing and (name := likeliest(kind)):
            counts[kind, name] = standing
    for order in PoolOrder.objects.filter(begins_at__lte=now, ends_at__gt=now):
        shape = (order.kind, order.name)
        counts[shape] = max(counts[shape], order.count)
    return counts


def present() -> Counter[Shape]:
    """How many warm machines of each shape there are, or are being made."""
    rows = WarmMachine.objects.filter(state__in=PRESENT).values_list("kind", "name")
    return Counter((kind, name) for kind, name in rows)


def held_bytes() -> int:
    """Bytes of memory limits that unclaimed warm machines hold."""
    held = WarmMachine.objects.filter(state__in=PRESENT).aggregate(held=Sum("memory_bytes"))
    return held["held"] or 0


def memory_bytes_of(kind: str) -> int:
    return limits_of(kind).memory_bytes


def reserve_bytes() -> int:
    """Bytes of memory limits that warm machines leave to Starts."""
    percent: int = settings.SANDBOX_POOL_RESERVE_PERCENT
    return admission.capacity_bytes(hosts.glance()) * percent // 100


def most(kind: str) -> int:
    """How many warm machines of a kind can be there at once while nobody has machines."""
    percent: int = 100 - settings.SANDBOX_POOL_RESERVE_PERCENT
    room = admission.capacity_bytes(hosts.glance()) * percent // 100
    return int(max(0, room // memory_bytes_of(kind)))


def making_seconds(kind: str, count: int) -> int:
    """How long it will probably take to make so many warm machines, from the latest ones."""
    made = WarmMachine.objects.filter(kind=kind, ready_at__isnull=False).order_by("-ready_at")
    rows = made.values_list("created_at", "ready_at")[:SAMPLES]
    measured = [(ready - created).total_seconds() for created, ready in rows if ready]
    each = median(measured) if measured else UNMEASURED_SECONDS[kind]
    in_flight: int = settings.SANDBOX_POOL_IN_FLIGHT
    rounds = math.ceil(count / max(1, in_flight))
    return math.ceil(rounds * each)


def order(kind: str, count: int, begins_at: datetime, minutes: int, name: str = "") -> PoolOrder:
    """Have `count` warm machines from `begins_at` on for so many minutes.

    Raises BadRequest for a kind that can't run here, a count that is out of range, or when
    no machine name is given and none is known.
    """
    if kind not in RUNNABLE_KINDS:
        known = ", ".join(sorted(RUNNABLE_KINDS))
        raise BadRequest(f"There is no kind {kind} here.", f"Use one of: {known}.")
    if not (1 <= count <= LARGEST_ORDER and 1 <= minutes <= LONGEST_ORDER_MINUTES):
        raise BadRequest(
            "The order is out of range.",
            f"1 to {LARGEST_ORDER} machines, for 1 to {LONGEST_ORDER_MINUTES} minutes.",
        )
    chosen = name or likeliest(kind)
    if not chosen:
        raise BadRequest(
            "No lesson with such a machine is known.", "Name the machine, as the lesson does."
        )
    return PoolOrder.objects.create(
        kind=kind,
        name=chosen,
        count=count,
        begins_at=begins_at,
        ends_at=begins_at + timedelta(minutes=minutes),
    )


def forget(order_id: str) -> None:
    """Forget an order, if there is one of that id; the next tick removes what nobody wants."""
    if order_id.isdecimal():
        PoolOrder.objects.filter(pk=int(order_id)).delete()


def open_orders() -> list[PoolOrder]:
    """Orders that are not over, the first to begin first."""
    return list(PoolOrder.objects.filter(ends_at__gt=timezone.now()).order_by("begins_at", "pk"))


def shapes() -> list[PoolShape]:
    """What can be kept warm: those whose name is known, the one used last first."""
    last_first = F("used_at").desc(nulls_last=True)
    known = PoolShape.objects.filter(kind__in=RUNNABLE_KINDS)
    return list(known.order_by(last_first, "-lessons", "kind", "name"))


def standing() -> list[tuple[str, str, int, int]]:
    """(kind, name, ready, wanted) of each shape that is there or wanted, by name."""
    asked = wanted()
    rows = WarmMachine.objects.filter(state=WarmState.READY).values_list("kind", "name")
    ready = Counter((kind, name) for kind, name in rows)
    return [(*shape, ready[shape], asked[shape]) for shape in sorted({*asked, *ready})]
