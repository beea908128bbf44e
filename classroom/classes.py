"""Classes: who is in one, by which code they join, and how fast a class may start machines."""

import secrets
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from classroom.models import SEAT_NAME_LENGTH, Class, Seat, User
from sandbox import rates
from sandbox.errors import SandboxUserError

# Without letters and digits that look alike on a projector: 0 O, 1 I L, 5 S, 8 B.
CODE_CHARACTERS = "ACDEFGHJKMNPQRTUVWXYZ234679"
CODE_LENGTH = 6
# As SQL, because every Start asks it: Django takes 0.5 ms to put it together.
JOINED_LAST = """
    SELECT classroom_class.* FROM classroom_class
    JOIN classroom_seat ON classroom_seat.in_class_id = classroom_class.id
    WHERE classroom_seat.learner_id = %s AND classroom_class.closed_at IS NULL
    ORDER BY classroom_seat.joined_at DESC LIMIT 1"""
# Guesses of one person: the codes are far apart, and a class should not be walked into.
JOIN_RATE = "10/minute"


class NoSuchClass(SandboxUserError):
    code = "not_found"
    message = _("There is no open class with this code.")
    hint = _("Look at the code again, or ask whoever teaches the class.")
    status = 404


class ClassClosed(NoSuchClass):
    code = "class_closed"
    message = _("This class is closed.")
    hint = _("Ask whoever teaches it for the code of the class that is on now.")
    status = 410


class TooManyGuesses(SandboxUserError):
    code = "too_many"
    message = _("Too many codes in a short time.")
    hint = _("Wait a minute, and look at the code again.")
    status = 429


def open_class(
    name: str,
    instructor: User | None = None,
    start_rate: str = "",
    *,
    shares_previews: bool = False,
) -> Class:
    """Make a class with a code of its own; `start_rate` empty is the site's START_RATE_CLASS."""
    while True:
        code = "".join(secrets.choice(CODE_CHARACTERS) for _ in range(CODE_LENGTH))
        try:
            with transaction.atomic():
                return Class.objects.create(
                    name=name,
                    code=code,
                    instructor=instructor,
                    start_rate=start_rate,
                    shares_previews=shares_previews,
                )
        except IntegrityError:
            continue  # somebody else's code


def find(code: str) -> Class:
    """The open class of that code, however it was typed. Raises NoSuchClass, ClassClosed."""
    typed = code.strip().upper().replace("-", "").replace(" ", "")
    found = Class.objects.filter(code=typed).first()
    if found is None:
        raise NoSuchClass
    if found.closed_at is not None:
        raise ClassClosed
    return found


def join(learner: User, code: str, name: str = "") -> Class:
    """Give a learner a seat, under `name` if they give one. Again is the same seat.

    Raises NoSuchClass, ClassClosed, TooManyGuesses.
    """
    if refused := rates.hit([rates.Limit(f"join:{learner.pk}", JOIN_RATE)]):
        raise TooManyGuesses(retry_after_seconds=refused[1])
    return seat(find(code), learner, name)


def seat(found: Class, learner: User, name: str = "") -> Class:
    """Give a learner a seat in a class, now the one that counts for them."""
    given = {"name": clean} if (clean := _clean(name)) else {}
    Seat.objects.update_or_create(
        in_class=found, learner=learner, defaults={"joined_at": timezone.now(), **given}
    )
    return found


def _clean(name: str) -> str:
    """One line that can be shown, bounded."""
    words = " ".join(name.split())
    return "".join(c for c in words if c.isprintable())[:SEAT_NAME_LENGTH].strip()


def seats_of(learner: Any) -> list[Seat]:
    """A learner's seats in open classes, the one that counts first."""
    if not learner.is_authenticated:
        return []
    rows = Seat.objects.filter(learner=learner.pk, in_class__closed_at=None)
    return list(rows.select_related("in_class").order_by("-joined_at"))


def leave(learner: Any, code: str) -> None:
    """Give up one's seat in a class, if one has one there."""
    Seat.objects.filter(learner=learner.pk, in_class__code=code).delete()


def close(found: Class) -> None:
    """End a class: nobody joins it any more, it limits nobody, its warm machines are let go.
    Seats stay."""
    if Class.objects.filter(pk=found.pk, closed_at=None).update(closed_at=timezone.now()):
        found.orders.all().delete()


def share_previews(found: Class, offered: bool) -> None:
    """Say whether a class's learners are offered to share their previews' addresses."""
    Class.objects.filter(pk=found.pk).update(shares_previews=offered)


def allow(found: Class, *, looking: bool, sharing: bool) -> None:
    """Say what whoever teaches a class allows: looking at terminals, sharing previews."""
    Class.objects.filter(pk=found.pk).update(may_look=looking, shares_previews=sharing)


def remove(found: Class, seat_id: int) -> None:
    """Take a seat away; its learner may join again while the class is open."""
    Seat.objects.filter(in_class=found, pk=seat_id).delete()


def shares_previews(learner: Any) -> bool:
    """Whether a learner is offered to share a preview; nobody outside a class is."""
    found = _latest(learner)
    return found is not None and found.shares_previews


def _latest(learner: Any) -> Class | None:
    """The open class that counts for a learner: the one joined last."""
    return next(iter(Class.objects.raw(JOINED_LAST, [learner.pk])), None)


def start_limits(learner: Any) -> list[rates.Limit]:
    """What limits the Starts of a learner beside their own: that of the class they joined last."""
    found = _latest(learner)
    if found is None:
        return []
    return [
        rates.Limit(
            f"start:class:{found.pk}",
            found.start_rate or settings.START_RATE_CLASS,
            words=gettext("%(name)s starts more machines at once than it may.")
            % {"name": found.name},
            hint=gettext(
                "Wait until Start is free again; those who started before you have theirs."
            ),
        )
    ]
