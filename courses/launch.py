"""From a lesson to the sandbox that Start asks for."""

from __future__ import annotations

from typing import Any

from courses.content import Course, Lesson, Task
from courses.errors import KindNotRunnable, NoMachines
from courses.progress import passed_tasks, task_rows
from sandbox.lifecycle import request_start
from sandbox.specs import RUNNABLE_KINDS, MachineSpec, PreviewSpec, SandboxSpec


def start(learner: Any, course: Course, lesson: Lesson, address: str) -> Any:
    """Ask for the lesson's sandbox; returns the row. `address` is the caller's, for rate limits.

    `learner` knows what else limits their Starts, such as their class: `start_limits()`.

    Raises NoMachines, KindNotRunnable, and what `sandbox.lifecycle.request_start` raises.
    """
    require_runnable(lesson)
    rows = task_rows(learner, course.slug, lesson.slug) if lesson.tasks else {}
    passed = passed_tasks(rows, lesson)
    spec = sandbox_spec(lesson, passed)
    return request_start(
        learner,
        spec,
        course=course.slug,
        lesson=lesson.slug,
        address=address,
        limits=learner.start_limits(),
    )


def require_runnable(lesson: Lesson) -> None:
    """Raise NoMachines or KindNotRunnable when this lesson can't be started on this site."""
    if not lesson.machines:
        raise NoMachines
    missing = sorted({machine.kind for machine in lesson.machines} - RUNNABLE_KINDS)
    if missing:
        raise KindNotRunnable(f"This site can't run machines of kind {', '.join(missing)}.")


def sandbox_spec(lesson: Lesson, passed: frozenset[str] = frozenset()) -> SandboxSpec:
    """What the lesson's sandbox is made of for a learner who has passed the tasks `passed`.

    The set-up of tasks that are open from the start is part of the machines' own; that of
    later ones runs when the tasks they need are passed (`courses.verdicts`).
    """
    machines = tuple(
        MachineSpec(
            name=machine.name,
            kind=machine.kind,
            setup=_setup(lesson, machine.name, passed),
            files_from=str(lesson.files[machine.name]) if machine.name in lesson.files else None,
            images=lesson.images if machine.kind == "docker" else (),
            guest=machine.guest,
            login=machine.login,
        )
        for machine in lesson.machines
    )
    previews = tuple(
        PreviewSpec(machine=preview.machine, port=preview.port, title=preview.title)
        for preview in lesson.previews
    )
    return SandboxSpec(machines=machines, network=lesson.network, previews=previews)


def opened_by(lesson: Lesson, passed_before: frozenset[str], task: Task) -> list[Task]:
    """The tasks with a set-up that passing `task` opens."""
    after = passed_before | {task.name}
    return [
        other
        for other in lesson.tasks
        if other.setup
        and task.name in other.needs
        and after.issuperset(other.needs)
        and not passed_before.issuperset(other.needs)
    ]


def _setup(lesson: Lesson, machine: str, passed: frozenset[str]) -> str | None:
    """One script from the machine's set-up and those of its tasks that are open now."""
    scripts = [lesson.setups[machine]] if machine in lesson.setups else []
    scripts += [
        task.setup
        for task in lesson.tasks
        if task.setup and task.machine == machine and passed.issuperset(task.needs)
    ]
    if len(scripts) < 2:
        return scripts[0] if scripts else None
    # A subshell each: an `exit` or `set -e` of one ends that one. `|| exit` behind the
    # parentheses would switch `set -e` off inside them.
    return "".join(
        f"(\n{script}\n)\nstatus=$?; [ $status = 0 ] || exit $status\n" for script in scripts
    )
