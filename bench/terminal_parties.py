"""Who takes part in `bench.terminal`: our site, the engine's socket, terminado, ttyd."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.caller import Caller
from bench.ending import removed_with_us
from bench.terminal_clients import EngineSocket, Slipway, Terminado, Ttyd
from bench.terminal_figures import Party
from sandbox.images import image_ref
from sandbox.images.definitions import INIT_PATH, LIBRARY_PATH
from tests.running_site import Site

# The machine's shell on the container's own TTY, as the others expect it.
ON_TTY = (
    f"--entrypoint={INIT_PATH}",
    image_ref("shell"),
    "--login",
    f"{LIBRARY_PATH}/login",
)
CACHE = Path.home() / ".cache" / "slipway" / "bench"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def container() -> Iterator[str]:
    """A machine as ours are, but for nobody: what the others run their shells in."""
    tmpfs = "/run:uid=1000,mode=0775"
    command = ["docker", "run", "-dit", f"--label={removed_with_us()}", "--network=none"]
    command += ["--tmpfs", tmpfs, *ON_TTY]
    found = subprocess.check_output(command, text=True).strip()
    try:
        time.sleep(1)
        yield found
    finally:
        subprocess.run(["docker", "rm", "-f", found], stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def server(command: list[str], port: int, **environment: str) -> Iterator[int]:
    process = subprocess.Popen(
        command, env=os.environ | environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def have_terminado() -> str:
    """A folder with terminado, from pip, kept; empty when pip gives none."""
    folder = CACHE / "terminado"
    if not (folder / "terminado").is_dir():
        command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder)]
        command.append("terminado")
        subprocess.run(command, check=False, stderr=subprocess.DEVNULL)
    return str(folder) if (folder / "terminado").is_dir() else ""


def others(stack: contextlib.ExitStack) -> list[Party]:
    machine = stack.enter_context(container())
    found = [Party("engine", None, lambda: EngineSocket(machine))]
    shell = ["docker", "exec", "-it", machine, "bash", "-l"]
    port = free_port()
    if folder := have_terminado():
        script = str(Path(__file__).with_name("terminado_server.py"))
        pid = stack.enter_context(
            server([sys.executable, script, str(port), *shell], port, PYTHONPATH=folder)
        )
        found.append(Party("terminado", pid, lambda: Terminado(f"ws://127.0.0.1:{port}/websocket")))
    else:
        print("terminado: absent, pip gave none")
    if ttyd := shutil.which("ttyd"):
        other = free_port()
        command = [ttyd, "-W", "-i", "lo", "-P", "600", "-p", str(other), *shell]
        pid = stack.enter_context(server(command, other))
        found.append(Party("ttyd", pid, lambda: Ttyd(f"ws://127.0.0.1:{other}/ws")))
    else:
        print("ttyd: absent (no program of that name on the PATH)")
    return found


def ours(site: Site) -> tuple[Callable[..., Slipway], Callable[..., Slipway]]:
    """A function that opens a terminal of a fresh sandbox by name, and one for a second machine."""
    openers = []
    for number in range(2):
        # A learner has one sandbox at a time, so each machine is another learner's.
        caller = Caller(site, f"bench{number}")
        token = caller.headers["Authorization"].split()[1]
        made = caller.call("POST", "/sandboxes", {"course": "playground", "lesson": "shell"})
        while (now := caller.call("GET", f"/sandboxes/{made['id']}"))["state"] != "ready":
            time.sleep(0.1)
        machine = now["machines"][0]["name"]
        base = (
            site.url.replace("http", "ws", 1)
            + f"/ws/sandboxes/{made['id']}/machines/{machine}/terminals/"
        )

        def open_one(
            name: str = "main", query: str = "", base: str = base, token: str = token
        ) -> Slipway:
            return Slipway(base + name, token, query)

        openers.append(open_one)
    return openers[0], openers[1]
