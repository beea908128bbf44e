"""A second Docker engine for tests: to be stopped, killed and restarted at will.

It lives in network, mount and process namespaces of its own. In the host's network
namespace a second daemon would delete the first one's bridge; in the host's mount
namespace it would find the first one's containerd. Its first process reads a pipe of this
one: when the test ends, even by SIGKILL, so does everything in there, and its mounts with
it. Root and a Docker package (dockerd, containerd, runc) are needed; anything else fails.

    with second_engine() as engine:
        engine.copy_image(image_ref("shell"))
        with engine.used_by_slipway():
            ...
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.test import override_settings

from sandbox.images import image_ref, seed_marker_ref, seed_volume
from sandbox.specs import RUNNABLE_KINDS

UP_SECONDS = 60
DOWN_SECONDS = 30
# A containerd that ended with its engine must be reaped: as a zombie it counts as running,
# and the next engine would wait for it.
REAPER = """
import signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
sys.stdin.read()
"""
FIRST_PROCESS = """
set -e
mount -t tmpfs none /run
# Without the usual engine's settings and the key that makes its id.
if [ -d /etc/docker ]; then mount -t tmpfs none /etc/docker; fi
ip link set lo up
exec "$0" -c "$1"
"""


class SecondEngine:
    """One engine; `arguments` are further ones of dockerd, such as `--add-runtime=…`.

    Its containers outlive `kill` and end with the next `start`, as on any host whose
    engine has no `--live-restore`; `stop` ends them too.
    """

    def __init__(self, folder: Path, arguments: Sequence[str] = ()) -> None:
        self.folder = folder
        self.socket = folder / "docker.sock"
        self.log = folder / "dockerd.log"
        # A value for DOCKER_HOST.
        self.address = f"unix://{self.socket}"
        self._arguments = tuple(arguments)
        self._pid_file = folder / "dockerd.pid"
        self._daemon: subprocess.Popen[bytes] | None = None
        self._first = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
            + ["sh", "-c", FIRST_PROCESS, sys.executable, REAPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._first.stdout is not None
        if self._first.stdout.readline() != b"ready\n":
            raise RuntimeError("no namespaces for a second engine; is this root?")

    def start(self) -> None:
        """Start the engine and wait until it answers."""
        # One that was killed left its pid file, and another process may have that pid now.
        self._pid_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._daemon = subprocess.Popen(
                self._inside(
                    "dockerd",
                    f"--host={self.address}",
                    f"--data-root={self.folder / 'data'}",
                    f"--exec-root={self.folder / 'exec'}",
                    f"--pidfile={self._pid_file}",
                    # The host's systemd knows nothing of these namespaces.
                    "--exec-opt=native.cgroupdriver=cgroupfs",
                    *self._arguments,
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_up()

    def stop(self) -> None:
        """End the engine and its containers in order."""
        self._end("TERM")

    def kill(self) -> None:
        """End the engine by SIGKILL; its containers go on until the next start."""
        self._end("KILL")

    def restart(self) -> None:
        """Stop and start again."""
        self.stop()
        self.start()

    def docker(self, *arguments: str, check: bool = True) -> str:
        """Run the docker command against this engine; return what it printed."""
        done = subprocess.run(
            ["docker", "--host", self.address, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"docker {arguments}: {done.stderr} {self.last_words()}")
        return done.stdout

    def copy_image(self, ref: str) -> None:
        """Copy an image from the tests' usual engine (`slipway/shell`: some 5 s)."""
        usual = ["docker", "--host", settings.DOCKER_HOST]
        with subprocess.Popen([*usual, "save", ref], stdout=subprocess.PIPE) as saving:
            load = ["docker", "--host", self.address, "load", "--quiet"]
            subprocess.run(load, stdin=saving.stdout, check=True, stdout=subprocess.DEVNULL)
        if saving.returncode != 0:
            raise RuntimeError(f"{ref} could not be copied")

    def name_other_images(self) -> None:
        """Give everything that Slipway looks for its name, with the `shell` image in it.

        Enough for `hosts.refresh` to find nothing missing, without copying a gigabyte.
        Machines of kind `shell` are real then, others don't come up.
        """
        others = [image_ref(kind) for kind in sorted(RUNNABLE_KINDS - {"shell"})]
        for ref in (*others, seed_marker_ref()):
            self.docker("tag", image_ref("shell"), ref)
        self.docker("volume", "create", seed_volume())

    @contextmanager
    def used_by_slipway(self) -> Iterator[None]:
        """Make this engine the one of DOCKER_HOST, in all threads of this process."""
        with override_settings(DOCKER_HOST=self.address):
            yield

    def last_words(self) -> str:
        """The end of the engine's log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]

    def close(self) -> None:
        """End the engine, if it runs, and everything that it left."""
        if self._daemon is not None:
            # Its containers' control groups are removed in order only by the engine itself.
            for container in self.docker("ps", "--all", "--quiet", check=False).split():
                self.docker("rm", "--force", "--volumes", container, check=False)
            self.stop()
        # The last process of the pid namespace takes all others and the mounts with it.
        self._first.communicate()

    def _inside(self, *command: str) -> list[str]:
        """The command line that runs `command` in this engine's namespaces."""
        holder = self._first.pid
        children = Path(f"/proc/{holder}/task/{holder}/children").read_text(encoding="ascii")
        return ["nsenter", f"--target={children.split()[0]}", "--net", "--mount", "--pid", *command]

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + UP_SECONDS
        while not self.docker("version", "--format={{.Server.Version}}", check=False).strip():
            ended = self._daemon is None or self._daemon.poll() is not None
            if ended or time.monotonic() > deadline:
                raise RuntimeError(f"the second engine did not come up: {self.last_words()}")
            time.sleep(0.1)

    def _end(self, signal: str) -> None:
        if self._daemon is None:
            return
        if self._daemon.poll() is None:
            # Its pid counts in its own namespace.
            pid = self._pid_file.read_text(encoding="ascii").strip()
            subprocess.run(self._inside("kill", f"-{signal}", pid), check=True)
        self._daemon.wait(DOWN_SECONDS)
        self._daemon = None


@contextmanager
def second_engine(*arguments: str) -> Iterator[SecondEngine]:
    """A running second engine, empty; `arguments` are further ones of dockerd."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        raise RuntimeError("A second engine needs root and dockerd. Run ./test engine as root.")
    # Short, because a socket's path may have 107 characters only.
    folder = Path(tempfile.mkdtemp(prefix="slipway-engine-"))
    try:
        made = SecondEngine(folder, arguments)
        try:
            made.start()
            yield made
        finally:
            made.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def slipways_engine(*arguments: str) -> Iterator[SecondEngine]:
    """A second engine that has what Slipway looks for; its machines of kind `shell` are real."""
    with second_engine(*arguments) as made:
        made.copy_image(image_ref("shell"))
        made.name_other_images()
        yield made
