"""The compose deployment under a project name and a port of its own."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from deploy import environment, prepare

ROOT = Path(__file__).resolve().parent.parent.parent
# One tag for all runs: its layers are the build's cache.
APP_IMAGE = "slipway/app:test"
UP_SECONDS = 900
READY_SECONDS = 120


def compose_command() -> list[str] | None:
    """docker-compose (1.29 or 2) or `docker compose`, whichever is installed."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True)
    return ["docker", "compose"] if plugin.returncode == 0 else None


def run(command: list[str], timeout_seconds: float = 60, *, check: bool = True) -> str:
    """Run a command without the tests' own settings in its environment; its stdout."""
    passed = ("PATH", "HOME", "DOCKER_HOST", "LANG")
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={name: os.environ[name] for name in passed if name in os.environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def free_port() -> int:
    """A TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Project:
    """One deployment: `prepare`, `up`, commands in services, `down`."""

    def __init__(self, folder: Path, compose: list[str]) -> None:
        self.name = f"slipway-test-{secrets.token_hex(3)}"
        self.port = free_port()
        self.env_file = folder / "env"
        self.compose = [*compose, "-p", self.name, "--env-file", str(self.env_file)]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def instance(self) -> str:
        return environment.read(self.env_file)["SLIPWAY_INSTANCE"]

    def prepare(self, cache: Path) -> None:
        """What an operator does first, with base images from Debian packages."""
        prepare.prepare(self.env_file, cache, from_packages=True)
        settings = {
            "SLIPWAY_IMAGE": APP_IMAGE,
            "HTTP_BIND": "127.0.0.1",
            "HTTP_PORT": str(self.port),
            "SITE_URL": self.url,
            "PREVIEW_HOST": f"localhost:{self.port}",
            # Warm machines outlive `down`: they would be found as left behind.
            "SANDBOX_POOL_SHELL": "0",
            "SANDBOX_POOL_DOCKER": "0",
            "SANDBOX_POOL_VM": "0",
            "SANDBOX_GUEST_SNAPSHOTS": "0",
        }
        environment.replace(self.env_file, settings)

    def up(self) -> None:
        """Build the application's image, start all services, wait until Start works."""
        before = run(["docker", "images", "-q", APP_IMAGE]).strip()
        run([*self.compose, "build"], UP_SECONDS)
        after = run(["docker", "images", "-q", APP_IMAGE]).strip()
        if before and before != after:
            # An older build of these tests; its shared layers stay with the new one.
            run(["docker", "rmi", before], check=False)
        run([*self.compose, "up", "-d"], UP_SECONDS)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        said = ""
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                    return
            except urllib.error.HTTPError as error:
                said = error.read().decode(errors="replace")
            except OSError as error:
                said = str(error)
            time.sleep(0.5)
        raise AssertionError(f"/readyz: {said}\n{self.logs()}")

    def restart(self, service: str) -> None:
        """Stop and start a service, as its new version would be; wait until the site answers."""
        run([*self.compose, "restart", "-t", "10", service], UP_SECONDS)
        self._wait_until_ready()

    def logs(self) -> str:
        """The last lines of every service."""
        return run([*self.compose, "logs", "--no-color", "--tail=40"], check=False)

    def inside(self, service: str, *command: str) -> str:
        """Run a command in a service's container; its stdout."""
        return run([*self.compose, "exec", "-T", service, *command])

    def inspect(self, service: str) -> dict:
        """The engine's description of a service's container."""
        container = run([*self.compose, "ps", "-q", service]).strip()
        return json.loads(run(["docker", "inspect", container]))[0]

    def down(self) -> None:
        """End the learners' machines, then every service, with their data."""
        run([*self.compose, "exec", "-T", "worker", "python", "manage.py", "sandbox", "endall"],
            check=False)  # fmt: skip
        run([*self.compose, "down", "-v", "--remove-orphans", "-t", "10"], 180)

    def left(self) -> list[str]:
        """Engine objects of this deployment or of its sandboxes."""
        found: list[str] = []
        labels = (f"com.docker.compose.project={self.name}", f"slipway.instance={self.instance}")
        for label in labels:
            for kind, more in (("container", ["-a"]), ("network", []), ("volume", [])):
                command = ["docker", kind, "ls", "-q", *more, "--filter", f"label={label}"]
                found += [f"{kind} {name}" for name in run(command).split()]
        return found
