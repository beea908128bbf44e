"""The worker's side of runs: take one, carry it out, keep what came of it."""

import logging

from sandbox import density, dispatch, measure, race, runs, survival
from sandbox.errors import SandboxEngineError, SandboxError
from sandbox.measured import Run

log = logging.getLogger(__name__)


def carry_out(run_id: int) -> None:
    """Bring a waiting run to its end, if it is its turn; then let the next ones look."""
    run = runs.claim(run_id)
    if run is None:
        return
    try:
        values, outcome = _carry_out(run)
        runs.finish(run, values=[value.as_json() for value in values], outcome=outcome)
    except SandboxError as error:
        log.warning("%s: %s", run, error.message)
        runs.fail(run, f"{error.message} {error.hint}".strip())
    except Exception:
        # Whatever it was, the learner waits for this run, and the next ones wait behind it.
        log.exception("run %s", run_id)
        runs.fail(run, SandboxEngineError.message)
    finally:
        dispatch_waiting()


def dispatch_waiting() -> None:
    """Hand the runs whose turn may have come to the workers."""
    for waiting in runs.next_waiting():
        dispatch.experiment(waiting)


def _carry_out(run: Run) -> runs.Result:
    sandbox = run.sandbox
    if sandbox is None:
        raise SandboxEngineError("The machines are gone.", "Press Start again.")
    if run.what == Run.What.RACE:
        return race.race(sandbox, lambda **part: runs.say(run, **part))
    if run.what == Run.What.FIT:
        return density.fill(sandbox, lambda **part: runs.say(run, **part))
    if run.what == Run.What.SURVIVE:
        return survival.survive(sandbox, lambda **part: runs.say(run, **part))
    return measure.measure(sandbox), {}
