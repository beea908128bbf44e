"""Handing work to the workers, by task name.

By name, because tasks import the domain and the domain dispatches tasks. A broker that is
away loses nothing: the rows say what is to be done, and the reaper dispatches it again.
"""

import logging
import queue
import threading
import time

from celery import current_app
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def create(sandbox_id: str) -> None:
    """Have a worker make the machines of a requested sandbox."""
    _send("sandbox.tasks.create", sandbox_id)


def hand_over(sandbox_id: str) -> None:
    """Have a worker hand over the warm machines of a requested sandbox; returns at once.

    All that are asked for while a message is on its way go together in the next one. A
    process that ends in that moment loses nothing: see above.
    """
    _hand_overs.put(sandbox_id)
    _hand_over_sender.ensure()


def destroy(sandbox_id: str) -> None:
    """Have a worker remove the machines of a stopping sandbox."""
    _send("sandbox.tasks.destroy", sandbox_id)


def verify(sandbox_id: str) -> None:
    """Have a worker see whether a sandbox in use still runs."""
    _send("sandbox.tasks.verify", sandbox_id)


def end_terminal(sandbox_id: str, machine: str, name: str) -> None:
    """Have a worker end the shell of a terminal beside the main one."""
    _send("sandbox.tasks.end_terminal", sandbox_id, machine, name)


def refill() -> None:
    """Have a worker make the warm machines that are missing."""
    _send("sandbox.tasks.refill")


def examine() -> None:
    """Have a worker examine its host."""
    _send("sandbox.tasks.examine")


def experiment(run_id: int) -> None:
    """Have a worker carry out a run that waits."""
    _send("sandbox.tasks.experiment", run_id)


def _send(task: str, *arguments: str | int | list[str]) -> None:
    try:
        current_app.send_task(task, list(arguments))
    except OperationalError as error:
        log.warning("%s %s not dispatched yet: %s", task, arguments, error)


# After a message so long is waited before the next, for those that can go with it. Who presses
# Start alone is not kept waiting; of a class each costs a worker a third.
GATHER_SECONDS = 0.1
# Ids whose hand-over no message has asked for yet; one thread of this process sends them.
_hand_overs: queue.SimpleQueue[str] = queue.SimpleQueue()


class _Sender:
    """A thread that sends what is in the queue, all of it at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._not_before = 0.0

    def ensure(self) -> None:
        # Begun when it is needed, in the process that needs it: a thread does not survive a fork.
        if self._thread is None or not self._thread.is_alive():
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="dispatch", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while True:
            waiting = [_hand_overs.get()]
            time.sleep(max(0.0, self._not_before - time.monotonic()))
            while not _hand_overs.empty():
                waiting.append(_hand_overs.get())
            _send("sandbox.tasks.hand_over", waiting)
            self._not_before = time.monotonic() + GATHER_SECONDS


_hand_over_sender = _Sender()
