"""A learner with a token, for benchmarks that go through HTTP and WebSockets."""

import json
import time
import urllib.request
from typing import Any

from websockets.sync.client import connect

from tests.running_site import Site

PROMPT = b"$ "


class Caller:
    """Starts machines of the playground's lessons, types into them, stops them."""

    def __init__(self, site: Site, name: str = "bench") -> None:
        self.site = site
        token = site.manage("token", "create", "--name", name)
        self.headers = {"Authorization": f"Bearer {token}"}
        # The server's own time from Start to ready, of the latest start.
        self.handed_over = 0.0

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = self.headers | {"Content-Type": "application/json"}
        address = f"{self.site.url}/api/v1{path}"
        request = urllib.request.Request(address, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def socket(self, path: str) -> Any:
        address = self.site.url.replace("http", "ws", 1) + f"/ws/sandboxes/{path}"
        return connect(address, additional_headers=self.headers, proxy=None, open_timeout=60)

    def warm_up(self, kind: str, machine: str) -> None:
        """Wait until the pool has one machine of the kind."""
        while f"{kind} {machine}: 1 ready" not in self.site.manage("pool", "show"):
            time.sleep(0.5)

    def start(self, lesson: str, machine: str) -> tuple[float, float]:
        """Start, wait for the prompt, stop; seconds to ready and to the prompt."""
        began = time.perf_counter()
        sandbox = self.call("POST", "/sandboxes", {"course": "playground", "lesson": lesson})["id"]
        self._wait_ready(sandbox)
        ready = time.perf_counter() - began
        with self.socket(f"{sandbox}/machines/{machine}/terminals/main") as terminal:
            terminal.send('{"resize": [100, 30]}')
            seen = b""
            while PROMPT not in seen:
                got = terminal.recv(timeout=60)
                seen += got if isinstance(got, bytes) else b""
        prompt = time.perf_counter() - began
        self.stop(sandbox)
        return ready, prompt

    def _wait_ready(self, sandbox: str) -> None:
        with self.socket(f"{sandbox}/events") as events:
            while True:
                event = json.loads(events.recv(timeout=90))
                state = event.get("sandbox", {}).get("state")
                if state == "ready":
                    self.handed_over = event["sandbox"]["ready_seconds"]
                    return
                if state in ("failed", "gone"):
                    raise RuntimeError(event)

    def stop(self, sandbox: str) -> None:
        self.call("DELETE", f"/sandboxes/{sandbox}")
        while self.call("GET", f"/sandboxes/{sandbox}")["state"] not in ("gone", "failed"):
            time.sleep(0.05)
