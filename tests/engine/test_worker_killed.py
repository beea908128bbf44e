"""A worker that is killed in the middle of a creation loses nothing and doubles nothing."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.running_site import Site, running_site

pytestmark = pytest.mark.engine
SETTLED = ("ready", "failed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("killed")) as running:
        yield running


class Learner:
    """A learner with a token."""

    def __init__(self, site: Site, name: str) -> None:
        self.site = site
        self.token = site.manage("token", "create", "--name", name)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        address = f"{self.site.url}/api/v1{path}"
        request = urllib.request.Request(address, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def wait_for(self, sandbox_id: str, states: tuple[str, ...], seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        while True:
            now = self.call("GET", f"/sandboxes/{sandbox_id}")
            if now["state"] in states:
                return now
            assert time.monotonic() < deadline, now
            time.sleep(0.05)


@pytest.mark.parametrize("stage", ["claimed", "created", "engine starting"])
def test_killed_worker(stage: str, site: Site) -> None:
    learner = Learner(site, f"killed-{stage.replace(' ', '-')}")
    started = learner.call("POST", "/sandboxes", {"course": "playground", "lesson": "docker"})
    sandbox_id = started["id"]
    now = learner.wait_for(sandbox_id, ("starting", *SETTLED), 20)
    while stage != "claimed" and stage not in [done["name"] for done in now["stages"]]:
        assert now["state"] not in SETTLED, now
        now = learner.call("GET", f"/sandboxes/{sandbox_id}")
    os.kill(site.child(" worker "), signal.SIGKILL)

    now = learner.wait_for(sandbox_id, SETTLED, 60)
    found = site.manage("sandbox", "objects", sandbox_id).splitlines()
    containers = [line for line in found if line.startswith("container")]
    assert len(containers) == (1 if now["state"] == "ready" else 0)
    learner.call("DELETE", f"/sandboxes/{sandbox_id}")
    learner.wait_for(sandbox_id, ("gone", "failed"), 20)
    assert site.manage("sandbox", "objects", sandbox_id) == ""
