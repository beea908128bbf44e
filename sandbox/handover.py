"""Handing warm machines to their sandboxes, many at once. Worker processes only.

A class that presses Start at once claims a warm machine each; what is left to do for one is
so little that most of it would be messages, locks and round trips. So all that wait are taken
in one transaction, proven, and made ready in one more. What needs more than being handed over
(a machine that is not as it was made) is given back, and made by a creation of its own.
"""

import logging
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Model
from django.utils import timezone

from sandbox import creation, dispatch, events, hosts, pool_keeper, promises
from sandbox.errors import SandboxError
from sandbox.models import GuestFacts, Machine, Sandbox, State, WarmMachine
from sandbox.promises import Finding
from sandbox.snapshots import snapshot
from sandbox.specs import SandboxSpec
from sandbox.transitions import seconds_since

log = logging.getLogger(__name__)


def is_plain(spec: SandboxSpec) -> bool:
    """Whether machines for `spec` only need to be there: nothing to copy, to look for, to run."""
    return not spec.needs_network and not any(
        machine.setup or machine.files_from or machine.images for machine in spec.machines
    )


def hand_over(sandbox_ids: Iterable[str]) -> None:
    """Make these requested sandboxes ready with the warm machines they have claimed.

    Those that somebody else has, or that were stopped, are left alone.
    """
    token = secrets.token_hex(8)
    if not _claim(sandbox_ids, token):
        return
    held = Sandbox.objects.filter(claim=token, state=State.STARTING)
    sandboxes = list(
        held.prefetch_related("machines__terminal_names", "warm_machines").order_by("created_at")
    )
    proven = _proven(sandboxes, token)
    _make_ready(proven, token)
    for sandbox in sandboxes:
        if sandbox not in proven:
            _give_back(sandbox.pk, token)


def _proven(sandboxes: list[Sandbox], token: str) -> list[Sandbox]:
    """Those that can be handed over. Shows signs of life for all of them meanwhile.

    A class on a slow engine takes longer to prove than a worker may be silent; taken over, each
    would use up one of its attempts, and the second silence would fail it.
    """
    findings = hosts.findings_of(hosts.current())
    proven = []
    beaten = time.monotonic()
    for sandbox in sandboxes:
        if time.monotonic() - beaten >= creation.HEARTBEAT_SECONDS:
            Sandbox.objects.filter(claim=token, state=State.STARTING).update(
                heartbeat_at=timezone.now()
            )
            beaten = time.monotonic()
        if _is_proven(sandbox, findings):
            proven.append(sandbox)
    return proven


def _give_back(sandbox_id: str, token: str) -> None:
    """Have a creation make it: side by side with others, and this was no attempt at one."""
    held = Sandbox.objects.filter(pk=sandbox_id, claim=token, state=State.STARTING)
    given = held.update(
        state=State.REQUESTED,
        claim="",
        heartbeat_at=timezone.now(),
        attempts=F("attempts") - 1,
    )
    # Zero rows: stopped meanwhile, and the stop may have looked before a machine was claimed.
    if given:
        dispatch.create(sandbox_id)
    else:
        creation.clean_if_ended(sandbox_id)


def _claim(sandbox_ids: Iterable[str], token: str) -> int:
    now = timezone.now()
    requested = Sandbox.objects.filter(pk__in=list(sandbox_ids), state=State.REQUESTED)
    return requested.update(
        state=State.STARTING, claim=token, heartbeat_at=now, attempts=F("attempts") + 1
    )


def _is_proven(sandbox: Sandbox, findings: Mapping[str, Finding]) -> bool:
    """Whether every machine has its warm one, and each is the run that was made."""
    spec = SandboxSpec.model_validate(sandbox.spec)
    warm = {found.name: found for found in sandbox.warm_machines.all()}
    if sandbox.rebuild or not is_plain(spec) or len(warm) < len(spec.machines):
        return False
    try:
        promises.require((machine.kind for machine in spec.machines), findings)
        return all(pool_keeper.is_fresh(found) for found in warm.values())
    except SandboxError:
        # The long way meets the same error, and says it.
        return False


def _make_ready(sandboxes: list[Sandbox], token: str) -> None:
    """Write machines and states in one transaction, then tell the browsers."""
    now = timezone.now()
    machines = [machine for sandbox in sandboxes for machine in _machines(sandbox)]
    for sandbox in sandboxes:
        sandbox.state = State.READY
        sandbox.stages = [{"name": "warm", "seconds": seconds_since(sandbox.started_at)}]
        sandbox.ready_at = sandbox.last_seen_at = now
        sandbox.ready_seconds = seconds_since(sandbox.started_at)
        sandbox.expires_at = now + timedelta(seconds=settings.SANDBOX_LIFETIME_SECONDS)
    fields = ["state", "stages", "ready_at", "last_seen_at", "ready_seconds", "expires_at"]
    with transaction.atomic():
        held = Sandbox.objects.filter(claim=token, state=State.STARTING)
        # Locked, so that none is stopped between this look and what is written from it.
        still = set(held.select_for_update().values_list("pk", flat=True))
        ours = [sandbox for sandbox in sandboxes if sandbox.pk in still]
        _write(ours, fields)
        _write([machine for machine in machines if machine.sandbox_id in still], MACHINE_FIELDS)
    events.publish_many(
        (sandbox.pk, {"type": "state", "sandbox": snapshot(sandbox)}) for sandbox in ours
    )
    for sandbox in sandboxes:
        if sandbox.pk not in still:
            creation.clean_if_ended(sandbox.pk)


def _write(rows: Sequence[Model], fields: list[str]) -> None:
    """Write these fields of rows, by one statement that is put together once.

    Django's `bulk_update` makes an expression for each row and field: 3 ms a sandbox, of Python.
    """
    if not rows:
        return
    meta: Any = rows[0]._meta
    columns = [*(meta.get_field(name) for name in fields), meta.pk]
    named = [f"{connection.ops.quote_name(column.column)} = %s" for column in columns]
    # Names of our own models; no value is in the text.
    sql = f"UPDATE {meta.db_table} SET {', '.join(named[:-1])} WHERE {named[-1]}"  # noqa: S608
    values = [
        [column.get_db_prep_save(getattr(row, column.attname), connection) for column in columns]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(sql, values)


MACHINE_FIELDS = [
    *("container_id", "image", "kernel_release", "boot_id", "shell_pid", "notice", "ready"),
    # How a guest runs: without it an emulated one would look like any other.
    *(each.name for each in GuestFacts._meta.get_fields()),
]


def _machines(sandbox: Sandbox) -> list[Machine]:
    """The sandbox's rows with what was read from its warm machines when they came up."""
    warm: dict[str, WarmMachine] = {found.name: found for found in sandbox.warm_machines.all()}
    rows = list(sandbox.machines.all())
    for row in rows:
        for field in MACHINE_FIELDS:
            setattr(row, field, True if field == "ready" else getattr(warm[row.name], field))
    return rows
