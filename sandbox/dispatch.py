"""Handing work to the workers, by task name.

By name, because tasks import the domain and the domain dispatches tasks. A broker that is
away loses nothing: the rows say what is to be done, and the reaper dispatches it again.
"""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def create(sandbox_id: str) -> None:
    """Have a worker make the machines of a requested sandbox."""
    _send("sandbox.tasks.create", sandbox_id)


def destroy(sandbox_id: str) -> None:
    """Have a worker remove the machines of a stopping sandbox."""
    _send("sandbox.tasks.destroy", sandbox_id)


def verify(sandbox_id: str) -> None:
    """Have a worker see whether a sandbox in use still runs."""
    _send("sandbox.tasks.verify", sandbox_id)


def refill() -> None:
    """Have a worker make the warm machines that are missing."""
    _send("sandbox.tasks.refill")


def examine() -> None:
    """Have a worker examine its host."""
    _send("sandbox.tasks.examine")


def experiment(run_id: int) -> None:
    """Have a worker carry out a run that waits."""
    _send("sandbox.tasks.experiment", run_id)


def _send(task: str, *arguments: str | int) -> None:
    try:
        current_app.send_task(task, list(arguments))
    except OperationalError as error:
        log.warning("%s %s not dispatched yet: %s", task, " ".join(map(str, arguments)), error)
