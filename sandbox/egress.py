"""What machines of a kind may reach outside: nothing, unless the operator lists hosts.

Machines get no network for it. The hosts of SANDBOX_EGRESS_<KIND> are reached through one
proxy container per kind (`egress_proxy.py`), whose Unix socket lies on a volume that the
kind's machines mount read-only at /egress. `slipway-init forward` shows it on a local port,
where the usual proxy variables point. So nothing else can become reachable by a mistake in
routes, firewall rules or name servers: there is no route, no card and no resolver.
"""

import ipaddress
import re
from dataclasses import dataclass

from django.conf import settings

# Kinds of machine that can be let out.
KINDS = ("shell", "docker")
EXAMPLES = "deb.example.org:80, registry.example.org:443, mirror.lan:5000=192.168.1.10"
MOUNT = "/egress"
PORT = 3128
_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*"
)
# Addresses of the machine itself: its own services, its own containers.
OWN = ("localhost", "127.0.0.0/8", "::1", "172.16.0.0/12")


@dataclass(frozen=True)
class Target:
    """One host and port. `address`: where it is, written down by the operator; else looked up."""

    host: str
    port: int
    address: str | None = None

    def __str__(self) -> str:
        pinned = f"={self.address}" if self.address not in (None, self.host) else ""
        return f"{self.host}:{self.port}{pinned}"


def entries_of(kind: str) -> list[str]:
    """The operator's entries for a kind, as written."""
    return list(getattr(settings, f"SANDBOX_EGRESS_{kind.upper()}", []))


def allowed(kind: str) -> tuple[Target, ...]:
    """The hosts that machines of a kind may reach. Raises ValueError for a wrong entry."""
    return tuple(parse(entry) for entry in entries_of(kind))


def parse(entry: str) -> Target:
    """`host:port`, or `host:port=address`. Raises ValueError with what is wrong.

    A host that is an address is its own; so private ranges are open only where they are
    written down, and the addresses of the machines' own host never (loopback, link-local
    with the clouds' metadata services, multicast).
    """
    where, equals, pinned = entry.strip().partition("=")
    host, _, port = where.rpartition(":")
    host = host.strip("[]").lower().rstrip(".")
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise ValueError(f"{entry}: the port is missing")
    literal = _address(host)
    if literal is None and not _NAME.fullmatch(host):
        raise ValueError(f"{entry}: this is no host")
    if equals and _address(pinned) is None:
        raise ValueError(f"{entry}: what follows = is no address")
    address = _address(pinned) if equals else literal
    if address is not None and _is_never_outside(address):
        raise ValueError(f"{entry}: {address} is never outside")
    return Target(host, int(port), str(address) if address is not None else None)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_never_outside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    inner = getattr(address, "ipv4_mapped", None) or address
    return bool(
        inner.is_loopback or inner.is_link_local or inner.is_multicast or inner.is_unspecified
    )


def environment(kind: str, neighbours: tuple[str, ...] = ()) -> list[str]:
    """Variables by which programs find the proxy; empty for a kind that is closed.

    `neighbours`: names of the sandbox's other machines, which are reached directly.
    """
    if not entries_of(kind):
        return []
    proxy = f"http://127.0.0.1:{PORT}"
    direct = ",".join((*OWN, *neighbours))
    values = {"http_proxy": proxy, "https_proxy": proxy, "no_proxy": direct}
    return [f"{n}={v}" for name, v in values.items() for n in (name, name.upper())]
