"""What each step between browser and machine adds to a key's echo: `python -m bench.hops [KEYS]`.

No machine: a process that sends back what it gets stands in its place, so that little else is
measured. In turns, one key each:

- socket: a client on that process's own Unix socket;
- relay: the same through a process that passes bytes on from TCP (uvloop), the least a console is;
- frames: that with WebSocket frames, made by hand, without any library;
- queued: the console's terminal by ASGI's queue and tasks;
- console: the console's terminal as `./start` serves it (`config/direct_sockets.py`).

Prints medians, what each adds to the one before, and the middle process's processor time a key.
"""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.processes import cpu_seconds
from bench.terminal_clients import Slipway, WebSocket
from bench.terminal_figures import echo_seconds

PAUSE_SECONDS = 0.0005
QUEUED, DIRECT = "websockets-sansio", "config.direct_sockets:DirectWebSocket"


class Plain:
    """Bytes over an open socket."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read(self, timeout_seconds: float = 10) -> bytes:
        self._socket.settimeout(timeout_seconds)
        return self._socket.recv(65_536)


class Framed:
    """Bytes in WebSocket frames."""

    def __init__(self, port: int) -> None:
        self._socket = WebSocket(f"ws://127.0.0.1:{port}/", {})

    def write(self, data: bytes) -> None:
        self._socket.send(data)

    def read(self, timeout_seconds: float = 10) -> bytes:
        return b"".join(data for _, data in self._socket.frames(timeout_seconds))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tcp(port: int) -> Plain:
    opened = socket.create_connection(("127.0.0.1", port))
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Plain(opened)


def unix(path: str) -> Plain:
    opened = socket.socket(socket.AF_UNIX)
    opened.connect(path)
    return Plain(opened)


def eventually(open_one: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while True:
        try:
            return open_one()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def measured(parties: dict[str, tuple[Any, int]], keys: int) -> None:
    taken: dict[str, list[float]] = {name: [] for name in parties}
    before = {name: cpu_seconds(pid) for name, (_, pid) in parties.items()}
    for _ in range(keys):
        for name, (client, _) in parties.items():
            taken[name].append(echo_seconds(client) * 1e6)
            time.sleep(PAUSE_SECONDS)
    earlier = 0.0
    for name, (_, pid) in parties.items():
        middle = statistics.median(taken[name])
        used = (cpu_seconds(pid) - before[name]) / keys * 1e6
        print(f"{name:8} p50 {middle:5.0f} us  {middle - earlier:+5.0f}  processor {used:4.0f} us")
        earlier = middle


def main() -> None:
    keys = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    folder = Path(tempfile.mkdtemp(prefix="slipway-bench-"))
    path, ports = str(folder / "engine"), [free_port() for _ in range(4)]
    own = [sys.executable, "-m", "bench.hops_parties"]
    serve = [
        str(Path(sys.executable).with_name("uvicorn")),
        "--factory",
        "bench.hops_parties:console",
    ]
    serve += [
        "--loop",
        "uvloop",
        "--ws-per-message-deflate",
        "false",
        "--lifespan",
        "off",
        "--log-level",
        "warning",
    ]
    commands = [
        [*own, "echo", path],
        [*own, "bytes", path, str(ports[0])],
        [*own, "frames", path, str(ports[1])],
        [*serve, "--ws", QUEUED, "--port", str(ports[2])],
        [*serve, "--ws", DIRECT, "--port", str(ports[3])],
    ]
    environment = os.environ | {"BENCH_SOCKET": path, "SLIPWAY_DATA": str(folder)}
    with contextlib.ExitStack() as stack:
        pids = []
        for command in commands:
            process = subprocess.Popen(command, env=environment)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            pids.append(process.pid)
        openers: dict[str, Callable[[], Any]] = {
            "socket": lambda: unix(path),
            "relay": lambda: tcp(ports[0]),
            "frames": lambda: Framed(ports[1]),
            "queued": lambda: Slipway(f"ws://127.0.0.1:{ports[2]}/", "none"),
            "console": lambda: Slipway(f"ws://127.0.0.1:{ports[3]}/", "none"),
        }
        clients = [eventually(open_one) for open_one in openers.values()]
        time.sleep(0.5)
        measured(dict(zip(openers, zip(clients, pids, strict=True), strict=True)), keys)


if __name__ == "__main__":
    main()
