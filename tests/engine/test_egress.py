"""The way out that an operator may open, seen from inside machines of each kind.

Two containers on the engine's own bridge stand for the world: a mirror that is listed and a
server that is not. Both answer an unprotected container first.
"""

from collections.abc import Iterator
from typing import Any

import docker
import pytest
from django.test import override_settings

from sandbox import egress_keeper, engine
from sandbox.images import image_ref
from sandbox.models import Machine
from sandbox.probes import egress as probe
from sandbox.specs import MachineSpec
from tests.engine import conftest
from tests.engine.probes import as_learner, as_root, unprotected
from tests.engine.reach import answers, ask, ipv4_addresses
from tests.engine.screen import typed

pytestmark = pytest.mark.engine
# Debian's way of asking: a registry is asked the same way by an engine, over plain HTTP.
REGISTRY = """
import http.server
class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = f"{self.path} of {self.headers['Host']}".encode()
        self.send_response(404 if "/manifests/" in self.path else 200)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_HEAD = do_GET
http.server.ThreadingHTTPServer(("", 8000), Registry).serve_forever()
"""
FETCH = "curl -sS --max-time 20 -w ' %{{http_code}}' {url}"


@pytest.fixture(scope="module")
def world() -> Iterator[dict[str, str]]:
    """Addresses of `mirror` and `other`, two servers on the engine's bridge, both on 8000."""
    api = docker.from_env().api
    made: dict[str, str] = {}
    try:
        for name in ("mirror", "other"):
            body: dict[str, Any] = {
                "Image": image_ref("shell"),
                "Entrypoint": ["/usr/bin/python3", "-c", REGISTRY],
                "HostConfig": {"NetworkMode": "bridge"},
            }
            made[name] = api.create_container_from_config(body)["Id"]
            api.start(made[name])
        yield {
            name: api.inspect_container(pk)["NetworkSettings"]["IPAddress"]
            for name, pk in made.items()
        }
    finally:
        for pk in made.values():
            api.remove_container(pk, force=True, v=True)
        api.close()


@pytest.fixture(scope="module")
def machines(world: dict[str, str]) -> Iterator[dict[str, Machine]]:
    """One machine of each kind alone, without a network, let out to the mirror only."""
    listed = [f"mirror.test:8000={world['mirror']}", f"{world['mirror']}:8000"]
    with override_settings(SANDBOX_EGRESS_SHELL=listed, SANDBOX_EGRESS_DOCKER=listed):
        found: dict[str, Machine] = {}
        alone = [conftest.bare_machine(kind) for kind in ("shell", "docker")]
        try:
            for machine in alone:
                made = next(machine)
                found[made.kind] = made
            yield found
        finally:
            for machine in alone:
                machine.close()  # type: ignore[attr-defined]
    egress_keeper.tend()
    for kind in ("shell", "docker"):
        assert engine.inspect_container(egress_keeper.object_name(kind)) is None
        assert not engine.volume_exists(egress_keeper.object_name(kind))


KINDS = pytest.mark.parametrize("kind", ["shell", "docker"])


@KINDS
def test_a_listed_host_answers_by_its_name(machines: dict[str, Machine], kind: str) -> None:
    said = typed(machines[kind], FETCH.format(url="http://mirror.test:8000/debian/x"))
    assert said.text == "/debian/x of mirror.test:8000 200"


@KINDS
def test_everything_else_stays_closed(
    machines: dict[str, Machine], world: dict[str, str], kind: str
) -> None:
    """By the proxy, and past it: there is no other way."""
    other = f"http://{world['other']}:8000/"
    proof = unprotected(FETCH.format(url=other), NetworkMode="bridge")
    assert proof.text.endswith("200"), "the probe itself must work"
    own = ipv4_addresses()[0]
    # The last is the listed host on another port; 172.17.0.0/12 is asked for directly.
    for url in (other, f"http://{own}:22/", "http://169.254.169.254/", "http://mirror.test:22/"):
        past = typed(machines[kind], FETCH.format(url=f"--noproxy '*' {url}"))
        assert past.code != 0, url
        by_proxy = typed(machines[kind], FETCH.format(url=f"--noproxy '' {url}"))
        assert by_proxy.text.endswith(" 403"), url
        assert "is not allowed here" in by_proxy.text
    if kind == "shell":
        assert answers(typed(machines[kind], ask([own, world["mirror"]], [8000]))).accepted == set()
        assert typed(machines[kind], "ls /sys/class/net").text.split() == ["lo"]


