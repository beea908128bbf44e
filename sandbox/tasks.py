"""Celery tasks of the sandbox: each calls one function of the domain."""

from celery import shared_task

from sandbox import (
    creation,
    examination,
    experiments,
    guest_snapshots,
    handover,
    machines,
    pool_keeper,
    reaper,
    replies,
    runs,
)
from sandbox.errors import SandboxError
from sandbox.models import Sandbox


@shared_task
def create(sandbox_id: str) -> None:
    """Make the machines of a requested sandbox, on a host that was examined."""
    examination.ensure()
    creation.create(sandbox_id)


@shared_task
def hand_over(sandbox_ids: list[str]) -> None:
    """Hand warm machines to the requested sandboxes that have claimed them."""
    examination.ensure()
    handover.hand_over(sandbox_ids)


@shared_task
def destroy(sandbox_id: str) -> None:
    """Remove the machines of a stopping sandbox."""
    creation.destroy(sandbox_id)


@shared_task
def verify(sandbox_id: str) -> None:
    """See whether a sandbox whose terminal broke off still runs."""
    reaper.verify(sandbox_id)


@shared_task
def end_terminal(sandbox_id: str, machine: str, name: str) -> None:
    """End the shell of a terminal that somebody closed."""
    machines.end_terminal(sandbox_id, machine, name)


@shared_task
def refill() -> None:
    """Make the warm machines that are missing."""
    pool_keeper.refill()


@shared_task
def experiment(run_id: int) -> None:
    """Carry out a run that waits: a measurement, a race, a density or survival run."""
    experiments.carry_out(run_id)


@shared_task
def reap() -> None:
    """End what is over, take over what is stuck, let in who waits."""
    reaper.reap()
    runs.sweep()
    experiments.dispatch_waiting()


@shared_task
def reconcile() -> None:
    """Compare database and engine, both ways."""
    reaper.reconcile()


@shared_task
def examine() -> None:
    """Find out what this host keeps, because somebody asks."""
    examination.examine()


@shared_task
def examine_if_due() -> None:
    """Find out what this host keeps, if that may have changed."""
    examination.examine_if_due()


@shared_task
def snapshot_guests() -> None:
    """Make this host's snapshots of guests, if they are wanted and nobody waits."""
    guest_snapshots.make_if_due()


@shared_task
def write_file(reply_to: str, sandbox_id: str, machine: str, path: str, content: str) -> None:
    """Write a lesson's file onto a machine and answer how it went."""
    try:
        sandbox = Sandbox.objects.get(pk=sandbox_id)
        size = machines.write_file(sandbox, machine, path, content.encode())
        replies.answer(reply_to, {"bytes": size})
    except SandboxError as error:
        said = {"code": error.code, "message": error.message, "hint": error.hint}
        replies.answer(reply_to, {"error": said | {"status": error.status}})
