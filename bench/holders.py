"""What may keep a shell while consoles come and go: `python -m bench.holders [FOLDER]`.

In one machine of the `shell` image, in turn:

- main: the container's main terminal, attached by the engine; nothing is added;
- slipway-init: our holder, as extra terminals have it (`sandbox/images/init/holder.c`);
- dtach, tmux, abduco: if FOLDER (laid out as unpacked Debian packages are) has the program and
  the libraries it needs; else their absence is said. They run on an exec's pseudo-terminal.

Prints echo and throughput as the engine's socket shows them, the machine's processor time,
memory and processes that one terminal adds beside its shell, and what is left after the
stream broke off: the same shell, and how much of what was printed meanwhile.
"""

import json
import re
import socket
import statistics
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.ending import removed_with_us
from bench.terminal_clients import EngineSocket, count_until, synchronise, until
from bench.terminal_parties import ON_TTY

MIB = 1024 * 1024
SAMPLES = 300
FLOOD_MIB = 50
MISSED = 2000
INSIDE = "/opt/holders"
LIBRARIES = f"LD_LIBRARY_PATH={INSIDE}/usr/lib/x86_64-linux-gnu:{INSIDE}/lib/x86_64-linux-gnu"
PROGRAMS = {
    "dtach": ["dtach", "-A", "/tmp/dtach", "-r", "winch", "bash", "-l"],
    "tmux": [
        "tmux",
        "-f",
        "/dev/null",
        "new-session",
        "-A",
        "-s",
        "one",
        "bash",
        "-l",
        ";",
        "set",
        "status",
        "off",
    ],
    "abduco": ["abduco", "-A", "one", "bash", "-l"],
}


