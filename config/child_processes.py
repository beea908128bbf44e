"""The processes that `supervise` keeps running: started, started again, ended."""

import ctypes
import os
import select
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Until a process that died is started again; the longer, the more often it died young.
RESTART_SECONDS = (0, 1, 2, 5)
# A process that lived this long was healthy; its next death is answered at once.
HEALTHY_SECONDS = 30
PR_SET_PDEATHSIG = 1


def say(line: str) -> None:
    """One line for the person at the terminal."""
    print(line, flush=True)  # noqa: T201  this is a command


@dataclass
class Child:
    """One supervised process."""

    name: str
    command: list[str]
    environment: dict[str, str]
    # Where its output goes; None is the person's terminal.
    log: Path | None = None
    # What it has open from its start besides its output.
    descriptors: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    started_at: float = 0.0
    restart_at: float = field(default=0.0)

    def start(self) -> None:
        self.started_at = time.monotonic()
        output = self.log.open("ab") if self.log else None
        self.process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=self.environment,
            stdout=output,
            stderr=output,
            # A group of its own: Ctrl-C reaches the supervisor alone, which ends the
            # children in order.
            start_new_session=True,
            pass_fds=self.descriptors,
            preexec_fn=end_with_parent,
        )
        if output:
            output.close()

    def tend(self, now: float) -> None:
        """Start the process again if it died, later each time it dies young."""
        if self.process is not None and self.process.poll() is not None:
            code = self.process.returncode
            self.process = None
            self.deaths = 0 if now - self.started_at > HEALTHY_SECONDS else self.deaths + 1
            wait = RESTART_SECONDS[min(self.deaths, len(RESTART_SECONDS) - 1)]
            self.restart_at = now + wait
            say(f"{self.name} ended with {code}; starting it again" + f" in {wait} s" * bool(wait))
        if self.process is None and now >= self.restart_at:
            self.start()

    def end(self, deadline: float) -> None:
        """Ask the process to end, kill its group at the deadline."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Nap:
    """Sleeps that end early when a child dies or a signal comes.

    Everybody who has a terminal open waits for a site that died. Source: Python documentation,
    `signal.set_wakeup_fd`.
    """

    def __init__(self) -> None:
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        # Without a handler of ours the signal is ignored, and wakes nobody.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)

    def __call__(self, seconds: float) -> None:
        if select.select([self._woken], [], [], seconds)[0]:
            self._woken.recv(4096)


def end_with_parent() -> None:
    """To be called in a child before it runs its program: it is told to end when its parent dies.

    If the parent is killed outright, its children must not stay behind. Source: prctl(2),
    PR_SET_PDEATHSIG.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
