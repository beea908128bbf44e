"""What the engine and the kernel below it say of one container, as seen from outside.

Source: Docker Engine API reference, "Get container stats", "List processes", "List
containers"; for the memory, "docker container stats" (page cache that can be dropped at
once is left out).
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sandbox import stream
from sandbox.errors import MachineDied, SandboxEngineError

IDLE_SECONDS = 1.0


@dataclass(frozen=True)
class Stats:
    """One reading of a container's control group. `threads` counts as its limit does."""

    memory_bytes: int
    memory_limit_bytes: int
    cpu_nanoseconds: int
    threads: int
    threads_limit: int | None


async def _read(path: str) -> Any:
    status, body = await stream.call("GET", path)
    if status in (404, 409):
        raise MachineDied
    if status >= 400:
        raise SandboxEngineError(f"The engine answered {status} when asked for figures.")
    return json.loads(body)


async def stats(container_id: str) -> Stats:
    """The control group's figures now. Raises EngineDown, MachineDied."""
    said = await _read(f"/containers/{container_id}/stats?stream=false&one-shot=true")
    memory = said.get("memory_stats") or {}
    if "usage" not in memory:
        raise MachineDied
    parts = memory.get("stats") or {}
    # Two names: control groups version 2 and 1.
    droppable = parts.get("inactive_file", parts.get("total_inactive_file", 0))
    pids = said.get("pids_stats") or {}
    limit = pids.get("limit")
    return Stats(
        memory_bytes=max(0, memory["usage"] - droppable),
        memory_limit_bytes=memory.get("limit", 0),
        cpu_nanoseconds=said["cpu_stats"]["cpu_usage"]["total_usage"],
        threads=pids.get("current", 0),
        threads_limit=limit if isinstance(limit, int) and limit < 1 << 32 else None,
    )


async def processor_percent(container_id: str, first: Stats) -> float:
    """Share of one processor used over a second that begins now, in percent."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.sleep(IDLE_SECONDS)
    second = await stats(container_id)
    used = max(0, second.cpu_nanoseconds - first.cpu_nanoseconds)
    return round(used / ((loop.time() - began) * 1e9) * 100, 2)


async def processes(container_id: str) -> list[tuple[int, str]]:
    """(number, name) of each of its processes, as the host's kernel counts them."""
    said = await _read(f"/containers/{container_id}/top?ps_args={quote('-eo pid,comm')}")
    return [(int(row[0]), row[1]) for row in said.get("Processes") or []]


async def own_bytes(container_id: str) -> int:
    """Bytes in the container's own writable layer; what it shares with others is not in it."""
    wanted = quote(json.dumps({"id": [container_id]}))
    found = await _read(f"/containers/json?all=1&size=1&filters={wanted}")
    if not found:
        raise MachineDied
    return int(found[0].get("SizeRw") or 0)


async def moments(container_id: str) -> tuple[str, str, int]:
    """When it was created and when its process 1 began (ISO 8601), and that one's number."""
    said = await _read(f"/containers/{container_id}/json")
    return said["Created"], said["State"]["StartedAt"], int(said["State"]["Pid"])