class Exec(EngineSocket):
    """A command on the engine's socket, on a terminal of its own or with plain pipes."""

    def __init__(self, container: str, command: list[str], *, tty: bool) -> None:
        body = {
            "AttachStdin": True, "AttachStdout": True, "AttachStderr": True, "Tty": tty,
            "Cmd": command, "User": "1000:1000",
        }  # fmt: skip
        made = json.loads(self._call(f"/containers/{container}/exec", body, upgrade=False))
        head = self._call(f"/exec/{made['Id']}/start", {"Detach": False, "Tty": tty}, upgrade=True)
        self._rest = head
        self._space = bytearray(1 << 18)

    def _call(self, path: str, body: dict[str, Any], *, upgrade: bool) -> bytes:
        data = json.dumps(body).encode()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect("/var/run/docker.sock")
        version, how = (
            ("1.1", "Connection: Upgrade\r\nUpgrade: tcp")
            if upgrade
            else ("1.0", "Connection: close")
        )
        self.socket.sendall(
            f"POST {path} HTTP/{version}\r\nHost: engine\r\nContent-Type: application/json\r\n{how}\r\n"
            f"Content-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        said = b""
        while b"\r\n\r\n" not in said:
            said += self.socket.recv(4096)
        rest = said.partition(b"\r\n\r\n")[2]
        if not upgrade:
            while part := self.socket.recv(4096):
                rest += part
            self.socket.close()
        return rest


class Held(Exec):
    """Our holder: frames within the engine's multiplexed stream."""

    def __init__(self, container: str) -> None:
        command = [
            "/usr/local/sbin/slipway-init",
            "terminal",
            "bench",
            "/usr/local/lib/slipway/login",
        ]
        super().__init__(container, command, tty=False)
        self._muxed, self._framed = bytearray(), bytearray()
        self._say(b"A", struct.pack(">Q", 2**64 - 1))

    def _say(self, kind: bytes, payload: bytes) -> None:
        self.socket.sendall(kind + struct.pack(">I", len(payload)) + payload)

    def write(self, data: bytes) -> None:
        self._say(b"I", data)

    def read(self, timeout_seconds: float = 20) -> bytes:
        self._muxed += super().read(timeout_seconds)
        for _, payload in _frames(self._muxed, ">BxxxI"):
            self._framed += payload
        return b"".join(data for kind, data in _frames(self._framed, ">BI") if kind == ord("O"))


def _frames(buffer: bytearray, head: str) -> list[tuple[int, bytes]]:
    found, begin, size = [], 0, struct.calcsize(head)
    while len(buffer) - begin >= size:
        kind, length = struct.unpack_from(head, buffer, begin)
        end = begin + size + length
        if len(buffer) < end:
            break
        found.append((kind, bytes(buffer[begin + size : end])))
        begin = end
    del buffer[:begin]
    return found


def processes(container: str) -> dict[int, tuple[str, int]]:
    """The machine's processes: name, and memory (PSS) in KiB."""
    found = {}
    top = subprocess.check_output(["docker", "top", container, "-eo", "pid,comm"], text=True)
    for line in top.splitlines()[1:]:
        pid, name = line.split(None, 1)
        with suppress(OSError):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            if pss := re.search(r"^Pss:\s+(\d+)", rollup, re.M):
                found[int(pid)] = (name, int(pss[1]))
    return found


def processor_seconds(container: str) -> float:
    path = f"/containers/{container}/stats?stream=false&one-shot=true"
    command = ["curl", "-s", "--unix-socket", "/var/run/docker.sock", f"http://engine{path}"]
    said = json.loads(subprocess.check_output(command))
    return float(said["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9


def echo_ms(client: Any) -> float:
    taken = []
    for number in range(SAMPLES):
        began = time.perf_counter()
        client.write(b"x")
        while b"x" not in client.read(10):
            pass
        taken.append(time.perf_counter() - began)
        if number % 60 == 59:
            client.write(b"\x15")
            while client.read(0.05):
                pass
    client.write(b"\x15")
    synchronise(client)
    return statistics.median(taken) * 1000


def measure(name: str, container: str, attach: Any) -> None:
    before = processes(container)
    client = attach()
    synchronise(client)
    added = {pid: found for pid, found in processes(container).items() if pid not in before}
    beside = [found for found in added.values() if found[0] != "bash"]
    echo = echo_ms(client)
    used, began = processor_seconds(container), time.perf_counter()
    client.write(f"yes 'a line of a flood' | head -c {FLOOD_MIB}M; echo e''nd\r".encode())
    size = count_until(client, b"end\r")
    seconds, used = time.perf_counter() - began, processor_seconds(container) - used
    synchronise(client)
    client.write(b'echo "pid-""is $$."\r')
    pid = re.search(rb"pid-is (\d+)", until(client, b".\r"))
    client.write(f"sleep 0.5; for n in $(seq {MISSED}); do echo missed-$n.; done\r".encode())
    time.sleep(0.2)
    client.close()
    time.sleep(2)
    again = attach()
    seen = b""
    while part := again.read(0.7):
        seen += part
    missed = len(set(re.findall(rb"missed-(\d+)\.", seen)))
    again.write(b'echo "pid-""is $$."\r')
    same = re.search(rb"pid-is (\d+)", until(again, b".\r"))
    again.close()
    kept = "the same shell" if pid and same and pid[1] == same[1] else "another shell"
    print(
        f"{name:13} echo p50 {echo:5.2f} ms  {size / MIB / seconds:6.1f} MiB/s"
        f" ({100 * size / MIB / FLOOD_MIB:.0f} % of the output comes)"
        f"  processor {used:4.1f} s  beside the shell: {len(beside)} processes,"
        f" {sum(pss for _, pss in beside)} KiB  back: {kept}, {missed} of {MISSED} lines shown again"
    )


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    command = [
        *("docker", "run", "-dit", "--network=none", "--tmpfs=/run:uid=1000,mode=0775"),
        *(f"--label={removed_with_us()}", "--tmpfs=/opt:exec,uid=1000,mode=0775", *ON_TTY),
    ]
    container = subprocess.check_output(command, text=True).strip()
    try:
        time.sleep(1)
        measure("main", container, lambda: EngineSocket(container))
        measure("slipway-init", container, lambda: Held(container))
        for name, words in PROGRAMS.items():
            if folder is None or not (folder / "usr/bin" / name).exists():
                print(f"{name}: absent")
                continue
            tar = subprocess.check_output(["tar", "-C", str(folder), "-c", "."])
            unpack = [
                "docker",
                "exec",
                "-i",
                container,
                "sh",
                "-c",
                f"mkdir -p {INSIDE}; tar -xC {INSIDE}",
            ]
            subprocess.run(unpack, input=tar, check=True)
            full = [
                "env",
                LIBRARIES,
                "TERM=xterm-256color",
                f"{INSIDE}/usr/bin/{words[0]}",
                *words[1:],
            ]
            try:
                measure(name, container, lambda full=full: Exec(container, full, tty=True))
            except EOFError:
                print(f"{name}: did not run; are all its libraries in the folder?")
    finally:
        subprocess.run(["docker", "rm", "-f", container], stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
