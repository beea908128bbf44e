"""A sandbox as the API and the events show it."""

from typing import Any

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.utils import timezone

from sandbox import estimates, sentences, terminal_names
from sandbox.models import USABLE, Machine, Sandbox, State

# States in which machines have no terminals yet that anybody could have named.
COMING_UP = (State.REQUESTED, State.QUEUED, State.STARTING)

# Their stage before anything is done.
FIRST_STAGE: dict[str, str] = {
    State.QUEUED: "waiting for room",
    State.REQUESTED: "waiting for a worker",
    State.STARTING: "starting",
}


def snapshot(sandbox: Sandbox) -> dict[str, Any]:
    """The sandbox as JSON-ready values; times are ISO 8601, durations seconds."""
    place = estimates.position(sandbox)
    first = FIRST_STAGE.get(sandbox.state)
    made = sandbox.just_made
    machines = made.machines if made else list(sandbox.machines.all())
    if sandbox.state not in COMING_UP:
        prefetch_related_objects(machines, "terminal_names")  # none where the caller has done it
    return {
        "id": sandbox.id,
        "course": sandbox.course,
        "lesson": sandbox.lesson,
        "state": sandbox.state,
        "queue_position": place,
        "wait_seconds": estimates.seconds(sandbox, place),
        "stage": sandbox.stages[-1]["name"] if sandbox.stages else first,
        "stages": sandbox.stages,
        "ready_seconds": sandbox.ready_seconds,
        "expires_at": sandbox.expires_at.isoformat() if sandbox.expires_at else None,
        "seconds_left": _seconds_left(sandbox),
        "extensions_left": max(0, settings.SANDBOX_EXTENSIONS - sandbox.extensions),
        "machines": [_machine(machine, sandbox) for machine in machines],
        # Whether what its terminals show is kept; browsers say so to the learner.
        "recording": settings.TERMINAL_RECORDING,
        "previews": sandbox.spec.get("previews", []),
        "error": _error(sandbox),
    }


def _seconds_left(sandbox: Sandbox) -> int | None:
    if sandbox.state not in USABLE or sandbox.expires_at is None:
        return None
    return max(0, int((sandbox.expires_at - timezone.now()).total_seconds()))


def _machine(machine: Machine, sandbox: Sandbox) -> dict[str, Any]:
    usable = machine.ready and sandbox.state in USABLE
    new = sandbox.state in COMING_UP
    return {
        "name": machine.name,
        "kind": machine.kind,
        "state": "ready" if usable else sandbox.state,
        "kernel_release": machine.kernel_release or None,
        "boot_id": machine.boot_id or None,
        "image": machine.image or None,
        "notice": sentences.said(machine.notice) or None,
        "terminal": terminal_names.MAIN,
        "terminals": terminal_names.of_new() if new else terminal_names.of(machine),
        "guest": _guest(machine) if machine.guest else None,
    }


def _guest(machine: Machine) -> dict[str, Any]:
    """Of a `vm` machine: what lies below its guest's kernel, and how the guest runs."""
    return {
        "size": machine.guest,
        "host_kernel_release": machine.host_kernel_release or None,
        "host_boot_id": machine.host_boot_id or None,
        "accelerator": machine.accelerator,
        "emulated": machine.emulated or None,
        "how": machine.guest_how,
        "seconds": machine.guest_seconds,
        "hangs": machine.guest_hangs,
    }


def _error(sandbox: Sandbox) -> dict[str, str] | None:
    if not sandbox.error_code:
        return None
    return {
        "code": sandbox.error_code,
        "message": sentences.said(sandbox.error_message),
        "hint": sentences.said(sandbox.error_hint),
    }
