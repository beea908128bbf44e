"""Whether a lesson's network is closed: three helpers try what a learner would.

One listens on every address of the host, one on the lesson's network; the third, on that
network too, must reach the second and not the first. Reaching the second is what proves
that the way of asking works.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sandbox import engine
from sandbox.errors import SandboxEngineError
from sandbox.probes.containers import (
    Said,
    ask,
    body_of,
    broken,
    kept,
    labels,
    object_name,
    read,
    unknown,
)
from sandbox.promises import Finding

NEIGHBOUR = "neighbour"
UP_SECONDS = 20.0
# Listens on all addresses, of both families where there are two, and says where; the kernel's own tables list
# the host's addresses, the new bridge's link-local one among them.
LISTEN = """
import socket
try:
    server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
except (OSError, ValueError):
    server = socket.create_server(("0.0.0.0", 0))
found = set()
lines = open("/proc/net/fib_trie").read().split("\\n")
for line, following in zip(lines, lines[1:]):
    if "host LOCAL" in following and "|--" in line:
        found.add(line.split()[-1])
try:
    for line in open("/proc/net/if_inet6"):
        digits = line.split()[0]
        found.add(":".join(digits[at:at + 4] for at in range(0, 32, 4)))
except OSError:
    pass
port = server.getsockname()[1]
socket.create_connection(("127.0.0.1", port), 2).close()
print("addresses=" + " ".join(sorted(found)), flush=True)
print("port=" + str(port), flush=True)
while True:
    server.accept()[0].close()
"""
# Loopback addresses are the asker's own.
TRY = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor

def reaches(address, port):
    if address.startswith("fe80"):
        address += "%eth0"
    try:
        socket.create_connection((address, int(port)), 2).close()
    except OSError:
        return False
    return True

name, near, far, *addresses = sys.argv[1:]
own = socket.gethostbyname(socket.gethostname())
addresses.append(own.rpartition(".")[0] + ".1")
addresses = [a for a in addresses if not a.startswith("127.") and a != own]
print("near=" + ("yes" if reaches(name, near) else "no"))
with ThreadPoolExecutor(8) as threads:
    answers = list(threads.map(lambda address: reaches(address, far), addresses))
print("tried=" + str(len(addresses)))
print("open=" + " ".join(a for a, answered in zip(addresses, answers) if answered))
"""
LOOPBACK = "0000:0000:0000:0000:0000:0000:0000:0001"


def network() -> dict[str, Finding]:
    """Promise `isolated-network`."""
    name = object_name()
    network_id = engine.create_network(name, labels())
    try:
        with _listener(network=name) as near, _listener(NetworkMode="host") as far:
            found = judge(_try(name, near, far))
        mode = mode_of(engine.network_options(network_id))
        return {
            "isolated-network": replace(found, evidence=f"{found.evidence} (network mode: {mode})")
        }
    finally:
        engine.remove_object("network", network_id)


def mode_of(options: dict[str, str]) -> str:
    """By what the engine keeps a network's members from the host, in its own words."""
    modes = (
        "com.docker.network.bridge.gateway_mode_ipv4",
        "com.docker.network.bridge.inhibit_ipv4",
    )
    found = [f"{name.rpartition('.')[2]}={options[name]}" for name in modes if name in options]
    return ", ".join(found) or "none"


def _try(network_name: str, near: Said, far: Said) -> Said:
    addresses = [a for a in far.values.get("addresses", "").split() if a != LOOPBACK]
    ports = [near.values.get("port", "0"), far.values.get("port", "0")]
    command = ["/usr/bin/python3", "-c", TRY, NEIGHBOUR, *ports, *addresses]
    return ask(body_of("shell", command, network=network_name))


@contextmanager
def _listener(network: str | None = None, **host_config: Any) -> Iterator[Said]:
    """A helper that listens; yields what it said when it did, or what kept it from it."""
    body = body_of("shell", ["/usr/bin/python3", "-c", LISTEN], network=network, **host_config)
    if network:
        body["NetworkingConfig"]["EndpointsConfig"][network]["Aliases"] = [NEIGHBOUR]
    with engine.helper(body) as container_id:
        yield _when_listening(container_id)


def _when_listening(container_id: str) -> Said:
    deadline = time.monotonic() + UP_SECONDS
    while True:
        said = read(engine.output_of(container_id))
        if "port" in said.values:
            return said
        found = engine.inspect_container(container_id)
        if found is None or not found["State"]["Running"] or time.monotonic() > deadline:
            raise SandboxEngineError(f"A helper does not listen: {said.rest or 'it says nothing'}")
        time.sleep(0.1)


def judge(tried: Said) -> Finding:
    """From what the helper that tried said."""
    if tried.refused or "open" not in tried.values:
        return unknown(tried.refused or tried.rest or "the helper that tries said nothing")
    if reached := tried.values["open"]:
        return broken(f"a port of the host answers at {reached}")
    if tried.values.get("near") != "yes":
        return unknown("machines do not even reach each other, so this proves nothing")
    count = tried.values.get("tried", "0")
    return kept(f"a neighbour answers, and a port of the host at none of its {count} addresses")
