"""What machines reach: each other by name, and neither the host nor anything beyond it."""

import socket
import threading
from collections.abc import Iterator

import docker
import pytest
from django.conf import settings

from sandbox import engine
from sandbox.models import Machine
from tests.engine.conftest import bare_sandbox
from tests.engine.probes import as_learner, as_root, serving, unprotected, unprotected_once
from tests.engine.reach import (
    answers,
    ask,
    ipv4_addresses,
    link_local_addresses,
    listening_ports,
    network_of,
)
from tests.engine.screen import typed

pytestmark = pytest.mark.engine
PLACES = pytest.mark.parametrize("place", ["shell", "docker", "outside"])
PING = """python3 - <<'PY'
import socket
s = socket.create_connection(("127.0.0.1", {port}), 2)
s.send(b"PING\\r\\n")
print(s.recv(9))
PY"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[dict[str, Machine]]:
    """One machine of each kind on a network of their own."""
    yield from bare_sandbox({"laptop": "shell", "server": "docker"})


@pytest.fixture(scope="module")
def other_sandbox() -> Iterator[dict[str, Machine]]:
    yield from bare_sandbox({"near": "shell", "far": "shell"})


def reach(
    sandbox: dict[str, Machine], place: str, addresses: list[str], ports: list[int]
) -> set[str]:
    """Which targets answer at a place. In the network of a `docker` machine's learner every
    refusal is made by the machine's own slirp4netns, which answers for all addresses."""
    script = ask(addresses, ports)
    if place == "docker":
        return answers(typed(sandbox["server"], script)).accepted
    if place == "shell":
        said = answers(typed(sandbox["laptop"], script))
    else:
        said = answers(as_root(sandbox["server"], script))
    return said.accepted | said.refused


@pytest.fixture(scope="module")
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


def test_names_resolve_each_way_and_ports_are_open(sandbox: dict[str, Machine]) -> None:
    for here, there in (("laptop", "server"), ("server", "laptop")):
        serve = "(python3 -m http.server 8080 --bind 0.0.0.0 >/dev/null 2>&1 &)"
        run = as_root if there == "server" else as_learner
        run(sandbox[there], serve)
        connect = f"timeout 2 bash -c '</dev/tcp/{there}/8080' 2>&1"
        script = f"for n in $(seq 20); do {connect} && exit 0; sleep 0.2; done; exit 1"
        assert typed(sandbox[here], script).code == 0, here


@PLACES
def test_no_port_of_any_address_of_the_host_answers(
    sandbox: dict[str, Machine], hosts_port: int, place: str
) -> None:
    """Every port that is open on this host now, the engine's and Redis's included."""
    own = ipv4_addresses()
    assert own, "this host has an address"
    proof = unprotected(ask(own[:1], [hosts_port]), NetworkMode="bridge")
    assert answers(proof).accepted == {f"{own[0]} {hosts_port}"}, "the probe itself must work"
    gateway = network_of(sandbox["laptop"])[2]
    ports = listening_ports() | {22, 80, 443, 2375, 2376, 5432, 6379, 8000}
    assert hosts_port in ports
    assert reach(sandbox, place, [*own, gateway], sorted(ports)) == set()


@PLACES
def test_what_listens_on_the_hosts_loopback_does_not_answer(
    sandbox: dict[str, Machine], place: str
) -> None:
    """Redis is one of those: `./start` runs it there, as these tests do."""
    port = int(settings.REDIS_URL.split(":")[2].split("/")[0])
    assert answers(unprotected(ask(["127.0.0.1"], [port]), NetworkMode="host")).accepted
    # The second is where slirp4netns would show the loopback of the machine around it.
    found = reach(sandbox, place, ["127.0.0.1", "10.0.2.2"], [port])
    assert not [answer for answer in found if "127.0.0.1" not in answer]
    script = PING.format(port=port)
    assert "PONG" in unprotected(script, NetworkMode="host").text
    machine = sandbox["laptop" if place == "shell" else "server"]
    said = as_root(machine, script) if place == "outside" else typed(machine, script)
    assert "PONG" not in said.text


@PLACES
def test_the_platforms_files_are_not_there(sandbox: dict[str, Machine], place: str) -> None:
    """The folder that holds the database and the key."""
    folder = settings.SLIPWAY_DATA
    look = f"cat {folder}/secret-key"
    assert settings.SECRET_KEY in unprotected(look, Binds=[f"{folder}:{folder}:ro"]).text
    machine = sandbox["laptop" if place == "shell" else "server"]
    said = as_root(machine, look) if place == "outside" else typed(machine, look)
    assert "No such file" in said.text


ELSEWHERE = [
    "169.254.169.254",
    "10.255.255.254",
    "172.31.255.254",
    "192.168.0.1",
    "100.100.100.200",
    "198.51.100.1",
]


