"""Handing work to the workers, by task name.

By name, because tasks import the domain and the domain dispatches tasks.
"""

from celery import current_app


def create(sandbox_id: str) -> None:
    """Have a worker make the machines of a requested sandbox."""
    current_app.send_task("sandbox.tasks.create", [sandbox_id])


def destroy(sandbox_id: str) -> None:
    """Have a worker remove the machines of a stopping sandbox."""
    current_app.send_task("sandbox.tasks.destroy", [sandbox_id])


def verify(sandbox_id: str) -> None:
    """Have a worker see whether a sandbox in use still runs."""
    current_app.send_task("sandbox.tasks.verify", [sandbox_id])
