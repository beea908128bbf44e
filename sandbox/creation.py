"""The worker's side of Start and Stop: claim, make, prepare, hand over; or take apart."""

import logging
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, connection
from django.utils import timezone
from django.utils.translation import gettext_noop

from sandbox import (
    accelerator,
    admission,
    assembly,
    dispatch,
    hosts,
    pool,
    pool_keeper,
    transitions,
)
from sandbox.errors import SandboxEngineError, SandboxError
from sandbox.models import Machine, Sandbox, State, WarmMachine
from sandbox.specs import MachineSpec, SandboxSpec
from sandbox.transitions import ClaimLost

log = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 4
ENDED = (State.STOPPING, State.GONE, State.FAILED)
FRESH = gettext_noop("Press Start again for fresh machines.")


def create(sandbox_id: str) -> None:
    """Bring a requested sandbox to ready or failed; do nothing if somebody else has it.

    Afterwards the same for those that waited for a free place, the oldest first.
    """
    token = transitions.claim(sandbox_id)
    while token is not None:
        make(sandbox_id, token)
        sandbox_id, token = transitions.claim_next()


def make(sandbox_id: str, token: str) -> None:
    """Bring a sandbox whose claim is `token` to ready or failed."""
    try:
        with _heartbeat(sandbox_id, token):
            _assemble(sandbox_id, token)
            transitions.ready(sandbox_id, token)
    except ClaimLost:
        clean_if_ended(sandbox_id)
    except SandboxError as error:
        _give_up(sandbox_id, token, error)
    except Exception:
        # Whatever it was, the learner waits: a row left in STARTING would be tried again only
        # after a silence, to meet the same fault.
        log.exception("creating %s", sandbox_id)
        _give_up(sandbox_id, token, SandboxEngineError(hint=FRESH))


def _assemble(sandbox_id: str, token: str) -> None:
    sandbox = Sandbox.objects.get(pk=sandbox_id)
    spec = SandboxSpec.model_validate(sandbox.spec)
    # Again, although Start asked: the host may have been examined since.
    hosts.require_kinds(machine.kind for machine in spec.machines)
    if sandbox.rebuild:
        assembly.remove_objects(sandbox_id)
        Sandbox.objects.filter(pk=sandbox_id, claim=token).update(rebuild=False)
        transitions.stage(sandbox_id, token, "cleared")
        pool.claim(sandbox, spec)
    network = assembly.make_network(sandbox_id) if spec.needs_network else None
    if network:
        transitions.stage(sandbox_id, token, "network")
    alone = len(spec.machines) == 1
    for name, machine_spec, facts in _make_all(sandbox_id, token, spec, network):
        machine = _record(sandbox_id, name, facts)
        prefix = "" if alone else f"{name} "
        assembly.prepare_machine(
            machine,
            machine_spec,
            lambda stage, prefix=prefix: transitions.stage(sandbox_id, token, prefix + stage),  # type: ignore[misc]
        )
        Machine.objects.filter(pk=machine.pk).update(ready=True)


def _make_all(
    sandbox_id: str, token: str, spec: SandboxSpec, network: str | None
) -> Iterator[tuple[str, MachineSpec, assembly.MachineFacts]]:
    """Make all machines at once; yield each, in the lesson's order, once all are there.

    The threads report stages through a queue, so that only this thread writes rows.
    """
    said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    alone = len(spec.machines) == 1
    claimed = {warm.name: warm for warm in WarmMachine.objects.filter(sandbox_id=sandbox_id)}
    if len(claimed) < len(spec.machines):
        pool_keeper.make_room()
    # Read here: the threads leave the database alone.
    accelerated = accelerator.of_host()

    def make(machine: MachineSpec) -> assembly.MachineFacts:
        prefix = "" if alone else f"{machine.name} "
        warm = claimed.get(machine.name)
        if warm and pool_keeper.is_fresh(warm):
            said.put(f"{prefix}warm")
            return pool_keeper.facts_of(warm)
        facts = assembly.make_machine(
            sandbox_id,
            machine,
            network,
            lambda stage: said.put(prefix + stage),
            neighbours=tuple(other.name for other in spec.machines if other != machine),
            accelerator=accelerated,
        )
        said.put(f"{prefix}prompt")
        return facts

    with ThreadPoolExecutor(max_workers=len(spec.machines)) as threads:
        futures: list[Future[assembly.MachineFacts]] = []
        for machine in spec.machines:
            future = threads.submit(make, machine)
            future.add_done_callback(lambda _: said.put(None))
            futures.append(future)
        running = len(futures)
        while running:
            stage = said.get()
            if stage is None:
                running -= 1
            else:
                transitions.stage(sandbox_id, token, stage)
        for machine, future in zip(spec.machines, futures, strict=True):
            yield machine.name, machine, future.result()


