"""The container deployment, from nothing to a prompt, through its proxy."""

import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from sandbox.images.build import DEFAULT_CACHE
from tests.engine.compose_project import Project, compose_command

# The first run bootstraps Debian four times and installs the Python packages.
pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=120), pytest.mark.timeout(2400)]
SOCKET = "/var/run/docker.sock"
START_SECONDS = 120
BACK_SECONDS = 10


class Learner:
    """A learner with a token, on HTTP and on WebSockets."""

    def __init__(self, project: Project, name: str) -> None:
        create = ("python", "manage.py", "token", "create", "--name", name, "--role", "learner")
        self.headers = {"Authorization": f"Bearer {project.inside('web', *create).strip()}"}
        self.project = project

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(f"{self.project.url}/api/v1{path}", method=method)
        request.headers |= self.headers | {"Content-type": "application/json"}
        request.data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def socket(self, path: str) -> ClientConnection:
        url = self.project.url.replace("http:", "ws:") + f"/ws/sandboxes/{path}"
        return connect(url, additional_headers=self.headers, open_timeout=20, proxy=None)

    @contextmanager
    def sandbox(self, lesson: str) -> Iterator[str]:
        """Start a lesson of the playground, wait until it is ready; stop it in the end."""
        status, started = self.call(
            "POST", "/sandboxes", {"course": "playground", "lesson": lesson}
        )
        assert status == 202, started
        try:
            self._wait_until_ready(started["id"])
            yield started["id"]
        finally:
            assert self.call("DELETE", f"/sandboxes/{started['id']}")[0] == 202
            self._wait_until_gone(started["id"])

    def _wait_until_ready(self, sandbox_id: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        with self.socket(f"{sandbox_id}/events") as events:
            while time.monotonic() < deadline:
                event = json.loads(events.recv(timeout=deadline - time.monotonic()))
                state = event.get("sandbox", {}).get("state")
                assert state != "failed", f"{event}\n{self.project.logs()}"
                if state == "ready":
                    print(f"ready after {event['sandbox']['ready_seconds']} s")
                    return
        raise AssertionError(f"not ready in {START_SECONDS} s\n{self.project.logs()}")

    def _wait_until_gone(self, sandbox_id: str) -> None:
        deadline = time.monotonic() + 60
        while self.call("GET", f"/sandboxes/{sandbox_id}")[1].get("state") != "gone":
            assert time.monotonic() < deadline, self.project.logs()
            time.sleep(0.3)


def type_until(terminal: ClientConnection, line: str, wanted: str, seconds: float = 60) -> str:
    """Type a line; the output, once `wanted` is in it."""
    terminal.send(line.encode() + b"\r")
    output = b""
    deadline = time.monotonic() + seconds
    while wanted.encode() not in output:
        try:
            frame = terminal.recv(timeout=max(0.1, deadline - time.monotonic()))
        except TimeoutError:
            raise AssertionError(f"no {wanted!r} in {output.decode(errors='replace')!r}") from None
        if isinstance(frame, bytes):
            output += frame
            terminal.send(json.dumps({"ack": len(frame)}))
    return output.decode(errors="replace")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    compose = compose_command()
    if compose is None:
        pytest.skip("not run: neither docker-compose nor the compose plugin is installed")
    if os.geteuid() != 0:
        pytest.skip("not run: base images are bootstrapped with mmdebstrap, which needs root")
    made = Project(tmp_path_factory.mktemp("compose"), compose)
    began = time.monotonic()
    made.prepare(Path(DEFAULT_CACHE))
    prepared = time.monotonic()
    try:
        made.up()
        print(f"prepared in {prepared - began:.1f} s, up in {time.monotonic() - prepared:.1f} s")
        yield made
    finally:
        made.down()
        assert made.left() == []


def test_only_console_and_worker_hold_the_engines_socket(project: Project) -> None:
    services = ("proxy", "web", "console", "worker", "beat", "redis", "postgres")
    holders = set()
    for service in services:
        found = project.inspect(service)
        if any("docker.sock" in mount["Source"] for mount in found["Mounts"]):
            holders.add(service)
        host = found["HostConfig"]
        assert host["CapDrop"] == ["ALL"], service
        assert host["ReadonlyRootfs"], service
        assert not host["Privileged"], service
        assert "no-new-privileges:true" in host["SecurityOpt"], service
        assert found["Config"]["User"] not in ("", "root", "0", "0:0"), service
    assert holders == {"console", "worker"}
    probe = "import socket; socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock')"
    for service in ("web", "beat"):
        with pytest.raises(AssertionError, match="No such file"):
            project.inside(service, "python", "-c", probe)


def test_shell_from_start_to_prompt_and_gone(project: Project) -> None:
    ada = Learner(project, "ada")
    with ada.sandbox("01-shell") as sandbox_id:
        with ada.socket(f"{sandbox_id}/machines/box/terminals/main") as terminal:
            type_until(terminal, "echo the-answer-is-$((6*7))", "the-answer-is-42")
        listed = project.inside("worker", "python", "manage.py", "sandbox", "objects", sandbox_id)
        assert "container " in listed
    listed = project.inside("worker", "python", "manage.py", "sandbox", "objects", sandbox_id)
    assert listed.strip() == ""


class Follower:
    """Follows the main terminal over several sockets, and comes back where it was, as a page does."""

    def __init__(self, learner: Learner, sandbox_id: str) -> None:
        self.learner, self.path = learner, f"{sandbox_id}/machines/box/terminals/main"
        self.seen = b""
        self.connect("")

    def connect(self, query: str) -> None:
        self.told: list[dict[str, Any]] = []
        self.socket = self.learner.socket(self.path + query)

    def read(self, seconds: float) -> None:
        frame = self.socket.recv(timeout=seconds)
        if isinstance(frame, bytes):
            self.seen += frame
            self.socket.send(json.dumps({"ack": len(frame)}))
        else:
            self.told.append(json.loads(frame))

    def until(self, wanted: bytes, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while wanted not in self.seen:
            assert time.monotonic() < deadline, self.seen[-500:]
            self.read(max(0.1, deadline - time.monotonic()))

    def come_back(self) -> float:
        """Once the socket is broken, open another; the seconds that took."""
        began = time.monotonic()
        try:
            while True:
                self.read(BACK_SECONDS)
        except ConnectionClosed:
            pass
        while True:
            try:
                self.connect(f"?after={len(self.seen)}")
                self.read(BACK_SECONDS)  # the hello
                return time.monotonic() - began
            except (OSError, InvalidHandshake, ConnectionClosed):
                assert time.monotonic() < began + 6 * BACK_SECONDS, self.learner.project.logs()
                time.sleep(0.5)


def test_a_terminal_outlives_web_and_console(project: Project) -> None:
    lin = Learner(project, "lin")
    with lin.sandbox("01-shell") as sandbox_id:
        page = Follower(lin, sandbox_id)
        page.until(b"\x1b]133;B\x07")
        pid = page.told[0]["hello"]["pid"]
        page.socket.send(b"for n in $(seq 600); do echo number-$n; sleep 0.1; done; echo all-$?\r")
        page.until(b"number-10\r\n")
        project.restart("web")
        assert lin.call("GET", f"/sandboxes/{sandbox_id}")[1]["state"] == "ready"
        # Nobody who sits at a terminal notices: the same socket, which would raise if it was closed.
        page.socket.send(json.dumps({"ping": 7}))
        while {"pong": 7} not in page.told:
            page.read(BACK_SECONDS)
        # As the kernel does when memory runs out; the engine starts it again.
        os.kill(project.inspect("console")["State"]["Pid"], signal.SIGKILL)
        seconds = page.come_back()
        print(f"back {seconds:.1f} s after the console was killed")
        assert seconds < BACK_SECONDS
        assert page.told[0]["hello"]["pid"] == pid
        page.until(b"all-0\r\n", 120)
        assert not any("seq" in told for told in page.told), "the screen stays"
        numbers = [int(n) for n in re.findall(rb"number-(\d+)\r\n", page.seen)]
        assert numbers == list(range(1, 601))
        page.socket.close()


def test_docker_machine_runs_limits_and_shows_a_preview(project: Project) -> None:
    grace = Learner(project, "grace")
    with grace.sandbox("02-docker") as sandbox_id:
        with grace.socket(f"{sandbox_id}/machines/docker/terminals/main") as terminal:
            type_until(terminal, "docker run --rm hello-world", "Hello! This text was printed")
            # Only an engine whose control group was delegated to it can end this one.
            eat = "docker run --rm -m 32m python:3.11-slim python -c 'x = bytearray(2**28)'"
            type_until(terminal, f"{eat}; echo ended-with-$?", "ended-with-137", 120)
            type_until(terminal, "docker run -d -p 8080:80 nginx; echo up-$?", "up-0")
        status, preview = grace.call(
            "POST", f"/sandboxes/{sandbox_id}/previews", {"machine": "docker", "port": 8080}
        )
        assert status == 201, preview
        assert "nginx" in read_preview(project, preview["url"])


def read_preview(project: Project, url: str) -> str:
    """Read a preview's page from the proxy by its Host header, whatever resolves here."""
    request = urllib.request.Request(f"http://127.0.0.1:{project.port}/")
    request.add_header("Host", url.split("/")[2])
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            # The app was started a moment ago.
            if error.code != 502 or time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def test_a_worker_in_a_container_finds_out_what_the_host_keeps(project: Project) -> None:
    report = json.loads(
        project.inside("worker", "python", "manage.py", "sandboxreport", "--again", "--json")
    )
    assert report["all_kept"], report["rows"]
    verdicts = {row["id"]: row["verdict"] for row in report["rows"]}
    assert verdicts["cgroup-delegation"] == "kept", "by a helper, which it can't do itself"
    assert "not known" not in verdicts.values()


def test_beat_knows_the_queue_and_no_secret(project: Project) -> None:
    environment = project.inspect("beat")["Config"]["Env"]
    assert any(entry.startswith("REDIS_URL=") for entry in environment)
    assert not any(entry.startswith(("SECRET_KEY=", "DATABASE_URL=")) for entry in environment)
    networks = project.inspect("beat")["NetworkSettings"]["Networks"]
    assert list(networks) == [f"{project.name}_queue"]
