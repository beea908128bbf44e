"""Celery's beat, for a wall clock that may be set back.

Beat notes when each tick was last sent and sends the next one so much later by the wall clock.
Set back by a day, it would send none for a day: nothing would end, and Start be off.
Source: Celery's documentation, "Periodic Tasks", section "Custom scheduler classes".
"""

from typing import Any

from celery.beat import Scheduler


class SteadyScheduler(Scheduler):  # type: ignore[misc]  # Celery has no types
    """Keeps its times in memory, and takes a time that is still to come for now."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        for entry in self.schedule.values():
            if entry.last_run_at is not None and entry.last_run_at > entry.default_now():
                entry.last_run_at = entry.default_now()
        # The heap is in order of times of the old clock.
        self._heap = None
        return float(super().tick(*args, **kwargs))
