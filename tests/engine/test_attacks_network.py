"""What machines reach: each other by name, and neither the host nor anything beyond it."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from django.conf import settings

from sandbox.models import Machine
from tests.engine.conftest import bare_sandbox
from tests.engine.probes import Outcome, as_learner, as_root, unprotected, unprotected_once
from tests.engine.screen import typed

pytestmark = pytest.mark.engine
PLACES = pytest.mark.parametrize("place", ["shell", "docker", "outside"])
# Prints who answered: "refused" is an answer as well, since a stack of somebody's sent it.
ASK = """python3 - <<'PY'
import errno, json, selectors, socket, time
waiting = selectors.DefaultSelector()
found, left = [], []
for address, port in json.loads('''{targets}'''):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family)
    s.setblocking(False)
    try:
        where = socket.getaddrinfo(address, port, family, socket.SOCK_STREAM)[0][4]
        code = s.connect_ex(where)
    except OSError as error:
        code = error.errno
    if code in (0, errno.EINPROGRESS):
        waiting.register(s, selectors.EVENT_WRITE, f"{{address}} {{port}}")
    elif code == errno.ECONNREFUSED:
        left.append(f"{{address}} {{port}}")
end = time.monotonic() + 2
while waiting.get_map() and time.monotonic() < end:
    for key, _ in waiting.select(0.2):
        error = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        waiting.unregister(key.fileobj)
        if error == 0:
            found.append(key.data)
        elif error == errno.ECONNREFUSED:
            left.append(key.data)
print(json.dumps(["answered", found, "refused", left]))
PY"""


PING = """python3 - <<'PY'
import socket
s = socket.create_connection(("127.0.0.1", {port}), 2)
s.send(b"PING\\r\\n")
print(s.recv(9))
PY"""


@dataclass(frozen=True)
class Answers:
    """Who accepted a connection and who refused one, as "address port"."""

    accepted: set[str]
    refused: set[str]


def answers(outcome: Outcome) -> Answers:
    _, accepted, _, refused = json.loads(outcome.text.strip().splitlines()[-1])
    return Answers(set(accepted), set(refused))


def ask(targets: list[tuple[str, int]]) -> str:
    return ASK.format(targets=json.dumps(targets))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[dict[str, Machine]]:
    """One machine of each kind on a network of their own."""
    yield from bare_sandbox({"laptop": "shell", "server": "docker"})


@pytest.fixture(scope="module")
def other_sandbox() -> Iterator[dict[str, Machine]]:
    yield from bare_sandbox({"near": "shell", "far": "shell"})


def reach(sandbox: dict[str, Machine], place: str, targets: list[tuple[str, int]]) -> set[str]:
    """Which targets answer at a place. In the network of a `docker` machine's learner every
    refusal is made by the machine's own slirp4netns, which answers for all addresses."""
    script = ask(targets)
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


def ipv4_addresses() -> list[str]:
    """The host's own addresses but its loopback, from the kernel's table."""
    lines = Path("/proc/net/fib_trie").read_text().split("\n")
    pairs = zip(lines, lines[1:], strict=False)
    found = {a.split()[-1] for a, kind in pairs if "host LOCAL" in kind and "|--" in a}
    return sorted(address for address in found if not address.startswith("127."))


def link_local_addresses(interface: str) -> list[str]:
    """The IPv6 addresses of one interface of the host."""
    found = []
    for line in Path("/proc/net/if_inet6").read_text().splitlines():
        raw, *_, name = line.split()
        if name == interface:
            found.append(":".join(raw[place : place + 4] for place in range(0, 32, 4)))
    return found


