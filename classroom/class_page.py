"""Who may teach, which classes are theirs, and what the page of a class shows."""

import hashlib
import time
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import get_language

from classroom import board, looking, warming
from classroom.board import Row
from classroom.models import Class, Seat, User
from classroom.people import is_operator, is_signed_in


def may_teach(user: Any) -> bool:
    """Whether this is somebody with an account who teaches or runs the site."""
    return is_signed_in(user) and user.role in (User.Role.INSTRUCTOR, User.Role.OPERATOR)


def taught_by(user: Any) -> QuerySet[Class]:
    """The open classes of an instructor, with `taken`, their seats; an operator's are all."""
    found = Class.objects.filter(closed_at=None).annotate(taken=Count("seats")).order_by("name")
    return found if is_operator(user) else found.filter(instructor=user.pk)


def live(found: Class, viewer: Any) -> dict[str, Any]:
    """What changes on a class's page while `viewer` has it open."""
    rows = board.rows(found)
    warm = warming.standing()
    return {
        "found": found,
        "looks": looking.offers(viewer, found),
        "rows": rows,
        "here": sum(row.here for row in rows),
        "summary": board.summary(rows),
        "trouble": [row for row in rows if row.needs_help],
        "warm": warm,
        "warm_ready": sum(each.ready for each in warm),
        "warm_wanted": sum(each.wanted for each in warm),
        "orders": warming.open_orders(found),
        "other_orders": warming.others(found),
    }


def seat(found: Class, seat_id: int, viewer: Any, wanted: str) -> dict[str, Any]:
    """What changes on the page of one learner of a class. Raises Seat.DoesNotExist.

    `wanted` names the terminal to look at as machine/terminal; the first there is without one.
    """
    (row,) = board.rows(found, seat_id) or (None,)
    if row is None:
        raise Seat.DoesNotExist
    offered = looking.offers(viewer, found)
    terminals = looking.terminals(row.sandbox) if offered and row.sandbox else []
    named = {f"{each.machine}/{each.name}": each for each in terminals}
    chosen = named.get(wanted) or next(iter(terminals), None)
    return {
        "found": found,
        "row": row,
        "looks": offered,
        "terminals": terminals,
        "chosen": chosen,
        "gone": bool(wanted) and wanted not in named,
    }


def version(shown: dict[str, Any], zone: str = "") -> str:
    """An entity tag of what `live` or `seat` found, as it reads in the reader's language and zone.

    Made of the facts, because drawing them takes three times as long as finding them, and most of
    the time nothing has changed. Once a minute it is another one: pages say how long ago.
    """
    facts = [_facts(row) for row in shown.get("rows", [shown.get("row")]) if row]
    named = [shown.get(key) for key in ("looks", "warm", "other_orders", "terminals", "chosen")]
    orders = [(order.pk, order.begins_at, order.ends_at) for order in shown.get("orders", ())]
    minute = int(time.time() // 60)
    text = repr([get_language(), zone, minute, facts, named, orders])
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _facts(row: Row) -> tuple[Any, ...]:
    sandbox = row.sandbox
    machines = sandbox and (
        sandbox.pk, sandbox.ready_at, sandbox.expires_at, sandbox.error_message, sandbox.error_hint
    )  # fmt: skip
    seen_at = None if row.here else row.seen_at
    place = (row.state, row.place, row.here, seen_at)
    return (row.seat.pk, row.name, *place, row.lesson, machines)
