"""The board of a class: who is here, on which lesson, with which machines, and who needs help.

It is asked for every few seconds by each page that shows it, so it costs the same few queries
whatever the size of the class.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext

from classroom import lesson_states
from classroom.lesson_states import LessonState
from classroom.models import Class, Seat, User
from courses.models import LessonVisit
from sandbox import estimates
from sandbox.models import LIVE, Sandbox, State

# A page with machines open says so every 30 s (`sandbox/presence.py`).
HERE = timedelta(seconds=75)
# A failed Start of last week is no news.
FAILURES = timedelta(hours=12)
WORDS: dict[str, str] = {
    State.QUEUED: "waiting",
    State.READY: "ready",
    State.EXPIRING: "ending",
    State.FAILED: "failed",
}
# In this order on the page; whose machines end soon has machines.
TILES = ("ready", "coming", "waiting", "failed", "none")


@dataclass(frozen=True)
class Row:
    """A seat: its learner, the lesson they are on and the machines of this moment, if any.

    `state` is none, waiting, coming, ready, ending or failed; `place` that in the line.
    """

    seat: Seat
    name: str
    seen_at: datetime | None
    here: bool
    state: str
    place: int | None
    sandbox: Sandbox | None
    lesson: LessonState | None

    @property
    def needs_help(self) -> bool:
        """Whether whoever teaches should go there."""
        return self.state == "failed" or bool(self.lesson and self.lesson.stuck)


def rows(found: Class, seat_id: int | None = None) -> list[Row]:
    """Everybody in a class, by name; with `seat_id` that one alone."""
    asked = Seat.objects.filter(in_class=found)
    if seat_id is not None:
        asked = asked.filter(pk=seat_id)
    seats = list(asked.select_related("learner"))
    learners = [seat.learner_id for seat in seats]
    sandboxes, visits = _sandboxes(learners), _visits(asked)
    places = estimates.positions(sandboxes.values())
    lessons = lesson_states.of(_places(learners, sandboxes, visits))
    made = [
        _row(seat, sandboxes.get(at), visits.get(at), places, lessons.get(at))
        for seat, at in zip(seats, learners, strict=True)
    ]
    return sorted(made, key=lambda row: (row.name.casefold(), row.seat.pk))


def summary(board: Iterable[Row]) -> list[tuple[str, int]]:
    """How many machines are in which state, and how many learners have none."""
    counts = dict.fromkeys(TILES, 0)
    for row in board:
        counts["ready" if row.state == "ending" else row.state] += 1
    return list(counts.items())


def name_of(seat: Seat) -> str:
    """What a learner is called in a class; nameless guests are told apart by their end."""
    if seat.name:
        return seat.name
    learner: User = seat.learner
    if not learner.is_guest:
        return learner.display_name
    return gettext("Guest %(end)s") % {"end": learner.username[-4:]}


def _visits(seats: QuerySet[Seat]) -> dict[int, LessonVisit]:
    """The lesson that the learner of each seat opened last."""
    latest = LessonVisit.objects.filter(learner=OuterRef("learner")).order_by("-last_at")
    of_seats = seats.annotate(visit=Subquery(latest.values("pk")[:1])).values("visit")
    return {visit.learner_id: visit for visit in LessonVisit.objects.filter(pk__in=of_seats)}


def _sandboxes(learners: list[int]) -> dict[int, Sandbox]:
    """Each learner's live sandbox; of those who have none, the last one if it failed."""
    recent = Q(state__in=LIVE) | Q(created_at__gt=timezone.now() - FAILURES)
    found = Sandbox.objects.filter(recent, learner__in=learners).defer("spec", "stages")
    last = {sandbox.learner_id: sandbox for sandbox in found.order_by("created_at")}
    shown = (*LIVE, State.FAILED)
    return {learner: sandbox for learner, sandbox in last.items() if sandbox.state in shown}


def _places(
    learners: Iterable[int],
    sandboxes: Mapping[int, Sandbox],
    visits: Mapping[int, LessonVisit],
) -> dict[int, lesson_states.Place]:
    """The lesson that each learner is on: that of their machines, else the one opened last."""
    at: dict[int, lesson_states.Place] = {}
    for learner in learners:
        sandbox, visit = sandboxes.get(learner), visits.get(learner)
        on = sandbox if sandbox and (sandbox.state in LIVE or not visit) else visit
        if on:
            at[learner] = on.course, on.lesson
    return at


def _row(
    seat: Seat,
    sandbox: Sandbox | None,
    visit: LessonVisit | None,
    places: Mapping[str, int],
    lesson: LessonState | None,
) -> Row:
    live = sandbox is not None and sandbox.state in LIVE
    times = [sandbox.last_seen_at if sandbox else None, visit.last_at if visit else None]
    seen_at = max((at for at in times if at), default=None)
    return Row(
        seat=seat,
        name=name_of(seat),
        seen_at=seen_at,
        here=bool(seen_at and live and timezone.now() - seen_at < HERE),
        state=WORDS.get(sandbox.state, "coming") if sandbox else "none",
        place=places.get(sandbox.pk) if sandbox else None,
        sandbox=sandbox,
        lesson=lesson,
    )
