"""Warm machines for a class: ordered from its page for a time of day, forgotten with it."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from classroom.models import Class
from sandbox import pool
from sandbox.errors import BadRequest
from sandbox.models import PoolOrder

# An order for a time of today that is over by less than this is for now, else for tomorrow:
# whoever is late for class does not mean the next day.
LATE = timedelta(hours=1)
# Machines are made earlier than they take, because the host has other work too; and never more
# than this much earlier.
EARLY_FACTOR = 1.5
EARLIEST = timedelta(minutes=30)


@dataclass(frozen=True)
class Standing:
    """A shape of warm machine that is there or wanted; `most` can be there at once."""

    kind: str
    name: str
    ready: int
    wanted: int
    most: int


def zone_of(name: str) -> tzinfo:
    """The time zone of a browser, by the name it gives; the site's own for any that is unknown."""
    try:
        return ZoneInfo(name) if 0 < len(name) < 64 else timezone.get_default_timezone()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone.get_default_timezone()


def order(found: Class, shape: str, count: str, minutes: str, at: str, zone: tzinfo) -> PoolOrder:
    """Have warm machines for a class, from a form's words.

    `shape`: kind and machine name with a space between; `at`: HH:MM in `zone`, empty for now.
    They are made before that time, so that they are there then, and kept `minutes` from then
    on. Raises BadRequest.
    """
    kind, _space, name = shape.partition(" ")
    try:
        machines, kept_minutes = int(count), int(minutes)
    except ValueError as error:
        raise BadRequest(
            _("The count and the minutes are numbers."), _("Write them in digits.")
        ) from error
    now = timezone.now()
    wanted_at = _moment(at, zone, now)
    begins_at = max(now, wanted_at - _early(kind, machines))
    early_minutes = int((wanted_at - begins_at).total_seconds() // 60)
    with transaction.atomic():
        made = pool.order(kind, machines, begins_at, kept_minutes, name)
        if early_minutes:
            made.ends_at += timedelta(minutes=early_minutes)
            made.save(update_fields=["ends_at"])
        found.orders.add(made)
    return made


def _early(kind: str, machines: int) -> timedelta:
    """How long before their time to begin with so many machines; `pool.order` judges both."""
    if kind not in pool.UNMEASURED_SECONDS or not 1 <= machines <= pool.LARGEST_ORDER:
        return timedelta()
    seconds = pool.making_seconds(kind, machines) * EARLY_FACTOR
    # Whole minutes: the page shows no seconds.
    return min(EARLIEST, timedelta(minutes=-(-seconds // 60)))


def _moment(at: str, zone: tzinfo, now: datetime) -> datetime:
    if not at:
        return now
    try:
        time_of_day = time.fromisoformat(at)
    except ValueError as error:
        raise BadRequest(
            _("This is no time of day."), _("Write it as 08:55, or leave it empty for now.")
        ) from error
    local = now.astimezone(zone)
    wanted = datetime.combine(local.date(), time_of_day.replace(tzinfo=None), zone)
    if now - wanted >= LATE:
        wanted = datetime.combine(local.date() + timedelta(days=1), wanted.time(), zone)
    return max(now, wanted)


def forget(found: Class, order_id: str) -> None:
    """Forget an order of a class, if it has one of that id."""
    if order_id.isdecimal() and len(order_id) < 19:
        found.orders.filter(pk=int(order_id)).delete()


def open_orders(found: Class) -> list[PoolOrder]:
    """Orders of a class that are not over, the first to begin first."""
    orders = found.orders.filter(ends_at__gt=timezone.now())
    return list(orders.order_by("begins_at", "pk"))


def others(found: Class) -> int:
    """How many orders that are not over are not this class's."""
    return PoolOrder.objects.filter(ends_at__gt=timezone.now()).exclude(for_class=found).count()


def standing() -> list[Standing]:
    """What is warm on this site, or should be; its machines serve whoever presses Start."""
    found = pool.standing()
    most = {kind: pool.most(kind) for kind in {kind for kind, *_rest in found}}
    return [Standing(kind, name, ready, wanted, most[kind]) for kind, name, ready, wanted in found]
