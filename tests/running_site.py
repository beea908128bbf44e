"""A whole site of its own, as `./start` runs it, for tests that need all of its processes."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.child_processes import end_with_parent
from tests.kept_manage import KeptManage

ROOT = Path(__file__).resolve().parents[1]
READY_SECONDS = 90
# A site that is told to end removes its machines first.
END_SECONDS = 120
# What the tests' own settings put into the environment must not reach the site.
NOT_INHERITED = ("SLIPWAY_DATA", "REDIS_URL", "SITE_URL", "PREVIEW_HOST", "PREVIEW_PORTS")


@dataclass
class Site:
    """A running site: its address, its data folder, its supervisor."""

    url: str
    port: int
    data: Path
    process: subprocess.Popen[str]
    _launch: Callable[[], "subprocess.Popen[str]"]
    _kept: KeptManage | None = None

    @property
    def instance(self) -> str:
        return (self.data / "instance-id").read_text().strip()

    def objects(self) -> list[str]:
        """Everything on the engine that belongs to this site."""
        label = f"label=slipway.instance={self.instance}"
        found: list[str] = []
        shown = {"container ls --all": "{{.ID}} {{.Names}}", "volume ls": "{{.Name}}"}
        for what in ("container ls --all", "volume ls", "network ls"):
            command = ["docker", *what.split(), "--filter", label]
            command += ["--format", shown.get(what, "{{.ID}} {{.Name}}")]
            found += subprocess.check_output(command, text=True).splitlines()
        return found

    def child(self, word: str) -> int:
        """The PID of the supervised process whose command line holds `word`."""
        listing = subprocess.check_output(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self.process.pid)], text=True
        )
        return next(int(line.split()[0]) for line in listing.splitlines() if word in line)

    def cut_off(self) -> None:
        """End all of its processes at once, as a loss of power does; its machines stay."""
        listing = ["ps", "-o", "pid=", "--ppid", str(self.process.pid)]
        # Held still, the supervisor starts nothing again.
        os.kill(self.process.pid, signal.SIGSTOP)
        for pid in subprocess.check_output(listing, text=True).split():
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(int(pid), signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def start_again(self) -> None:
        """Start it with the same data at the same address, and wait until Start works."""
        self.process = self._launch()
        wait_ready(self.url, self.process)

    def manage(self, *words: str) -> str:
        """What a `manage.py` command of this site prints."""
        if self._kept is None:
            self._kept = KeptManage(os.environ | {"SLIPWAY_DATA": str(self.data)})
        return self._kept.run(*words)

    def end_kept(self) -> None:
        """End the process that ran the commands."""
        if self._kept is not None:
            self._kept.end()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_ready(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    said = ""
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the site ended with {process.returncode}"
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return
        except urllib.error.HTTPError as error:
            said = error.read().decode()
        except OSError as error:
            said = str(error)
        time.sleep(0.2)
    pytest.fail(f"the site is not ready after {READY_SECONDS} s: {said}")


def _end(process: "subprocess.Popen[str]") -> None:
    """End the site in order, also after a test that failed: its machines are nobody's then."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    finally:
        process.kill()
        process.wait()


@contextmanager
def running_site(data: Path, *, host: str = "127.0.0.1", **environment: str) -> Iterator[Site]:
    """Run a site on free ports in `data`, which is removed; nothing may be left on the engine.

    `host`: the address that it listens on, as `./start --host`.
    In values of `environment`, `{port}` stands for the site's port.
    """
    port = _free_port()
    inherited = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED}
    # A pool would be found where tests look for what is left.
    pools = ("SHELL", "DOCKER", "VM")
    # No pool, and no snapshots: nothing of the site's own works beside a test.
    own = {f"SANDBOX_POOL_{kind}": "0" for kind in pools} | {"SANDBOX_GUEST_SNAPSHOTS": "0"}
    environment = own | environment
    own = {k: v.format(port=port) for k, v in environment.items()}
    command = [sys.executable, "-m", "config.supervise", "--port", str(port), "--data", str(data)]
    with (data / "site.log").open("w") as log:

        def launch() -> subprocess.Popen[str]:
            return subprocess.Popen(
                [*command, "--host", host],
                cwd=ROOT,
                env=inherited | own,
                stdout=log,
                stderr=log,
                text=True,
                # Whoever runs it may be killed: the site then ends itself, its machines included,
                # and is not in the group that is killed with them.
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

        running = Site(f"http://localhost:{port}", port, data, launch(), launch)
        try:
            wait_ready(running.url, running.process)
            yield running
            _end(running.process)
            assert running.objects() == []
        except BaseException:
            print((data / "site.log").read_text()[-4000:])
            raise
        finally:
            running.end_kept()
            _end(running.process)
            shutil.rmtree(data, ignore_errors=True)
