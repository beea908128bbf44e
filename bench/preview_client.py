"""One browser's worth of requests against an address: `bench.preview_client PORT HOST`.

Run twice by `bench.preview`, once through the site and once within the machine's own network
namespace, so that both ways are measured by the same program. Prints JSON.
"""

import http.client
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

SMALL_REQUESTS = 200
LARGE_BYTES = 50 * 1024 * 1024
LARGE_ROUNDS = 3
PARALLEL = 50


def latencies(port: int, host: str) -> list[float]:
    """Seconds of each request for a small page, one after the other on a kept connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    taken = []
    for _ in range(SMALL_REQUESTS):
        began = time.perf_counter()
        connection.request("GET", "/small", headers={"Host": host})
        connection.getresponse().read()
        taken.append(time.perf_counter() - began)
    return taken


def get(port: int, host: str, path: str) -> int:
    """The size of an answer; -1 when it was no page."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        size = 0
        while data := answer.read(256 * 1024):
            size += len(data)
        return size if answer.status == 200 else -1
    except (OSError, http.client.HTTPException):
        return -1


def throughput(port: int, host: str) -> list[float]:
    """Bytes a second of each large answer."""
    found = []
    for _ in range(LARGE_ROUNDS):
        began = time.perf_counter()
        size = get(port, host, f"/large?{LARGE_BYTES}")
        if size != LARGE_BYTES:
            raise RuntimeError(f"{size} of {LARGE_BYTES} bytes came")
        found.append(size / (time.perf_counter() - began))
    return found


def main() -> None:
    port, host = int(sys.argv[1]), sys.argv[2]
    get(port, host, "/small")
    seconds, rates = latencies(port, host), throughput(port, host)
    with ThreadPoolExecutor(PARALLEL) as pool:
        began = time.perf_counter()
        sizes = list(pool.map(lambda _: get(port, host, "/small"), range(PARALLEL)))
        together = time.perf_counter() - began
    failed = sum(size < 0 for size in sizes)
    said = {"latencies": seconds, "rates": rates, "together": together, "failed": failed}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
