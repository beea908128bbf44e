"""What whoever teaches a class sees of it: seats, states of machines, and machines kept warm."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone

from classroom.models import Class, Seat, User
from classroom.people import is_operator, is_signed_in
from sandbox import pool
from sandbox.errors import BadRequest
from sandbox.models import LIVE, PoolOrder, Sandbox

LATEST_MINUTES = 24 * 60


@dataclass(frozen=True)
class SeatState:
    """A learner in a class, and their machines of this moment, if any."""

    name: str
    sandbox: Sandbox | None


def may_teach(user: Any) -> bool:
    """Whether this is somebody with an account who teaches or runs the site."""
    return is_signed_in(user) and user.role in (User.Role.INSTRUCTOR, User.Role.OPERATOR)


def taught_by(user: Any) -> QuerySet[Class]:
    """The open classes of an instructor, with `taken`, their seats; an operator's are all."""
    found = Class.objects.filter(closed_at=None).annotate(taken=Count("seats")).order_by("name")
    return found if is_operator(user) else found.filter(instructor=user.pk)


def seats(found: Class) -> list[SeatState]:
    """Everybody in a class by name; three queries whatever its size."""
    rows = Seat.objects.filter(in_class=found).select_related("learner")
    live = Sandbox.objects.filter(
        learner__in=[row.learner_id for row in rows], state__in=LIVE
    ).defer("spec")
    of_learner = {sandbox.learner_id: sandbox for sandbox in live}
    return sorted(
        (SeatState(_name(row.learner), of_learner.get(row.learner_id)) for row in rows),
        key=lambda each: each.name.lower(),
    )


def _name(learner: User) -> str:
    """Guests have no name; the end of theirs tells them apart."""
    return f"Guest {learner.username[-4:]}" if learner.is_guest else learner.display_name


def summary(states: Iterable[SeatState]) -> list[tuple[str, int]]:
    """How many machines are in which state, and how many learners have none; in this order."""
    counts = {"ready": 0, "coming": 0, "waiting": 0, "none": 0}
    for each in states:
        counts[_word(each.sandbox)] += 1
    return list(counts.items())


def _word(sandbox: Sandbox | None) -> str:
    if sandbox is None:
        return "none"
    words = {"ready": "ready", "expiring": "ready", "queued": "waiting"}
    return words.get(sandbox.state, "coming")


def order_warm(shape: str, count: str, minutes: str, later: str) -> PoolOrder:
    """Have warm machines, from a form's words; what `manage.py pool warm` does.

    `shape`: kind and machine name with a space between; `later`: in how many minutes, empty for
    now. Not a time of day: server and classroom may be in different zones. Raises BadRequest.
    """
    kind, _, name = shape.partition(" ")
    try:
        machines, kept_minutes, later_minutes = int(count), int(minutes), int(later or 0)
    except ValueError as error:
        raise BadRequest(
            "The count and the minutes are numbers.", "Write them in digits."
        ) from error
    if not 0 <= later_minutes <= LATEST_MINUTES:
        raise BadRequest(
            "That is too far ahead.", f"At most {LATEST_MINUTES // 60} hours from now."
        )
    begins_at = timezone.now() + timedelta(minutes=later_minutes)
    return pool.order(kind, machines, begins_at, kept_minutes, name)
