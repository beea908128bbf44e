"""A whole site of its own for the browser tests, and a real Chromium.

The site is what `./start` runs (config.supervise), on free ports, with a data folder that
is thrown away; afterwards nothing of it may be left on the engine.
"""

import json
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
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 90
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    # Without WebGL the terminal draws with DOM rows, whose text a test can read.
    "--disable-3d-apis",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # A second name for this machine, as a classroom's computers see it.
    "--host-resolver-rules=MAP classroom.test 127.0.0.1",
]


@dataclass
class Site:
    """A running site: its address, its data folder, its supervisor."""

    url: str
    port: int
    data: Path
    process: subprocess.Popen[str]

    @property
    def instance(self) -> str:
        return (self.data / "instance-id").read_text().strip()

    def objects(self) -> list[str]:
        """Everything on the engine that belongs to this site."""
        label = f"label=slipway.instance={self.instance}"
        found: list[str] = []
        for what in ("container ls --all", "volume ls", "network ls"):
            command = ["docker", *what.split(), "-q", "--filter", label]
            found += subprocess.check_output(command, text=True).split()
        return found

    def child(self, word: str) -> int:
        """The PID of the supervised process whose command line holds `word`."""
        listing = subprocess.check_output(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self.process.pid)], text=True
        )
        return next(int(line.split()[0]) for line in listing.splitlines() if word in line)

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        environment = os.environ | {"SLIPWAY_DATA": str(self.data)}
        return subprocess.check_output(command, cwd=ROOT, env=environment, text=True).strip()


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


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data = tmp_path_factory.mktemp("site")
    port = _free_port()
    clean = ("SLIPWAY_DATA", "REDIS_URL", "SITE_URL", "PREVIEW_HOST")
    environment = {k: v for k, v in os.environ.items() if k not in clean}
    environment["SITE_URLS_EXTRA"] = f"http://127.0.0.1:{port},http://classroom.test:{port}"
    with (data / "site.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.supervise", "--port", str(port), "--data", str(data)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            text=True,
        )
        running = Site(f"http://localhost:{port}", port, data, process)
        try:
            wait_ready(running.url, process)
            yield running
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            assert running.objects() == []
        finally:
            process.kill()
            process.wait()
            print((data / "site.log").read_text()[-4000:])  # pytest shows it when a test failed
            shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.fail("Chromium is missing: ./test installs it on Debian and Ubuntu as root")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield started
        started.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make browser contexts (a person each); console errors fail the test."""
    opened: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        context.set_default_timeout(30_000)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def page(site: Site, new_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    """A guest's browser; script errors on its pages fail the test, its machines are ended."""
    context = new_context()
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    stop_machines(site, context)
    assert faults == []


def stop_machines(site: Site, context: BrowserContext) -> None:
    """End whatever this browser's learner still has."""
    cookies = {c["name"]: c["value"] for c in context.cookies(site.url)}
    if "sessionid" not in cookies:
        return
    script = (
        "from django.contrib.sessions.models import Session;"
        "from sandbox import lifecycle; from classroom.models import User;"
        f"s = Session.objects.get(pk={json.dumps(cookies['sessionid'])}).get_decoded();"
        "u = User.objects.filter(pk=s.get('_auth_user_id')).first();"
        "b = u and lifecycle.live_sandbox(u);"
        "b and lifecycle.destroy_now(b)"
    )
    site.manage("shell", "-v", "0", "-c", script)
