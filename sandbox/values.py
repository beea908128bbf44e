"""A measured value: never a bare number, always with its unit, its moment and its method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

BYTES = "B"
SECONDS = "s"
COUNT = "count"
PERCENT = "%"
TEXT = ""


@dataclass(frozen=True)
class Value:
    """What was found out about `subject` (a machine, a guest or a container in one).

    `value` is None when it could not be read; `how` then says why. `emulated`: read from a
    virtual machine whose processor is emulated, so that times say little about real ones.
    """

    subject: str
    name: str
    value: float | int | str | None
    unit: str
    how: str
    taken_at: datetime
    emulated: bool = False

    def as_json(self) -> dict[str, Any]:
        """JSON-ready; the time in ISO 8601."""
        return asdict(self) | {"taken_at": self.taken_at.isoformat()}


Note = Callable[[str, "float | int | str | None", str, str], Value]


def taker(subject: str, *, emulated: bool = False) -> Note:
    """A function `(name, value, unit, how)` that makes values of one subject, taken now."""

    def take(name: str, value: float | int | str | None, unit: str, how: str) -> Value:
        return Value(subject, name, value, unit, how, timezone.now(), emulated)

    return take
