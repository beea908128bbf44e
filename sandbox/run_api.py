"""API of runs: have something measured on one's machines, read what one measured."""

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema, Status

from sandbox import lifecycle, runs

router = Router(tags=["measurements"])
What = Literal["measure", "race", "fit", "survive"]


class ValueOut(Schema):
    """A measured value; `how` says how it was taken, `emulated` that a VM had no KVM."""

    subject: str
    name: str
    value: float | int | str | None
    unit: str
    how: str
    taken_at: str
    emulated: bool


class RunIn(Schema):
    what: What


class RunOut(Schema):
    """A run; `outcome` depends on `what` (docs/architecture.md)."""

    run: int
    what: What
    state: Literal["waiting", "running", "done", "failed"]
    values: list[ValueOut]
    outcome: dict[str, Any]
    error: str
    at: str


class RunsOut(Schema):
    """The caller's finished runs, the oldest first, and the medians over all learners."""

    mine: list[RunOut]
    medians: dict[str, Any]


@router.post("/sandboxes/{sandbox_id}/runs", response={202: RunOut})
def start_run(request: HttpRequest, sandbox_id: str, payload: RunIn) -> Any:
    """Have something measured; what happens comes as events of type `measure`."""
    run = runs.request(lifecycle.get_for(request.user, sandbox_id), payload.what)
    return Status(202, runs.as_json(run))


@router.get("/runs", response=RunsOut)
def list_runs(request: HttpRequest, course: str, lesson: str, what: What) -> Any:
    """The caller's runs of a lesson, and what all its learners measured."""
    mine = [runs.as_json(run) for run in runs.own(request.user, course, lesson, what)]
    return {"mine": mine, "medians": runs.medians(course, lesson, what)}
