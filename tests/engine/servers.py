"""Servers that answer whoever reaches them: UDP on this host, databases on another bridge."""

import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import docker

from sandbox import assembly
from tests.engine.probes import open_container, serving
from tests.engine.reach import ipv4_addresses

# What Compose's Redis and PostgreSQL listen on.
DATABASE_PORTS = [5432, 6379]
_IP_FREEBIND = 15
_NAME_BEGINS = 12  # after a DNS message's header (RFC 1035, 4.1)


@dataclass
class Server:
    """One port of every address of this host, and all that was sent to it."""

    addresses: list[str]
    port: int
    asked: list[bytes] = field(default_factory=list)


@contextmanager
def udp_server(answer: Callable[[bytes], bytes], port: int = 0) -> Iterator[Server]:
    """Answer every packet. Raises OSError where the port is taken."""
    server = Server(ipv4_addresses(), port)
    over = threading.Event()
    with ExitStack() as stack, selectors.DefaultSelector() as waiting:
        for address in server.addresses:
            # One each: an answer must come from the address that was asked.
            bound = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            # Networks of other tests come and go, and their addresses with them.
            bound.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
            bound.bind((address, server.port))
            server.port = bound.getsockname()[1]
            waiting.register(bound, selectors.EVENT_READ)

        def serve() -> None:
            while not over.is_set():
                for key, _ in waiting.select(0.2):
                    packet, sender = key.fileobj.recvfrom(2048)  # type: ignore[union-attr]
                    server.asked.append(packet)
                    key.fileobj.sendto(answer(packet), sender)  # type: ignore[union-attr]

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server
        finally:
            over.set()
            thread.join()


def dns_query(name: str) -> bytes:
    """A question for a name's IPv4 address."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"


def dns_answer(query: bytes) -> bytes:
    """Every name has the address 198.51.100.7, and no IPv6 address."""
    end = query.index(0, _NAME_BEGINS) + 5
    found = query[end - 4 : end - 2] == b"\0\1"
    record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + bytes([198, 51, 100, 7]) if found else b""
    counts = b"\0\1" + bytes([0, found]) + b"\0\0\0\0"
    return query[:2] + b"\x81\x80" + counts + query[_NAME_BEGINS:end] + record


@dataclass(frozen=True)
class OtherBridge:
    """An ordinary network of the engine, with a container that has databases' ports."""

    name: str
    address: str  # the container's
    host_address: str  # this host's, on that network


@contextmanager
def other_bridge() -> Iterator[OtherBridge]:
    """Where Compose has its services."""
    label, value = assembly.instance_label().split("=")
    name = f"slipway-{value}-ordinary"
    api = docker.from_env().api
    network = api.create_network(name, driver="bridge", labels={label: value})["Id"]
    serve = "".join(serving(port) for port in DATABASE_PORTS)
    try:
        with open_container(f"{serve}sleep infinity", NetworkMode=name) as (_, container_id):
            found = api.inspect_container(container_id)["NetworkSettings"]["Networks"][name]
            yield OtherBridge(name, found["IPAddress"], found["Gateway"])
    finally:
        api.remove_network(network)
        api.close()
