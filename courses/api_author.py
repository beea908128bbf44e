"""The author's part of the JSON API; on a site for others all of it is 404."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from courses import api_schemas as schemas
from courses import author_runs, authoring

router = Router(tags=["author"])
ERRORS = dict.fromkeys((401, 404), schemas.ErrorAnswer)


class VersionOut(Schema):
    """Changes with every save of a file of the course."""

    version: str


class ScriptOut(Schema):
    """How the author's script ended; `exit_code` is null when it was stopped for time."""

    exit_code: int | None
    stdout: str
    stderr: str
    timed_out: bool
    seconds: float


@router.get("/author/{course}", response={200: VersionOut, **ERRORS}, auth=None)
def get_version(request: HttpRequest, course: str) -> Any:
    """Which version of the course's files is there now."""
    return {"version": authoring.version(authoring.require(course))}


@router.post(
    "/author/{course}/lessons/{lesson}/tasks/{task}/scripts/{stem}",
    response={200: ScriptOut, **ERRORS, (409, 503): schemas.ErrorAnswer},
)
def run_script(request: HttpRequest, course: str, lesson: str, task: str, stem: str) -> Any:
    """Run solve, solve-2 or nearmiss of a task on the caller's machines, as the learner."""
    return author_runs.run(request.user, course, lesson, task, stem)
