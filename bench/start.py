"""Start to prompt, next to a bare `docker run -it`: `python -m bench.start [ROUNDS]`.

Runs a site of its own as `./start` does, and takes turns:

- bare: `docker run --rm -it` of the `shell` image with the engine's default options and
  bash, on a pseudo-terminal, from the call to the first byte of the prompt;
- shell: POST /sandboxes of the playground's shell lesson, events until ready, terminal
  opened, resized, up to the first byte of its prompt; over HTTP and WebSockets;
- docker: the same with the docker lesson, up to a prompt whose engine answers.

- shell warm, docker warm: the same where the pool holds a machine for each Start.

Without "warm" each round makes new containers. Prints medians and ratios; "handed over" is
the server's own time from Start to ready.
"""

import os
import platform
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.caller import PROMPT, Caller
from bench.ending import removed_with_us
from sandbox.images import image_ref
from tests.running_site import running_site

COLUMNS = (
    *("bare", "shell ready", "shell", "docker ready", "docker"),
    *("shell warm handed over", "shell warm", "docker warm handed over", "docker warm"),
)
ROUNDS = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else 10


def bare() -> float:
    """Seconds from `docker run -it` to the prompt."""
    leader, follower = pty.openpty()
    command = [
        "docker",
        "run",
        "--rm",
        "-it",
        f"--label={removed_with_us()}",
        "--entrypoint",
        "/bin/bash",
    ]
    command.append(image_ref("shell"))
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower)
    seen = b""
    while PROMPT not in seen:
        if not select.select([leader], [], [], 30)[0]:
            raise TimeoutError(seen)
        seen += os.read(leader, 4096)
    taken = time.perf_counter() - began
    os.write(leader, b"exit\n")
    os.close(follower)
    process.wait(30)
    os.close(leader)
    return taken


def main() -> None:
    columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_site(Path(folder), START_RATE_LEARNER="1000/minute") as site,
    ):
        caller = Caller(site)
        for _ in range(ROUNDS):
            columns["bare"].append(bare())
            for lesson, machine in (("shell", "box"), ("docker", "docker")):
                ready, prompt = caller.start(lesson, machine)
                columns[f"{lesson} ready"].append(ready)
                columns[lesson].append(prompt)
        for lesson, machine in (("shell", "box"), ("docker", "docker")):
            order = ("--kind", lesson, "--name", machine, "--count", "1", "--minutes", "60")
            site.manage("pool", "warm", *order)
            for _ in range(ROUNDS):
                caller.warm_up(lesson, machine)
                # What refilling set off is over.
                time.sleep(1)
                _, prompt = caller.start(lesson, machine)
                columns[f"{lesson} warm handed over"].append(caller.handed_over)
                columns[f"{lesson} warm"].append(prompt)
    report(columns)


def report(columns: dict[str, list[float]]) -> None:
    engine = subprocess.check_output(
        ["docker", "version", "-f", "{{.Server.Version}}"], text=True
    ).strip()
    print(f"{platform.platform()}, {os.cpu_count()} processors, engine {engine}, {ROUNDS} rounds")
    middle = {name: statistics.median(values) for name, values in columns.items()}
    for name, values in columns.items():
        low, high = min(values), max(values)
        ratio = middle[name] / middle["bare"]
        print(f"{name:24} median {middle[name]:5.2f} s  ({low:.2f} to {high:.2f})  {ratio:.2f} x")
    print(f"shell, Start to prompt: {middle['shell'] / middle['bare']:.2f} x bare (goal 1.6)")
    print(f"docker, Start to an answering engine: {middle['docker']:.2f} s (goal 4)")
    print(f"warm shell {middle['shell warm'] * 1000:.0f} ms to the prompt (goal 150)")
    print(f"warm docker {middle['docker warm'] * 1000:.0f} ms to the prompt (goal 250)")


if __name__ == "__main__":
    main()
