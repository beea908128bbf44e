"""Runs on a learner's machines: asking for one, and what learners have measured.

A request writes a row and leaves the work to a worker (`sandbox.experiments`). Runs that
load the host go few at a time, since each would measure the others.
"""

from collections import defaultdict
from datetime import timedelta
from statistics import median
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from sandbox import dispatch, events, hosts
from sandbox.errors import RunLive, SandboxNotReady
from sandbox.measured import Run
from sandbox.models import USABLE, Sandbox
from sandbox.values import Value

Result = tuple[list[Value], dict[str, Any]]
LIVE = (Run.State.WAITING, Run.State.RUNNING)
# The longest a run may take, the wait for its turn not counted.
LONGEST_SECONDS = 420
# Samples kept of one sandbox; runs of the other sorts are all kept.
SAMPLES_KEPT = 60
OWN_SHOWN = 40
CLASS_READ = 2000
TOO_LONG = "It took too long and was given up. Try again."


def request(sandbox: Sandbox, what: str) -> Run:
    """Have a worker carry out a run. Raises SandboxNotReady, RunLive."""
    if sandbox.state not in USABLE:
        raise SandboxNotReady
    sweep()
    try:
        with transaction.atomic():
            run = Run.objects.create(
                learner_id=sandbox.learner_id,
                sandbox=sandbox,
                course=sandbox.course,
                lesson=sandbox.lesson,
                what=what,
            )
    except IntegrityError as error:
        raise RunLive from error
    transaction.on_commit(lambda: dispatch.experiment(run.pk))
    return run


def claim(run_id: int) -> Run | None:
    """Take a waiting run; None when somebody has it, or it must wait for its turn."""
    with transaction.atomic():
        hosts.lock()
        run = Run.objects.filter(pk=run_id, state=Run.State.WAITING).first()
        if run is None or (run.what != Run.What.MEASURE and not _has_turn(run)):
            return None
        waiting = Run.objects.filter(pk=run_id, state=Run.State.WAITING)
        if not waiting.update(state=Run.State.RUNNING, started_at=timezone.now()):
            return None
    run.refresh_from_db()
    announce(run)
    return run


def _has_turn(run: Run) -> bool:
    heavy = Run.objects.exclude(what=Run.What.MEASURE)
    running = heavy.filter(state=Run.State.RUNNING).count()
    before = heavy.filter(state=Run.State.WAITING, pk__lt=run.pk).count()
    free: int = settings.SANDBOX_RUNS_IN_FLIGHT - running
    return before < free


def finish(run: Run, *, values: list[dict[str, Any]], outcome: dict[str, Any]) -> None:
    """Keep what came of a run that this worker holds."""
    _end(run, Run.State.DONE, values=values, outcome=outcome)
    if run.what == Run.What.MEASURE and run.sandbox_id:
        samples = Run.objects.filter(sandbox_id=run.sandbox_id, what=Run.What.MEASURE)
        kept = samples.order_by("-pk").values_list("pk", flat=True)[:SAMPLES_KEPT]
        samples.exclude(pk__in=list(kept)).delete()


def fail(run: Run, message: str) -> None:
    """End a run that this worker holds with the reason in words."""
    _end(run, Run.State.FAILED, error=message[:500])


def _end(run: Run, state: str, **fields: Any) -> None:
    # Zero rows: it was given up meanwhile, and the browser has been told so.
    held = Run.objects.filter(pk=run.pk, state=Run.State.RUNNING)
    if held.update(state=state, finished_at=timezone.now(), **fields):
        run.refresh_from_db()
        announce(run)


def sweep() -> None:
    """Give up runs whose worker went away; have those that wait for a turn looked at again."""
    now = timezone.now()
    late = now - timedelta(seconds=LONGEST_SECONDS)
    gone = Run.objects.filter(state__in=LIVE).exclude(sandbox__state__in=USABLE)
    over = Run.objects.filter(state=Run.State.RUNNING, started_at__lt=late)
    for rows, why in ((gone, "The machines are gone."), (over, TOO_LONG)):
        rows.update(state=Run.State.FAILED, finished_at=now, error=why)


def next_waiting() -> list[int]:
    """Runs that may have their turn now, oldest first."""
    waiting = Run.objects.filter(state=Run.State.WAITING).order_by("pk")
    return list(waiting.values_list("pk", flat=True)[: settings.SANDBOX_RUNS_IN_FLIGHT])


def announce(run: Run) -> None:
    """Send the run as it is now to the browsers that watch its sandbox."""
    if run.sandbox_id:
        events.publish(run.sandbox_id, {"type": "measure", **as_json(run)})


def say(run: Run, **part: Any) -> None:
    """Send something that has just happened in a run."""
    if run.sandbox_id:
        said = {"type": "measure", "run": run.pk, "what": run.what, "part": part}
        events.publish(run.sandbox_id, said)


def as_json(run: Run) -> dict[str, Any]:
    """A run as API and events show it."""
    return {
        "run": run.pk,
        "what": run.what,
        "state": run.state,
        "values": run.values,
        "outcome": run.outcome,
        "error": run.error,
        "at": (run.finished_at or run.created_at).isoformat(),
    }


def own(learner: Any, course: str, lesson: str, what: str) -> list[Run]:
    """The learner's finished runs of a lesson, the oldest first."""
    rows = Run.objects.filter(
        learner=learner.pk, course=course, lesson=lesson, what=what, state=Run.State.DONE
    )
    return list(rows.order_by("-pk")[:OWN_SHOWN])[::-1]


def medians(course: str, lesson: str, what: str) -> dict[str, Any]:
    """Over all learners of a lesson: the median of each one's median, by side and figure.

    `{"learners": n, "runs": n, "sides": {"vm": {"seconds": s, …}, "container": {…}}}`. A
    learner who races twenty times weighs as much as one who races once.
    """
    rows = Run.objects.filter(course=course, lesson=lesson, what=what, state=Run.State.DONE)
    latest = rows.order_by("-pk").values_list("learner_id", "outcome")[:CLASS_READ]
    found: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for learner_id, outcome in latest:
        for side, report in outcome.get("sides", {}).items():
            for name, figure in report.items():
                if isinstance(figure, (int, float)) and not isinstance(figure, bool):
                    found[side, name][learner_id].append(figure)
    sides: dict[str, dict[str, float]] = defaultdict(dict)
    for (side, name), by_learner in found.items():
        sides[side][name] = median(median(figures) for figures in by_learner.values())
    learners = {learner_id for learner_id, _ in latest}
    return {"learners": len(learners), "runs": len(latest), "sides": dict(sides)}
