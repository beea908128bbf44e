"""What machines reach: each other by name, and neither the host nor anything beyond it."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import engine
from sandbox.assembly import object_name
from sandbox.models import Sandbox
from sandbox.specs import MachineSpec
from tests.engine.conftest import Start
from tests.engine.probes import as_learner, unprotected

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]
CONNECT = "timeout 2 bash -c '</dev/tcp/{}/{}' 2>&1"


@pytest.fixture
def hosts_port() -> Iterator[int]:
    """A port of this host, open on every address it has, IPv6 included."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        server.settimeout(0.2)
        over = threading.Event()

        def answer() -> None:
            while not over.is_set():
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        over.set()
        thread.join()


def pair(start: Start) -> Sandbox:
    return start(MachineSpec(name="laptop", kind="shell"), MachineSpec(name="far", kind="shell"))


def addresses() -> dict[str, list[str]]:
    """The host's own addresses by interface, from the kernel's tables."""
    found: dict[str, list[str]] = {}
    lines = Path("/proc/net/fib_trie").read_text().split("\n")
    for address, kind in zip(lines, lines[1:], strict=False):
        if "host LOCAL" in kind and "|--" in address:
            found.setdefault("4", []).append(address.split()[-1])
    for line in Path("/proc/net/if_inet6").read_text().splitlines():
        raw, *_, name = line.split()
        text = ":".join(raw[place : place + 4] for place in range(0, 32, 4))
        found.setdefault(name, []).append(text)
    return found


def test_names_resolve_each_way_and_ports_are_open(start: Start) -> None:
    sandbox = pair(start)
    machines = {machine.name: machine for machine in sandbox.machines.all()}
    for here, there in (("laptop", "far"), ("far", "laptop")):
        serve = "(python3 -m http.server 8080 --bind 0.0.0.0 >/dev/null 2>&1 &)"
        as_learner(machines[there], serve)
        ask = CONNECT.format(there, 8080)
        script = f"for n in $(seq 20); do {ask} && exit 0; sleep 0.2; done; exit 1"
        assert as_learner(machines[here], script).code == 0


def test_no_address_of_the_host_answers(start: Start, hosts_port: int) -> None:
    sandbox = pair(start)
    laptop = sandbox.machines.get(name="laptop")
    known = addresses()
    # The gateway's place in the sandbox's own network, should anything sit there.
    with engine._translated("inspect") as api:
        network = api.inspect_network(object_name(sandbox.pk))
    subnet = network["IPAM"]["Config"][0]["Subnet"].split("/")[0]
    targets = [*known["4"], subnet.rpartition(".")[0] + ".1"]
    targets = sorted({target for target in targets if not target.startswith("127.")})
    assert targets, "this host has an address"
    own = unprotected(CONNECT.format(targets[0], hosts_port), NetworkMode="bridge")
    assert own.code == 0, f"the probe itself must work: {own.text}"
    for target in targets:
        assert as_learner(laptop, CONNECT.format(target, hosts_port)).code != 0, target


def test_the_bridges_ipv6_address_does_not_answer(start: Start, hosts_port: int) -> None:
    sandbox = pair(start)
    with engine._translated("inspect") as api:
        network_id = api.inspect_network(object_name(sandbox.pk))["Id"]
    for address in addresses().get(f"br-{network_id[:12]}", []):
        outcome = as_learner(
            sandbox.machines.get(name="laptop"),
            "python3 -c 'import socket; socket.create_connection("
            f'("{address}%eth0", {hosts_port}), 2)\'',
        )
        assert outcome.code != 0, address


def test_other_sandboxes_are_out_of_reach(start: Start) -> None:
    first, second = pair(start), pair(start)
    far = second.machines.get(name="far")
    as_learner(far, "(python3 -m http.server 8080 >/dev/null 2>&1 &)")
    address = as_learner(far, "hostname -i").text.split()[0]
    laptop = first.machines.get(name="laptop")
    assert as_learner(laptop, CONNECT.format(address, 8080)).code != 0


def test_a_machine_alone_has_no_network_at_all(shared_shell: object) -> None:
    said = as_learner(shared_shell, "ls /sys/class/net")  # type: ignore[arg-type]
    assert said.text.split() == ["lo"]


def test_no_name_of_the_world_is_looked_up_and_that_at_once(start: Start) -> None:
    laptop = pair(start).machines.get(name="laptop")
    outcome = as_learner(laptop, "timeout 4 getent hosts example.org")
    assert outcome.text == ""
    assert outcome.code == 2, "not found, rather than a wait"