def _record(sandbox_id: str, name: str, facts: assembly.MachineFacts) -> Machine:
    machine = Machine.objects.get(sandbox_id=sandbox_id, name=name)
    machine.container_id = facts.container_id
    machine.image = facts.image
    machine.kernel_release = facts.kernel_release
    machine.boot_id = facts.boot_id
    machine.shell_pid = facts.shell_pid
    machine.notice = facts.notice
    for name, value in facts.guest.items():
        setattr(machine, name, value)
    machine.save()
    return machine


@contextmanager
def _heartbeat(sandbox_id: str, token: str) -> Iterator[None]:
    """Show a sign of life every few seconds, through waits of any length."""
    stop = threading.Event()

    def beat() -> None:
        try:
            while not stop.wait(HEARTBEAT_SECONDS):
                _beat(sandbox_id, token)
        except ClaimLost:
            return  # the next stage of the creation itself finds out and ends it
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat-{sandbox_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _beat(sandbox_id: str, token: str) -> None:
    try:
        transitions.beat(sandbox_id, token)
    except DatabaseError as error:
        # Busy for a moment; silence would hand a creation that goes well to another worker.
        log.warning("heartbeat of %s not written: %s", sandbox_id, error)


def _give_up(sandbox_id: str, token: str, error: SandboxError) -> None:
    """Clean up, then fail the sandbox with the error's own words."""
    log.error("sandbox %s failed: %s: %s", sandbox_id, error.code, error.message)
    if not fail(sandbox_id, error, claim=token, state=State.STARTING):
        clean_if_ended(sandbox_id)


def clean_if_ended(sandbox_id: str) -> None:
    """Look again after losing the claim: a stop may have listed the objects before we made
    the last one. A taker-over keeps its row in STARTING, and its objects."""
    if Sandbox.objects.filter(pk=sandbox_id, state__in=ENDED).exists():
        _clean(sandbox_id)


def fail(sandbox_id: str, error: SandboxError, **only: Any) -> bool:
    """End a sandbox as failed with an error's words, and remove what it has.

    `only`: field values the row must still have; False when it has not, and somebody else
    has decided. The state changes first: whoever watches is told at once, and a sandbox whose objects
    can't be removed now (engine down) is found again by reconciliation.
    """
    moved = (
        Sandbox.objects.filter(pk=sandbox_id, **only)
        .filter(state__in=transitions.sources_of(State.FAILED))
        .update(
            state=State.FAILED,
            gone_at=timezone.now(),
            error_code=error.code,
            error_message=error.message[:500],
            error_hint=error.hint[:500],
        )
    )
    if moved:
        transitions.announce(sandbox_id)
        _clean(sandbox_id)
        _let_in()
    return bool(moved)


def destroy(sandbox_id: str) -> None:
    """Take a stopping sandbox apart and mark it gone; safe to run twice.

    Raises SandboxEngineError when the engine does not answer; the reaper comes back to it.
    """
    if not Sandbox.objects.filter(pk=sandbox_id, state=State.STOPPING).exists():
        return
    if _clean(sandbox_id):
        transitions.move(sandbox_id, State.GONE, gone_at=timezone.now())
        # Only now: a stopping sandbox still holds its memory.
        _let_in()


def _clean(sandbox_id: str) -> bool:
    try:
        assembly.remove_objects(sandbox_id)
    except SandboxEngineError as error:
        log.warning("objects of %s not removed yet: %s", sandbox_id, error)
        return False
    Sandbox.objects.filter(pk=sandbox_id).update(cleaned_at=timezone.now())
    return True


def _let_in() -> None:
    for admitted in admission.admit_waiting():
        dispatch.create(admitted)
    # Somebody has left, perhaps from the middle of the queue: the others have moved up.
    admission.announce_queue()
