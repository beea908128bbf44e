"""Who may teach, which classes are theirs, and what the page of a class shows."""

from typing import Any

from django.db.models import Count, QuerySet

from classroom import board, warming
from classroom.models import Class, User
from classroom.people import is_operator, is_signed_in


def may_teach(user: Any) -> bool:
    """Whether this is somebody with an account who teaches or runs the site."""
    return is_signed_in(user) and user.role in (User.Role.INSTRUCTOR, User.Role.OPERATOR)


def taught_by(user: Any) -> QuerySet[Class]:
    """The open classes of an instructor, with `taken`, their seats; an operator's are all."""
    found = Class.objects.filter(closed_at=None).annotate(taken=Count("seats")).order_by("name")
    return found if is_operator(user) else found.filter(instructor=user.pk)


def live(found: Class) -> dict[str, Any]:
    """What changes on a class's page while somebody looks at it."""
    rows = board.rows(found)
    warm = warming.standing()
    return {
        "found": found,
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
