"""What callers may ask of a sandbox: start, stop, extend, reset, find.

Each request writes the database and leaves the engine to a worker; none waits for it.
The `*_now` functions run the worker's part in the calling process, for commands.
"""

import threading
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from sandbox import (
    admission,
    creation,
    dispatch,
    handover,
    hosts,
    pool,
    start_queries,
    terminal_names,
    transitions,
)
from sandbox.errors import (
    NoExtensionsLeft,
    SandboxLive,
    SandboxNotFound,
    SandboxNotReady,
)
from sandbox.models import LIVE, USABLE, Host, JustMade, Machine, Sandbox, State
from sandbox.rates import Limit
from sandbox.snapshots import snapshot
from sandbox.specs import SandboxSpec, memory_of

__all__ = [
    "create_now",
    "destroy_now",
    "extend",
    "get_for",
    "latest_for",
    "live_sandbox",
    "request_reset",
    "request_start",
    "request_stop",
    "snapshot",
]


# Admissions wait for each other anyway (hosts.lock). Waiting here is in order and ends at
# once; SQLite's own waiting is a lottery of ever longer sleeps, seconds long for a class.
_one_at_a_time = threading.Lock()


def live_sandbox(learner: Any) -> Sandbox | None:
    """The sandbox a learner has now, in any lesson."""
    return Sandbox.objects.filter(learner=learner.pk, state__in=LIVE).first()


def latest_for(learner: Any, course: str, lesson: str) -> Sandbox | None:
    """The newest sandbox of a learner for a lesson, ended ones included."""
    mine = Sandbox.objects.filter(learner=learner.pk, course=course, lesson=lesson)
    return mine.order_by("-created_at").first()


def get_for(learner: Any, sandbox_id: str) -> Sandbox:
    """A sandbox of this learner. Raises SandboxNotFound, also for somebody else's."""
    try:
        # Not `first()`: sorting one row makes Django's part of the query twice as long.
        return Sandbox.objects.get(pk=sandbox_id, learner=learner.pk)
    except Sandbox.DoesNotExist:
        raise SandboxNotFound from None


def request_start(
    learner: AbstractBaseUser,
    spec: SandboxSpec,
    *,
    course: str,
    lesson: str,
    address: str = "",
    limits: Sequence[Limit] = (),
) -> Sandbox:
    """Give the learner a sandbox for a lesson: the live one, or a new one.

    `limits`: what else this Start counts under, beside its learner and its address; whose
    those counts are is not known here.

    Raises SandboxLive (with `sandbox_id`) when another lesson's is live, EngineDown,
    KindOff, TooManyStarts, OutOfCapacity.
    """
    if start_queries.has_live(learner.pk) and (found := live_sandbox(learner)):
        return _same_lesson(found, course, lesson)
    host = hosts.require_available(machine.kind for machine in spec.machines)
    admission.check_rate(learner.pk, address, limits)
    try:
        with _one_at_a_time, transaction.atomic():
            sandbox = _insert(learner, spec, course, lesson, host)
    except IntegrityError:
        # The other tab, or the first of two clicks, was faster: its sandbox is ours.
        found = live_sandbox(learner)
        if found is None:
            raise
        return _same_lesson(found, course, lesson)
    return sandbox


def _same_lesson(found: Sandbox, course: str, lesson: str) -> Sandbox:
    if (found.course, found.lesson) != (course, lesson):
        raise SandboxLive(sandbox_id=found.pk, course=found.course, lesson=found.lesson)
    return found


def _insert(
    learner: AbstractBaseUser, spec: SandboxSpec, course: str, lesson: str, host: Host | None
) -> Sandbox:
    now = timezone.now()
    memory = memory_of(spec)
    state, place = admission.first_state(memory, host)
    sandbox = Sandbox.objects.create(
        learner_id=learner.pk,
        course=course,
        lesson=lesson,
        state=state,
        spec=spec.model_dump(mode="json"),
        memory_bytes=memory,
        started_at=now,
        heartbeat_at=now,
    )
    machines = Machine.objects.bulk_create(
        Machine(sandbox=sandbox, position=position, name=machine.name, kind=machine.kind)
        for position, machine in enumerate(spec.machines)
    )
    sandbox.just_made = JustMade(place, machines)
    if sandbox.state == State.REQUESTED:
        claimed = pool.claim(sandbox, spec)
        whole = claimed == len(spec.machines) and handover.is_plain(spec)
        send = dispatch.hand_over if whole else dispatch.create
        transaction.on_commit(partial(send, sandbox.pk))
    return sandbox


def request_stop(sandbox: Sandbox) -> None:
    """End a sandbox; one that has ended already stays as it is."""
    if transitions.move(sandbox.pk, State.STOPPING, only_from=LIVE, heartbeat_at=timezone.now()):
        transaction.on_commit(lambda: dispatch.destroy(sandbox.pk))


def extend(sandbox: Sandbox) -> Sandbox:
    """Add time. Raises SandboxNotReady, NoExtensionsLeft."""
    usable = Sandbox.objects.filter(pk=sandbox.pk, state__in=USABLE)
    extended = usable.filter(extensions__lt=settings.SANDBOX_EXTENSIONS).update(
        expires_at=F("expires_at") + timedelta(seconds=settings.SANDBOX_EXTEND_SECONDS),
        extensions=F("extensions") + 1,
        state=State.READY,
    )
    if not extended:
        raise NoExtensionsLeft if usable.exists() else SandboxNotReady
    transitions.announce(sandbox.pk)
    sandbox.refresh_from_db()
    return sandbox


def request_reset(sandbox: Sandbox) -> Sandbox:
    """Replace the machines by fresh ones, keeping the sandbox. Raises SandboxNotReady."""
    now = timezone.now()
    moved = transitions.move(
        sandbox.pk,
        State.REQUESTED,
        only_from=USABLE,
        rebuild=True,
        started_at=now,
        heartbeat_at=now,
        stages=[],
        attempts=0,
        ready_at=None,
        ready_seconds=None,
    )
    if not moved:
        raise SandboxNotReady
    Machine.objects.filter(sandbox=sandbox).update(ready=False, container_id="", shell_pid=None)
    terminal_names.forget_all(sandbox.pk)
    transaction.on_commit(lambda: dispatch.create(sandbox.pk))
    sandbox.refresh_from_db()
    return sandbox


def create_now(sandbox: Sandbox) -> Sandbox:
    """Run the worker's part of a start here; the sandbox is ready or failed afterwards."""
    creation.create(sandbox.pk)
    sandbox.refresh_from_db()
    return sandbox


def destroy_now(sandbox: Sandbox) -> Sandbox:
    """Stop a sandbox and take it apart here."""
    transitions.move(sandbox.pk, State.STOPPING, only_from=LIVE)
    creation.destroy(sandbox.pk)
    sandbox.refresh_from_db()
    return sandbox
