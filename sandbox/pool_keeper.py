"""Making, proving and removing warm machines. Worker processes only.

Refilling yields to people: nothing warm is made while anybody waits for a machine, never
more than a few at once, and never into the reserve of memory that is kept for Starts.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from sandbox import accelerator, admission, assembly, dispatch, engine, hostconfig, hosts, pool
from sandbox.errors import SandboxEngineError, SandboxError
from sandbox.models import GuestFacts, Sandbox, State, WarmMachine, WarmState
from sandbox.specs import MachineSpec

log = logging.getLogger(__name__)
# Longer than a machine of the kind may take to come up: whoever made it is dead.
MAKING_SECONDS = {"shell": 120, "docker": 120, "vm": hostconfig.GUEST_SECONDS["small"] + 60}


def tend() -> None:
    """One tick: remove what is old, stuck or no longer wanted; refill what is missing."""
    now = timezone.now()
    for kind, seconds in MAKING_SECONDS.items():
        making = WarmMachine.objects.filter(kind=kind, state=WarmState.MAKING)
        late = making.filter(created_at__lt=now - timedelta(seconds=seconds))
        late.update(state=WarmState.DISCARDED)
    WarmMachine.objects.filter(state=WarmState.READY, expires_at__lte=now).update(
        state=WarmState.DISCARDED
    )
    _discard_surplus()
    for warm in WarmMachine.objects.filter(state=WarmState.DISCARDED):
        _remove(warm.pk)
    if pool.wanted() - pool.present():
        dispatch.refill()


def _discard_surplus() -> None:
    with transaction.atomic():
        # Two ticks at once would count the same surplus and choose different machines for it.
        hosts.lock()
        for (kind, name), count in (pool.present() - pool.wanted()).items():
            ready = WarmMachine.objects.filter(kind=kind, name=name, state=WarmState.READY)
            for pk in ready.order_by("ready_at").values_list("pk", flat=True)[:count]:
                # Zero rows: claimed just now. Those that are discarded are removed by the caller,
                # since the engine must not be waited for with the lock held.
                ready.filter(pk=pk).update(state=WarmState.DISCARDED)


def refill() -> None:
    """Make what is missing, one after another, until nothing is or somebody waits."""
    while (warm := _begin()) is not None:
        if not _make(warm):
            return  # the next tick tries again; an engine in trouble is not hammered


def _begin() -> WarmMachine | None:
    """Write the row of the next warm machine to make; None when none may be made now."""
    with transaction.atomic():
        hosts.lock()
        if not hosts.availability().available or _somebody_waits():
            return None
        making = WarmMachine.objects.filter(state=WarmState.MAKING).count()
        missing = pool.wanted() - pool.present()
        if not missing or making >= settings.SANDBOX_POOL_IN_FLIGHT:
            return None
        # The shape that lacks most; names break ties, so that two workers agree.
        kind, name = max(missing, key=lambda shape: (missing[shape], shape))
        memory = pool.memory_bytes_of(kind)
        if memory > admission.room_bytes() - pool.held_bytes() - pool.reserve_bytes():
            return None
        return WarmMachine.objects.create(kind=kind, name=name, memory_bytes=memory)


def _somebody_waits() -> bool:
    waiting = Sandbox.objects.filter(state__in=[State.REQUESTED, State.QUEUED])
    return waiting.exists()


def _make(warm: WarmMachine) -> bool:
    """Make the machine and put it into the pool; False when it did not come up."""
    deadline = hostconfig.longest_life_seconds() + settings.SANDBOX_POOL_AGE_SECONDS
    spec = MachineSpec(name=warm.name, kind=warm.kind)  # type: ignore[arg-type]
    try:
        accelerated = accelerator.of_host()
        facts = assembly.make_machine(
            warm.pk, spec, None, lambda _: None, deadline, accelerator=accelerated
        )
        started_at = _engine_started_at(facts.container_id)
    except SandboxError as error:
        log.warning("warm %s %s did not come up: %s", warm.kind, warm.pk, error)
        _discard(warm.pk)
        return False
    now = timezone.now()
    put = WarmMachine.objects.filter(pk=warm.pk, state=WarmState.MAKING).update(
        state=WarmState.READY,
        container_id=facts.container_id,
        image=facts.image,
        kernel_release=facts.kernel_release,
        boot_id=facts.boot_id,
        shell_pid=facts.shell_pid,
        notice=facts.notice,
        **facts.guest,
        engine_started_at=started_at,
        ready_at=now,
        expires_at=now + timedelta(seconds=settings.SANDBOX_POOL_AGE_SECONDS),
    )
    if not put:
        # Taken for stuck and discarded meanwhile: its objects came after the removal.
        _remove(warm.pk)
    return bool(put)


def _engine_started_at(container_id: str) -> str:
    found = engine.inspect_container(container_id)
    return found["State"]["StartedAt"] if found else ""


def is_fresh(warm: WarmMachine) -> bool:
    """Whether a claimed machine still is the one that was made, and was never restarted.

    Nobody could type into it: consoles open machines of sandboxes only, and it had none.
    Raises EngineDown.
    """
    found = engine.inspect_container(warm.container_id)
    if found is None or not found["State"]["Running"]:
        return False
    same_run = found["State"]["StartedAt"] == warm.engine_started_at
    return bool(same_run and found["RestartCount"] == 0)


def facts_of(warm: WarmMachine) -> assembly.MachineFacts:
    """What was read from a warm machine when it came up."""
    return assembly.MachineFacts(
        warm.container_id,
        warm.image,
        warm.kernel_release,
        warm.boot_id,
        warm.shell_pid or 0,
        warm.notice,
        {each.name: getattr(warm, each.name) for each in GuestFacts._meta.get_fields()},
    )


def make_room() -> None:
    """Remove warm machines, the oldest first, until sandboxes and pool fit the capacity."""
    while admission.room_bytes() < pool.held_bytes():
        ready = WarmMachine.objects.filter(state=WarmState.READY).order_by("ready_at")
        oldest = ready.values_list("pk", flat=True).first()
        if oldest is None:
            return
        _discard(oldest)


def verify() -> None:
    """Discard ready machines that don't run any more. Raises EngineDown."""
    for warm in WarmMachine.objects.filter(state=WarmState.READY):
        if not is_fresh(warm):
            log.warning("warm machine %s is gone from the engine", warm.pk)
            _discard(warm.pk)


def _discard(pk: str) -> None:
    # Zero rows: it was claimed just now, and belongs to its sandbox.
    unclaimed = WarmMachine.objects.filter(pk=pk, state__in=pool.PRESENT)
    if unclaimed.update(state=WarmState.DISCARDED):
        _remove(pk)


def _remove(pk: str) -> None:
    try:
        assembly.remove_owned(pk)
    except SandboxEngineError as error:
        log.warning("warm machine %s not removed yet: %s", pk, error)
        return
    WarmMachine.objects.filter(pk=pk, state=WarmState.DISCARDED).delete()
