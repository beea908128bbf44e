"""Proving a lesson on a real engine, the way a learner would go through it.

On a fresh sandbox no check may pass. Then, task by task: the near-miss must fail, the
solution must pass. Then the same again on another fresh sandbox with the second solution, and
on a third one in another order, if the tasks' needs allow any.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model

from courses import launch, verdicts
from courses.content import Course, Lesson, Task
from courses.folder import CourseFolder
from courses.problems import ContentError
from courses.scripts import NEAR_MISS, SECOND_SOLUTION, SOLUTION, Script, scripts_of
from sandbox import hosts, lifecycle, machines
from sandbox.errors import SandboxError

READY_TIMEOUT_SECONDS = 180
SCRIPT_TIMEOUT_SECONDS = 300
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was expected, what happened, in how many seconds."""

    lesson: str
    task: str
    step: str
    expected: str
    found: str
    seconds: float
    detail: str = ""

    @property
    def surprising(self) -> bool:
        return self.expected != self.found


Report = Callable[[Finding], None]


class NotReady(Exception):
    """A sandbox for the rehearsal did not come up."""


@dataclass(frozen=True)
class Rehearsal:
    """Goes through one lesson and reports every step."""

    folder: CourseFolder
    course: Course
    lesson: Lesson
    report: Report

    def run(self) -> None:
        """All rounds; a sandbox that does not come up is reported and ends them."""
        for name, go in self._rounds():
            began = time.monotonic()
            try:
                with fresh_sandbox(self.course, self.lesson) as sandbox:
                    self._say("", f"start {name}", "ready", "ready", time.monotonic() - began)
                    go(sandbox)
            except (NotReady, SandboxError, ContentError) as error:
                seconds = time.monotonic() - began
                self._say("", f"start {name}", "ready", "failed", seconds, str(error))
                return

    def planned(self) -> int:
        """How many steps will be reported if nothing surprising happens."""
        tasks = len(self.lesson.tasks)
        return sum(1 + tasks * (3 if name == "first" else 1) for name, _ in self._rounds())

    def _rounds(self) -> list[tuple[str, Callable[[Any], None]]]:
        if not self.lesson.tasks:
            return [("first", _nothing)]
        rounds: list[tuple[str, Callable[[Any], None]]] = [
            ("first", self._first_round),
            ("second", self._second_round),
        ]
        if other_order(self.lesson.tasks) != list(self.lesson.tasks):
            rounds.append(("other order", self._other_order))
        return rounds

    def _first_round(self, sandbox: Any) -> None:
        for task in self.lesson.tasks:
            self._check(sandbox, task, "untouched", "fails")
        passed: frozenset[str] = frozenset()
        for task in self.lesson.tasks:
            if self._act(sandbox, task, NEAR_MISS):
                self._check(sandbox, task, NEAR_MISS, "fails")
            if self._act(sandbox, task, SOLUTION):
                self._check(sandbox, task, SOLUTION, "passes")
            passed = self._pass(sandbox, task, passed)

    def _second_round(self, sandbox: Any) -> None:
        passed: frozenset[str] = frozenset()
        for task in self.lesson.tasks:
            if self._act(sandbox, task, SECOND_SOLUTION):
                self._check(sandbox, task, SECOND_SOLUTION, "passes")
            passed = self._pass(sandbox, task, passed)

    def _other_order(self, sandbox: Any) -> None:
        passed: frozenset[str] = frozenset()
        for task in other_order(self.lesson.tasks):
            if self._act(sandbox, task, SOLUTION):
                self._check(sandbox, task, "other order", "passes")
            passed = self._pass(sandbox, task, passed)

    def _pass(self, sandbox: Any, task: Task, passed: frozenset[str]) -> frozenset[str]:
        """Run the set-up of the tasks that this one opens, as a pass on the site does."""
        verdicts.open_next(sandbox, self.lesson, task, passed)
        return passed | {task.name}

    def _act(self, sandbox: Any, task: Task, stem: str) -> bool:
        """Run the author's scripts as the learner; False (and reported) when there are none."""
        scripts = scripts_of(self.folder, self.lesson, task, stem)
        if not scripts:
            self._say(task.name, stem, "a script", "missing", 0.0)
            return False
        for script in scripts:
            self._run(sandbox, task, stem, script)
        return True

    def _run(self, sandbox: Any, task: Task, stem: str, script: Script) -> None:
        result = machines.run_script(
            sandbox,
            script.machine,
            f'cd "$HOME"\n{script.text}',
            user="learner",
            timeout_seconds=SCRIPT_TIMEOUT_SECONDS,
        )
        # A near-miss may well end with an error; a solution must not.
        if result.timed_out or (result.exit_code != 0 and stem != NEAR_MISS):
            found = "no end" if result.timed_out else f"exit {result.exit_code}"
            detail = verdicts.last_line(result.stderr) or verdicts.last_line(result.stdout)
            self._say(task.name, f"run {stem}", "exit 0", found, result.seconds, detail)

    def _check(self, sandbox: Any, task: Task, step: str, expected: str) -> None:
        verdict = verdicts.run_check(sandbox, task)
        found = "passes" if verdict.passed else "fails"
        if not verdict.counted:
            found = "not checked"
        self._say(task.name, step, expected, found, verdict.seconds, verdict.feedback)

    def _say(
        self, task: str, step: str, expected: str, found: str, seconds: float, detail: str = ""
    ) -> None:
        self.report(Finding(self.lesson.folder, task, step, expected, found, seconds, detail))


def other_order(tasks: Sequence[Task]) -> list[Task]:
    """The tasks as far from the page's order as what they need allows: the last possible first."""
    waiting, done = list(tasks), set[str]()
    order = []
    while waiting:
        # One is always open: a task needs earlier ones only.
        task = next(task for task in reversed(waiting) if done.issuperset(task.needs))
        waiting.remove(task)
        done.add(task.name)
        order.append(task)
    return order


def _nothing(sandbox: Any) -> None:
    """A lesson without tasks only has to come up."""


@contextmanager
def fresh_sandbox(course: Course, lesson: Lesson) -> Iterator[Any]:
    """A ready sandbox of the lesson for a throwaway learner; both are gone afterwards.

    Raises NotReady and what `courses.launch.start` raises.
    """
    hosts.refresh()
    people = get_user_model()
    learner = people.objects.create(username=f"rehearsal-{secrets.token_hex(8)}")
    try:
        sandbox = launch.start(learner, course, lesson, address="rehearsal")
        try:
            yield _made_ready(sandbox)
        finally:
            lifecycle.destroy_now(sandbox)
    finally:
        learner.delete()


def _made_ready(sandbox: Any) -> Any:
    """Do the worker's part here; where a worker runs as well, whoever is first does it."""
    lifecycle.create_now(sandbox)
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while sandbox.state in {"requested", "queued", "starting"} and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        sandbox.refresh_from_db()
    if sandbox.state != "ready":
        why = f"{sandbox.error_message} {sandbox.error_hint}".strip()
        raise NotReady(f"the sandbox is {sandbox.state}: {why}")
    return sandbox
