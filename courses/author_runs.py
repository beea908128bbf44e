"""Running an author's script on the author's machines: asked for here, done by a worker."""

from __future__ import annotations

from typing import Any

from courses import authoring
from courses.errors import ScriptNotDone
from courses.tasks import run_author_script
from sandbox import lifecycle, replies
from sandbox.errors import SandboxNotReady

# A solution may build an image; a request should not wait for ever.
TIMEOUT_SECONDS = 120
MARGIN_SECONDS = 5


def run(learner: Any, course: str, lesson: str, task: str, stem: str) -> dict[str, Any]:
    """The outcome as JSON. Raises NotAuthoring, NoScript, SandboxNotReady, ScriptNotDone,
    BrokerDown."""
    found, _ = authoring.scripts(course, lesson, task, stem)
    sandbox = lifecycle.live_sandbox(learner)
    if sandbox is None or (sandbox.course, sandbox.lesson) != (course, found.slug):
        raise SandboxNotReady
    if sandbox.state not in {"ready", "expiring"}:
        raise SandboxNotReady
    question = (learner.pk, sandbox.id, task, stem, TIMEOUT_SECONDS)
    waited = TIMEOUT_SECONDS + MARGIN_SECONDS
    answer = replies.ask(run_author_script, *question, timeout_seconds=waited)
    if answer is None:
        raise ScriptNotDone
    return dict(answer)