@KINDS
def test_no_name_is_looked_up_in_the_machine(machines: dict[str, Machine], kind: str) -> None:
    said = typed(machines[kind], "timeout 4 getent hosts mirror.test example.org")
    assert (said.code, said.text) == (2, "")


@KINDS
def test_a_learner_can_neither_replace_nor_fill_the_socket(
    machines: dict[str, Machine], kind: str
) -> None:
    machine = machines[kind]
    for attack in ("rm -f /egress/proxy", "touch /egress/x", "mount -o remount,rw /egress"):
        for run in (as_learner, as_root):
            assert run(machine, attack).code != 0, attack
    assert typed(machine, FETCH.format(url="http://mirror.test:8000/")).text.endswith("200")


def test_the_inner_engine_asks_a_listed_registry(
    machines: dict[str, Machine], world: dict[str, str]
) -> None:
    """The registry has no such image: that it says so is the answer that was asked for."""
    pull = f"docker pull {world['mirror']}:8000/tools/x:1 2>&1"
    assert "manifest" in typed(machines["docker"], pull, 40).text
    # By name engines want TLS, which this one does not speak: it was reached.
    listed = typed(machines["docker"], "docker pull mirror.test:8000/tools/x:1 2>&1", 40)
    assert "TLS handshake" in listed.text
    other = typed(machines["docker"], "docker pull unlisted.test:8000/tools/x:1 2>&1", 40)
    assert "Forbidden" in other.text


def test_the_forwarder_comes_back_with_the_next_shell(machines: dict[str, Machine]) -> None:
    machine = machines["shell"]
    killed = typed(machine, "pkill -f 'slipway-init forward'; curl -sS http://mirror.test:8000/")
    assert killed.code != 0
    as_learner(machine, "pkill -HUP -o bash; sleep 1.5")
    assert typed(machine, FETCH.format(url="http://mirror.test:8000/")).text.endswith("200")


def test_the_proxy_is_made_anew_when_it_died_or_its_list_changed(
    machines: dict[str, Machine], world: dict[str, str]
) -> None:
    first = engine.inspect_container(egress_keeper.object_name("shell"))
    assert first
    engine.remove_object("container", first["Id"])
    egress_keeper.tend()
    assert typed(machines["shell"], FETCH.format(url="http://mirror.test:8000/")).text.endswith(
        "200"
    )
    with override_settings(SANDBOX_EGRESS_SHELL=[f"other.test:8000={world['other']}"]):
        egress_keeper.tend()
        said = typed(machines["shell"], FETCH.format(url="http://mirror.test:8000/"))
        assert said.text.endswith("403"), "machines that run already follow the list"
        said = typed(machines["shell"], FETCH.format(url="http://other.test:8000/"))
        assert said.text.endswith("200")
    egress_keeper.tend()


def test_the_proxy_has_no_privilege(machines: dict[str, Machine]) -> None:
    found = engine.inspect_container(egress_keeper.object_name("shell"))
    assert found
    host = found["HostConfig"]
    assert found["Config"]["User"] == "65534:65534"
    assert (host["CapDrop"], host["CapAdd"], host["Privileged"]) == (["ALL"], None, False)
    assert (host["ReadonlyRootfs"], host["SecurityOpt"]) == (True, ["no-new-privileges"])
    assert [m["Destination"] for m in found["Mounts"]] == ["/egress"]


def test_the_report_says_what_may_be_reached(machines: dict[str, Machine]) -> None:
    findings = probe.outside()
    for kind in ("shell", "docker"):
        finding = findings[f"egress-{kind}"]
        assert finding.verdict == "kept", finding.evidence
        assert "listed: mirror.test:8000=" in finding.evidence


def test_without_a_list_no_machine_has_a_way_out(start: conftest.Start) -> None:
    machine = start(MachineSpec(name="laptop", kind="shell")).machines.get()
    said = typed(machine, "ls -d /egress; env | grep -ic proxy")
    assert said.text.splitlines()[-1] == "0"
    assert "No such file" in said.text
