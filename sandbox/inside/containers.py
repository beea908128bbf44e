"""Starts, counts and ends containers in a `docker` machine, by its engine's API.

    python3 - start NAME IMAGE      create, start, until the shell's first byte; then look
    python3 - start NAME IMAGE bare     the same without the look
    (IMAGE may be several with commas: the first that is there)
    python3 - list PREFIX           one line a container of that name
    python3 - end NAME              kill its process 1, as the kernel would on an error
    python3 - stop PREFIX           remove all containers of that name

Source: Docker Engine API reference, "Containers".
"""

import http.client
import json
import os
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlencode

SOCKET = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
WAIT_SECONDS = 20
INSIDE = "uname -r; cat /proc/sys/kernel/random/boot_id; ls -d /proc/[0-9]* | wc -l"


class Engine(http.client.HTTPConnection):
    def __init__(self) -> None:
        super().__init__("engine", timeout=WAIT_SECONDS)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


def call(method: str, path: str, body: object = None, **query: object) -> tuple[int, Any]:
    """(status, parsed answer) of one call."""
    engine = Engine()
    address = path + ("?" + urlencode(query) if query else "")
    data = None if body is None else json.dumps(body)
    engine.request(method, address, data, {"Content-Type": "application/json"})
    answer = engine.getresponse()
    text = answer.read()
    engine.close()
    try:
        return answer.status, json.loads(text) if text else None
    except ValueError:
        return answer.status, text.decode(errors="replace")


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def fail(reason: str, message: object) -> None:
    say(failed=reason, message=str(message)[:300])
    sys.exit(3)


def attach(container: str) -> socket.socket:
    """The container's terminal as a raw stream, from before its start."""
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(WAIT_SECONDS)
    stream.connect(SOCKET)
    path = f"/containers/{container}/attach?stream=1&stdout=1&stdin=1"
    head = f"POST {path} HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    stream.sendall(head.encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += stream.recv(1)  # a byte at a time: what follows the head is the terminal's
    return stream


def first_there(images: str) -> str:
    """The first of these images that the engine has, or the first."""
    wanted = images.split(",")
    there = (each for each in wanted if call("GET", f"/images/{each}/json")[0] == 200)
    return next(there, wanted[0])


def start(name: str, image: str, bare: str = "") -> None:
    image = first_there(image)
    call("DELETE", f"/containers/{quote(name)}", force=1)
    began = time.monotonic()

    def stage(name: str) -> None:
        say(stage=name, seconds=round(time.monotonic() - began, 3))

    body = {"Image": image, "Cmd": ["sh"], "Tty": True, "OpenStdin": True, "Hostname": name}
    status, made = call("POST", "/containers/create", body, name=name)
    if status != 201:
        fail("create", made["message"] if isinstance(made, dict) else made)
    stage("create")
    terminal = attach(made["Id"])
    status, said = call("POST", f"/containers/{made['Id']}/start")
    if status != 204:
        call("DELETE", f"/containers/{made['Id']}", force=1)
        fail("start", said["message"] if isinstance(said, dict) else said)
    stage("start")
    if not terminal.recv(1):
        fail("start", "its shell ended at once")
    stage("prompt")
    terminal.close()
    say(ready=True, name=name, **({} if bare else figures(made["Id"])))


def figures(container: str) -> dict[str, Any]:
    """What the container is made of and takes, now that it waits at its prompt."""
    stats = call("GET", f"/containers/{container}/stats", **{"stream": "0", "one-shot": "1"})[1]
    memory = stats.get("memory_stats") or {}
    cache = memory.get("stats") or {}
    droppable = cache.get("inactive_file", cache.get("total_inactive_file", 0))
    top = call("GET", f"/containers/{container}/top", ps_args="-eo pid,comm")[1]
    pids = [int(row[0]) for row in top.get("Processes") or []]
    found = call("GET", f"/containers/{container}/json", size=1)[1]
    kernel, boot, inside = look_inside(container)
    usage = memory.get("usage")
    return {
        "pid": found["State"]["Pid"],
        "kernel": kernel,
        "boot": boot,
        "processes": inside,
        "processes_outside": len(pids),
        "cgroup_bytes": None if not usage else max(0, usage - droppable),
        "memory_bytes": sum(pss_of(pid) for pid in pids),
        "disk_bytes": found.get("SizeRw") or 0,
        "image_bytes": found.get("SizeRootFs"),
        "image": found["Config"]["Image"],
    }


def look_inside(container: str) -> tuple[str, str, int]:
    """Kernel release, boot id and number of processes, as a command inside reads them."""
    body = {"AttachStdout": True, "Tty": True, "Cmd": ["sh", "-c", INSIDE]}
    made = call("POST", f"/containers/{container}/exec", body)[1]
    engine = Engine()
    engine.request(
        "POST",
        f"/exec/{made['Id']}/start",
        json.dumps({"Tty": True}),
        {"Content-Type": "application/json"},
    )
    lines = engine.getresponse().read().decode(errors="replace").split()
    engine.close()
    own = 3  # the shell that runs this command, its ls and its wc
    return lines[0], lines[1], int(lines[2]) - own


def pss_of(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return next((int(x.split()[1]) * 1024 for x in file if x.startswith("Pss:")), 0)
    except OSError:
        return 0


def named(prefix: str) -> Any:
    wanted = json.dumps({"name": [f"^/{prefix}"]})
    return call("GET", "/containers/json", all=1, filters=wanted)[1]


def listing(prefix: str) -> None:
    for each in named(prefix):
        name, state = each["Names"][0][1:], each["State"]
        row = {"name": name, "state": state}
        if state == "running":
            row |= dict(zip(("kernel", "boot", "processes"), look_inside(each["Id"]), strict=True))
        say(**row)


def kill(name: str) -> None:
    status, said = call("POST", f"/containers/{quote(name)}/kill", signal="KILL")
    if status != 204:
        fail("kill", said)
    status, said = call("POST", f"/containers/{quote(name)}/wait", condition="not-running")
    say(killed=True, name=name, exit=said.get("StatusCode") if isinstance(said, dict) else None)


def stop(prefix: str) -> None:
    with ThreadPoolExecutor(max_workers=4) as threads:
        list(threads.map(remove, (each["Id"] for each in named(prefix))))
    say(stopped=True)


def remove(container: str) -> None:
    call("DELETE", f"/containers/{container}", force=1)


COMMANDS: dict[str, Any] = {"start": start, "list": listing, "end": kill, "stop": stop}
COMMANDS[sys.argv[1]](*sys.argv[2:])
