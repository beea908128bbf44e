"""Who may look at a learner's terminals: whoever teaches a class of theirs that allows it."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from classroom.models import Class, Seat, User
from sandbox import terminal_names
from sandbox.models import USABLE, Sandbox

TEACHERS = (User.Role.INSTRUCTOR, User.Role.OPERATOR)


@dataclass(frozen=True)
class Terminal:
    """A terminal of a learner's machine that can be looked at now."""

    sandbox: str
    machine: str
    kind: str
    name: str
    title: str


def may_look(user: Any, learner_id: int) -> bool:
    """Whether `user` teaches an open class that allows it and in which the learner has a seat.

    Everything is read anew, so that a look ends with the class, the seat, the role or the rule.
    An operator is no exception: running the site is no reason to look over shoulders.
    """
    if not settings.CLASS_MAY_LOOK:
        return False
    return Seat.objects.filter(
        learner=learner_id,
        in_class__closed_at=None,
        in_class__may_look=True,
        in_class__instructor=user.pk,
        in_class__instructor__is_active=True,
        in_class__instructor__is_guest=False,
        in_class__instructor__role__in=TEACHERS,
    ).exists()


def offers(user: Any, found: Class) -> bool:
    """Whether `user` is offered to look at the terminals of the learners of a class."""
    allowed: bool = settings.CLASS_MAY_LOOK
    return allowed and found.may_look and found.instructor_id == user.pk


def terminals(sandbox: Sandbox) -> list[Terminal]:
    """The terminals of a sandbox that is up, in the order its learner has them."""
    if sandbox.state not in USABLE:
        return []
    return [
        Terminal(sandbox.pk, machine.name, machine.kind, each["name"], each["title"])
        for machine in sandbox.machines.prefetch_related("terminal_names")
        for each in terminal_names.of(machine)
    ]
