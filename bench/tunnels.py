"""The two ways to a port of a machine, next to each other: `python -m bench.tunnels` (as root).

An app in a container of the `shell` image; "direct" is a client in the container's own network
namespace. "namespace" is a socket of the console's made in there, "exec" is `slipway-init connect`
over the engine's exec stream. Rounds alternate, medians are printed: seconds to open a
connection, milliseconds of a small request on it, MB/s of 50 MB, and the share of direct.
"""

import os
import statistics
import subprocess
import tempfile
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("SLIPWAY_DATA", tempfile.mkdtemp(prefix="slipway-bench-"))

import django  # noqa: E402

django.setup()

import uvloop  # noqa: E402

from bench.ending import removed_with_us  # noqa: E402
from bench.preview import PORT, run_app  # noqa: E402
from sandbox import namespaces, stream, tunnel  # noqa: E402
from sandbox.images import image_ref  # noqa: E402

ROUNDS = 5
SMALL_REQUESTS = 50
LARGE_BYTES = 50 * 1024 * 1024
DIRECT = """
import socket, time
s = socket.create_connection(("127.0.0.1", {port}))
began = time.perf_counter(); s.sendall({request!r}); got = 0; room = bytearray(262144)
while got < {size}: got += s.recv_into(room)
print({size} / (time.perf_counter() - began) / 1e6)
"""
Figures = tuple[float, float, float]


def request(size: int) -> bytes:
    return f"GET /x?{size} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


async def opened(container: str, way: str) -> tunnel.Tunnel:
    if way == "namespace":
        connected = await namespaces.connect(container, PORT)
        if connected is None:
            raise SystemExit("no network namespace can be entered: run it as root by the engine")
        return tunnel.Tunnel(await stream.SocketStream.over(connected), framed=False)
    command = [*tunnel.CONNECT, str(PORT)]
    _, made = await stream.exec_stream(container, command, user="1000:1000")
    return tunnel.Tunnel(made, framed=True)


async def read(found: tunnel.Tunnel, size: int) -> None:
    """Ask for an answer of so many bytes and take it in."""
    await found.write(request(size))
    got = -len(b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n") - len(str(size))
    while got < size:
        got += len(await found.read())


async def measured(container: str, way: str) -> Figures:
    began = time.perf_counter()
    found = await opened(container, way)
    await read(found, 1)
    seconds = time.perf_counter() - began
    taken = []
    for _ in range(SMALL_REQUESTS):
        began = time.perf_counter()
        await read(found, 2048)
        taken.append(time.perf_counter() - began)
    began = time.perf_counter()
    await read(found, LARGE_BYTES)
    rate = LARGE_BYTES / (time.perf_counter() - began) / 1e6
    found.close()
    return seconds, statistics.median(taken) * 1000, rate


def direct(container: str) -> float:
    inspect = ["docker", "inspect", "-f", "{{.State.Pid}}", container]
    pid = subprocess.check_output(inspect, text=True).strip()
    client = DIRECT.format(port=PORT, request=request(LARGE_BYTES), size=LARGE_BYTES)
    command = ["nsenter", "-t", pid, "-n", "python3", "-c", client]
    return float(subprocess.check_output(command, text=True))


def main() -> None:
    run = ["docker", "run", "-d", "--rm", f"--label={removed_with_us()}", "--network", "none"]
    run += ["--cap-drop", "ALL"]
    command = [*run, "--entrypoint", "sleep", image_ref("shell"), "600"]
    container = subprocess.check_output(command, text=True).strip()
    try:
        run_app(container)
        rates = []
        ways: dict[str, list[Figures]] = {"namespace": [], "exec": []}
        for _ in range(ROUNDS):
            rates.append(direct(container))
            for way, found in ways.items():
                found.append(uvloop.run(measured(container, way)))
        whole = statistics.median(rates)
        print(f"{'':<12}{'opens':>10}{'2 KiB':>10}{'50 MB':>14}{'of direct':>12}")
        print(f"{'direct':<12}{'':>20}{whole:>9.0f} MB/s")
        for way, found in ways.items():
            seconds, milliseconds, rate = map(statistics.median, zip(*found, strict=True))
            line = f"{way:<12}{seconds:>8.3f} s{milliseconds:>7.2f} ms{rate:>9.0f} MB/s"
            print(f"{line}{100 * rate / whole:>10.0f} %")
    finally:
        subprocess.run(["docker", "kill", container], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