def listening_ports() -> set[int]:
    """Every TCP port on which this host listens now, on whatever address."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == "0A":
                found.add(int(local.rpartition(":")[2], 16))
    return found


def network_of(machine: Machine) -> tuple[str, str, str]:
    """(name, bridge on the host, first address of its subnet) of a machine's network."""
    api = docker.from_env().api
    try:
        name = next(
            iter(api.inspect_container(machine.container_id)["NetworkSettings"]["Networks"])
        )
        network = api.inspect_network(name)
    finally:
        api.close()
    subnet = network["IPAM"]["Config"][0]["Subnet"].split("/")[0]
    last = int(subnet.rpartition(".")[2])
    gateway = f"{subnet.rpartition('.')[0]}.{last + 1}"
    return name, f"br-{network['Id'][:12]}", gateway


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
    proof = unprotected(ask([(own[0], hosts_port)]), NetworkMode="bridge")
    assert answers(proof).accepted == {f"{own[0]} {hosts_port}"}, "the probe itself must work"
    gateway = network_of(sandbox["laptop"])[2]
    ports = listening_ports() | {22, 80, 443, 2375, 2376, 5432, 6379, 8000}
    assert hosts_port in ports
    targets = [(address, port) for address in {*own, gateway} for port in sorted(ports)]
    assert reach(sandbox, place, targets) == set()


@PLACES
def test_what_listens_on_the_hosts_loopback_does_not_answer(
    sandbox: dict[str, Machine], place: str
) -> None:
    """Redis is one of those: `./start` runs it there, as these tests do."""
    port = int(settings.REDIS_URL.split(":")[2].split("/")[0])
    targets = [("127.0.0.1", port)]
    assert answers(unprotected(ask(targets), NetworkMode="host")).accepted
    # The second is where slirp4netns would show the loopback of the machine around it.
    found = reach(sandbox, place, [*targets, ("10.0.2.2", port)])
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
    ("169.254.169.254", 8099),
    ("10.255.255.254", 8099),
    ("172.31.255.254", 8099),
    ("192.168.0.1", 8099),
    ("100.100.100.200", 8099),
    ("198.51.100.1", 8099),
]


@PLACES
def test_no_metadata_service_and_no_private_range_answers(
    sandbox: dict[str, Machine], place: str
) -> None:
    """Nobody has these addresses here, so the proof gives them to a container of its own."""
    serve = "".join(f"ip addr add {address}/32 dev lo; " for address, _ in ELSEWHERE)
    serve += "python3 -m http.server 8099 >/dev/null 2>&1 & sleep 1; "
    proof = answers(unprotected_once(serve + ask(ELSEWHERE)))
    assert len(proof.accepted) == len(ELSEWHERE), "the probe itself must work"
    assert reach(sandbox, place, ELSEWHERE) == set()


@PLACES
def test_other_sandboxes_are_out_of_reach(
    sandbox: dict[str, Machine], other_sandbox: dict[str, Machine], place: str
) -> None:
    far = other_sandbox["far"]
    as_learner(far, "(python3 -m http.server 8080 >/dev/null 2>&1 &) ; sleep 1")
    targets = [(as_learner(far, "hostname -i").text.split()[0], 8080)]
    assert answers(typed(other_sandbox["near"], ask(targets))).accepted, "its own neighbour"
    assert reach(sandbox, place, targets) == set()


@PLACES
def test_the_bridges_ipv6_address_does_not_answer(
    sandbox: dict[str, Machine], hosts_port: int, place: str
) -> None:
    name, bridge, _ = network_of(sandbox["laptop"])
    found = link_local_addresses(bridge)
    if not found:
        pytest.skip("not run: this host gives its bridges no IPv6 address")
    targets = [(f"{address}%eth0", hosts_port) for address in found]
    proof = unprotected(
        f"sleep 2; {ask(targets)}",
        NetworkMode=name,
        Sysctls={"net.ipv6.conf.all.disable_ipv6": "0"},
    )
    assert answers(proof).accepted, f"the probe itself must work: {proof.text}"
    assert reach(sandbox, place, targets) == set()
    tap = [(f"{address}%tap0", hosts_port) for address in found]
    assert reach(sandbox, place, tap) == set()


def test_a_machine_alone_has_no_network_at_all(shared_shell: Machine) -> None:
    assert typed(shared_shell, "ls /sys/class/net").text.split() == ["lo"]


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
