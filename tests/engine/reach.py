"""Who answers a machine, and what this host has that could: addresses, ports, bridges."""

import json
from dataclasses import dataclass
from pathlib import Path

import docker

from sandbox.models import Machine
from tests.engine.probes import Outcome

# Prints who answered: "refused" is an answer as well, since a stack of somebody's sent it.
ASK = """python3 - <<'PY'
import errno, itertools, json, selectors, socket, time
waiting = selectors.DefaultSelector()
found, left = [], []
for address, port in itertools.product({addresses}, {ports}):
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


@dataclass(frozen=True)
class Answers:
    """Who accepted a connection and who refused one, as "address port"."""

    accepted: set[str]
    refused: set[str]


def answers(outcome: Outcome) -> Answers:
    _, accepted, _, refused = json.loads(outcome.text.strip().splitlines()[-1])
    return Answers(set(accepted), set(refused))


def ask(addresses: list[str], ports: list[int]) -> str:
    """A script that tries every one of these ports of every address."""
    return ASK.format(addresses=json.dumps(addresses), ports=json.dumps(ports))


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
