"""Previews next to direct requests to the same container: `python -m bench.preview` (as root).

Runs a site of its own as `./start` does and an app in a `shell` machine. "direct" are the same
requests made within the machine's network namespace, so without console, engine and tunnel.
Prints the latency that is added for a small page on a kept connection, the throughput of 50 MB,
and the errors among 50 requests at once, each next to direct.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.running_site import Site, running_site

APP = r"""
import http.server
class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        size = int(self.path.partition("?")[2] or 2048)
        # Head and begin of the body in one piece: in two, the second waits for the first's receipt.
        part = b"x" * min(size, 262144)
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + part)
        size -= len(part)
        while size > 0:
            self.wfile.write(part[:size])
            size -= len(part)
    def log_message(self, *_):
        pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
Server(("127.0.0.1", 5000), App).serve_forever()
"""
PORT = 5000
START_SECONDS = 60


class Learner:
    """Calls of the API with a token."""

    def __init__(self, site: Site) -> None:
        self.url = f"{site.url}/api/v1"
        self.token = site.manage("token", "create", "--name", "bench", "--role", "learner")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
        }
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def start(self) -> str:
        """Start the shell lesson; its sandbox once it is ready."""
        body = {"course": "playground", "lesson": "shell"}
        sandbox = self.call("POST", "/sandboxes", body)["id"]
        deadline = time.monotonic() + START_SECONDS
        while self.call("GET", f"/sandboxes/{sandbox}")["state"] != "ready":
            if time.monotonic() > deadline:
                raise TimeoutError("the machine did not get ready")
            time.sleep(0.2)
        return str(sandbox)


def run_app(container: str) -> None:
    """Start the app as the learner and wait until it listens."""
    command = ["docker", "exec", "-d", "-u", "1000:1000", container, "python3", "-c", APP]
    subprocess.run(command, check=True)
    look = ["docker", "exec", container, "sh", "-c", "ss -ltn | grep -q :5000"]
    for _ in range(50):
        if subprocess.run(look, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise TimeoutError("the app does not listen")


def measured(port: int, host: str, *before: str) -> dict[str, Any]:
    command = [*before, sys.executable, "-m", "bench.preview_client", str(port), host]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def report(direct: dict[str, Any], preview: dict[str, Any]) -> None:
    def line(words: str, one: str, other: str, against: str) -> None:
        print(f"{words:<34}{one:>12}{other:>12}   {against}")

    line("", "direct", "preview", "")
    for words, share in (("small page, p50", 50), ("small page, p95", 95)):
        one, other = (
            statistics.quantiles(found["latencies"], n=100)[share - 1] * 1000
            for found in (direct, preview)
        )
        line(words, f"{one:.2f} ms", f"{other:.2f} ms", f"{other - one:+.2f} ms")
    one, other = (statistics.median(found["rates"]) / 1e6 for found in (direct, preview))
    line("50 MB, median", f"{one:.0f} MB/s", f"{other:.0f} MB/s", f"{100 * other / one:.0f} %")
    line("50 at once, all", f"{direct['together']:.2f} s", f"{preview['together']:.2f} s", "")
    line("50 at once, without an answer", str(direct["failed"]), str(preview["failed"]), "")


def main() -> None:
    with running_site(Path(tempfile.mkdtemp())) as site:
        learner = Learner(site)
        sandbox = learner.start()
        objects = site.manage("sandbox", "objects", sandbox).splitlines()
        container = next(line.split()[1] for line in objects if line.startswith("container"))
        run_app(container)
        inspect = ["docker", "inspect", "-f", "{{.State.Pid}}", container]
        pid = subprocess.check_output(inspect, text=True).strip()
        body = {"machine": "box", "port": PORT}
        url = learner.call("POST", f"/sandboxes/{sandbox}/previews", body)["url"]
        direct = measured(PORT, "localhost", "nsenter", "-t", pid, "-n")
        preview = measured(site.port, url.removeprefix("http://").rstrip("/"))
        report(direct, preview)
        learner.call("DELETE", f"/sandboxes/{sandbox}")
        deadline = time.monotonic() + START_SECONDS
        while site.objects() and time.monotonic() < deadline:
            time.sleep(0.2)


if __name__ == "__main__":
    main()
