"""Beat goes on ticking when the wall clock is set back."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from celery import Celery
from celery.beat import ScheduleEntry, Scheduler

from config.beat import SteadyScheduler

EVERY_SECONDS = 5.0


class Clock:
    """A wall clock that can be set."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self, *_: Any) -> datetime:
        return datetime.now().astimezone() + self.ahead


@pytest.fixture
def clock() -> Iterator[Clock]:
    made = Clock()
    with (
        patch.object(ScheduleEntry, "default_now", made.now),
        patch("celery.schedules.schedule.now", made.now),
    ):
        yield made


def sent_by(kind: type[Scheduler], clock: Clock, *jumps: timedelta) -> list[int]:
    """How many ticks were sent after each jump, at most two turns later."""
    app = Celery("test", broker="memory://", set_as_current=False)
    app.conf.beat_schedule = {"reap": {"task": "reap", "schedule": EVERY_SECONDS}}
    sent: list[str] = []
    scheduler = kind(app=app)
    with patch.object(kind, "apply_async", lambda self, entry, **_: sent.append(entry.task)):
        counts = []
        for jump in (timedelta(), *jumps):
            before = len(sent)
            clock.ahead += jump
            # What beat itself would wait for by a clock that nobody sets.
            for _ in range(2):
                scheduler.tick()
                clock.ahead += timedelta(seconds=EVERY_SECONDS)
            counts.append(len(sent) - before)
    return counts


@pytest.mark.parametrize("days", [1, -1, -30])
def test_a_clock_that_was_set_stops_no_ticks(clock: Clock, days: int) -> None:
    day = timedelta(days=days)
    counts = sent_by(SteadyScheduler, clock, day, -day)
    assert all(counts), counts


def test_celerys_own_scheduler_would_stop(clock: Clock) -> None:
    """Else the test above shows nothing."""
    assert sent_by(Scheduler, clock, timedelta(days=-1))[-1] == 0


def test_ticks_keep_their_pace(clock: Clock) -> None:
    app = Celery("test", broker="memory://", set_as_current=False)
    app.conf.beat_schedule = {"reap": {"task": "reap", "schedule": EVERY_SECONDS}}
    sent: list[str] = []
    scheduler = SteadyScheduler(app=app)
    with patch.object(
        SteadyScheduler, "apply_async", lambda self, entry, **_: sent.append(entry.task)
    ):
        for _ in range(60):
            scheduler.tick()
            clock.ahead += timedelta(seconds=1)
    assert 11 <= len(sent) <= 13, "sixty seconds, one in five"
