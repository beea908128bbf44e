"""API of classes: a learner joins one."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from classroom import classes

router = Router(tags=["classes"])


class JoinIn(Schema):
    code: str = Field(max_length=40)
    # What the class sees; without one a guest is told apart by their id alone.
    name: str = Field(default="", max_length=40)


class ClassOut(Schema):
    name: str
    code: str
    # Whether its learners are offered to share the addresses of their previews.
    shares_previews: bool
    # Whether whoever teaches it may look at its learners' terminals; they are told while it happens.
    may_look: bool


@router.post("/classes/join", response=ClassOut)
def join_class(request: HttpRequest, payload: JoinIn) -> Any:
    """Take a seat in a class by its code; again is the same seat."""
    return classes.join(request.user, payload.code, payload.name)  # type: ignore[arg-type]