@PLACES
def test_no_metadata_service_and_no_private_range_answers(
    sandbox: dict[str, Machine], place: str
) -> None:
    """Nobody has these addresses here, so the proof gives them to a container of its own."""
    serve = "".join(f"ip addr add {address}/32 dev lo; " for address in ELSEWHERE)
    serve += serving(8099)
    proof = answers(unprotected_once(serve + ask(ELSEWHERE, [8099])))
    assert len(proof.accepted) == len(ELSEWHERE), "the probe itself must work"
    assert reach(sandbox, place, ELSEWHERE, [8099]) == set()


@PLACES
def test_other_sandboxes_are_out_of_reach(
    sandbox: dict[str, Machine], other_sandbox: dict[str, Machine], place: str
) -> None:
    far = other_sandbox["far"]
    as_learner(far, serving(8080))
    address = as_learner(far, "hostname -i").text.split()[0]
    assert answers(typed(other_sandbox["near"], ask([address], [8080]))).accepted, "its neighbour"
    assert reach(sandbox, place, [address], [8080]) == set()


@PLACES
def test_the_bridges_ipv6_address_does_not_answer(
    sandbox: dict[str, Machine], hosts_port: int, place: str
) -> None:
    name, bridge, _ = network_of(sandbox["laptop"])
    found = link_local_addresses(bridge)
    if not found:
        pytest.skip("not run: this host gives its bridges no IPv6 address")
    by_card = [f"{address}%eth0" for address in found]
    proof = unprotected(
        f"sleep 2; {ask(by_card, [hosts_port])}",
        NetworkMode=name,
        Sysctls={"net.ipv6.conf.all.disable_ipv6": "0"},
    )
    assert answers(proof).accepted, f"the probe itself must work: {proof.text}"
    by_tap = [f"{address}%tap0" for address in found]
    assert reach(sandbox, place, [*by_card, *by_tap], [hosts_port]) == set()


def test_a_machine_alone_has_no_network_at_all(
    shared_shell: Machine, shared_docker: Machine
) -> None:
    look = "ls /sys/class/net"
    assert "eth0" in unprotected(look, NetworkMode="bridge").text.split()
    for said in (typed(shared_shell, look), as_root(shared_docker, look)):
        assert said.text.split() == ["lo"]


def test_raw_sockets_of_a_docker_machines_learner_see_their_own_network_only(
    sandbox: dict[str, Machine],
) -> None:
    """They may make them: in their namespace they are root. It holds no card of the sandbox's."""
    raw = "import socket as s; s.socket(s.AF_PACKET, s.SOCK_RAW, 768); print('made')"
    said = typed(sandbox["server"], f'python3 -c "{raw}"; ls /sys/class/net')
    assert said.text.split()[0] == "made"
    assert {"lo", "tap0", "docker0"} >= {
        name for name in said.text.split()[1:] if not name.startswith("veth")
    }
    assert "eth0" in as_root(sandbox["server"], "ls /sys/class/net").text


@pytest.mark.parametrize("machine", ["laptop", "server"])
def test_no_name_of_the_world_is_looked_up(sandbox: dict[str, Machine], machine: str) -> None:
    near = "laptop" if machine == "server" else "server"
    assert typed(sandbox[machine], f"getent hosts {near}").code == 0, "names do resolve"
    outcome = typed(sandbox[machine], "timeout 10 getent hosts example.org")
    assert outcome.text == ""
    assert outcome.code == 2, "not found, rather than a wait"


def test_a_machine_alone_looks_no_name_up(shared_docker: Machine) -> None:
    outcome = typed(shared_docker, "timeout 4 getent hosts example.org")
    assert (outcome.code, outcome.text) == (2, "")


def test_the_sandboxs_bridge_has_no_address_of_the_host(sandbox: dict[str, Machine]) -> None:
    """So that a mistake in a firewall rule opens nothing."""
    gateway = network_of(sandbox["laptop"])[2]
    assert gateway not in ipv4_addresses()


def test_the_engine_has_the_sandboxs_network_as_it_was_meant(sandbox: dict[str, Machine]) -> None:
    """Read back: no way out, no address of the host, no IPv6, nobody else, nothing published."""
    api = docker.from_env().api
    network = api.inspect_network(network_of(sandbox["laptop"])[0])
    api.close()
    assert network["Internal"]
    assert not network["EnableIPv6"]
    assert network["Options"] in (
        {"com.docker.network.bridge.inhibit_ipv4": "true"},
        {"com.docker.network.bridge.gateway_mode_ipv4": "isolated"},
    )
    assert network["Containers"].keys() == {m.container_id for m in sandbox.values()}
    assert network["Labels"].keys() == {"slipway.instance", "slipway.sandbox"}
    for machine in sandbox.values():
        found = engine.inspect_container(machine.container_id)
        assert found is not None
        assert found["NetworkSettings"]["Networks"].keys() == {network["Name"]}
        assert not any(found["NetworkSettings"]["Ports"].values())
