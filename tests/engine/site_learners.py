"""Learners of a whole site, as programs: the API with a token, terminals by WebSocket."""

import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.running_site import Site

SETTLED = ("ready", "failed")
MAKE_TOKENS = """
from classroom.models import Token, User
from classroom.people import user_for_token_name
for name in {names!r}:
    print(Token.issue(user_for_token_name(name, User.Role.LEARNER), name))
"""


class Learner:
    """A learner with a token."""

    def __init__(self, site: Site, token: str) -> None:
        self.site = site
        self.headers = {"Authorization": f"Bearer {token}"}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON. Raises urllib.error.HTTPError."""
        headers = self.headers | {"Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        address = f"{self.site.url}/api/v1{path}"
        request = urllib.request.Request(address, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def start(self, lesson: str = "shell") -> str:
        """Press Start; the sandbox's id."""
        made = self.call("POST", "/sandboxes", {"course": "playground", "lesson": lesson})
        return str(made["id"])

    def refused(self, lesson: str = "shell") -> dict[str, Any]:
        """Press Start where it must be refused; the error's code, message and hint."""
        with pytest.raises(urllib.error.HTTPError) as refused:
            self.start(lesson)
        assert refused.value.code == 503
        return dict(json.loads(refused.value.read())["error"])

    def look(self, sandbox_id: str) -> dict[str, Any]:
        return dict(self.call("GET", f"/sandboxes/{sandbox_id}"))

    def wait_for(
        self, sandbox_id: str, states: tuple[str, ...] = SETTLED, seconds: float = 60
    ) -> dict[str, Any]:
        """Wait until the sandbox is in one of `states`."""
        deadline = time.monotonic() + seconds
        while True:
            now = self.look(sandbox_id)
            if now["state"] in states:
                return now
            assert time.monotonic() < deadline, now
            time.sleep(0.05)

    def ready(self, lesson: str = "shell") -> str:
        """Start and wait until it is ready; the sandbox's id."""
        sandbox_id = self.start(lesson)
        now = self.wait_for(sandbox_id)
        assert now["state"] == "ready", now
        return sandbox_id

    def stop(self, sandbox_id: str) -> None:
        """Press Stop and wait until it is over."""
        self.call("DELETE", f"/sandboxes/{sandbox_id}")
        self.wait_for(sandbox_id, ("gone", "failed"), 30)

    def events(self, sandbox_id: str) -> "Events":
        """What a page with the sandbox open is told from now on."""
        return Events(self.site, f"/ws/sandboxes/{sandbox_id}/events", self.headers)

    def terminal(self, sandbox_id: str, machine: str = "box") -> "Screen":
        """Open the machine's terminal. Raises OSError while nobody listens."""
        path = f"/ws/sandboxes/{sandbox_id}/machines/{machine}/terminals/main"
        address = self.site.url.replace("http", "ws", 1) + path
        return Screen(address, self.headers)


class Events:
    """What a page that is open is told: of a learner's sandbox, or as a visitor of the host only."""

    def __init__(self, site: Site, path: str = "/ws/host", headers: Any = None) -> None:
        self._open = ExitStack()
        address = site.url.replace("http", "ws", 1) + path
        opening = connect(address, additional_headers=headers, proxy=None)
        self.socket = self._open.enter_context(opening)

    def wait_for(self, seconds: float, **fields: Any) -> tuple[dict[str, Any], float]:
        """The next event with these fields, and the seconds until it came."""
        began = time.monotonic()
        seen = []
        while (left := began + seconds - time.monotonic()) > 0:
            try:
                event = json.loads(self.socket.recv(timeout=left))
            except TimeoutError:
                break
            if event | fields == event:
                return event, time.monotonic() - began
            seen.append(event)
        raise AssertionError(f"no {fields} within {seconds} s, but {seen}")

    def close(self) -> None:
        self._open.close()


class Screen:
    """One open terminal."""

    def __init__(self, address: str, headers: dict[str, str]) -> None:
        self._open = ExitStack()
        opening = connect(address, additional_headers=headers, proxy=None)
        self.socket = self._open.enter_context(opening)
        self.pid = json.loads(self.socket.recv(timeout=10))["hello"]["pid"]
        self.socket.send('{"resize": [100, 30]}')

    def says(self, line: str, pattern: str, seconds: float = 10) -> re.Match[str]:
        """Type a line; wait for what must come back."""
        self.socket.send(line.encode() + b"\r")
        deadline = time.monotonic() + seconds
        text = ""
        while not (found := re.search(pattern, text)):
            left = deadline - time.monotonic()
            assert left > 0, text[-500:]
            got = self.socket.recv(timeout=left)
            text += got.decode(errors="replace") if isinstance(got, bytes) else ""
        return found

    def shell_pid(self) -> int:
        """The PID the shell has by its own account."""
        return int(self.says('echo "pid-""is $$."', r"pid-is (\d+)\.")[1])

    def broken(self, seconds: float = 5) -> bool:
        """Whether the connection breaks within so long."""
        deadline = time.monotonic() + seconds
        try:
            while (left := deadline - time.monotonic()) > 0:
                self.socket.recv(timeout=left)
        except ConnectionClosed:
            return True
        except TimeoutError:
            pass
        return False

    def close(self) -> None:
        self._open.close()


def learners(site: Site, *names: str) -> list[Learner]:
    """Learners of these names, made in one go."""
    said = site.manage("shell", "-v", "0", "-c", MAKE_TOKENS.format(names=names))
    return [Learner(site, token) for token in said.splitlines()]


def eventually(holds: Callable[[], Any], seconds: float, why: Any = "") -> float:
    """Wait until `holds()`, which may raise OSError meanwhile; return how long it took."""
    began = time.monotonic()
    last: Any = None
    while time.monotonic() < began + seconds:
        try:
            last = holds()
        except OSError as error:
            last = error
        else:
            if last:
                return time.monotonic() - began
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {why} {last!r}")


def containers(site: Site) -> list[str]:
    """Names of the site's containers, running or not."""
    return labelled(f"slipway.instance={site.instance}")


def labelled(label: str) -> list[str]:
    command = ["docker", "ps", "--all", "--filter", f"label={label}", "--format={{.Names}}"]
    return subprocess.check_output(command, text=True).split()
