"""Into a machine's network namespace: a socket of ours in it, and what listens there.

A socket belongs to the namespace that it was made in, whoever uses it afterwards. So where the
console runs as root beside the engine, its bytes pass neither the engine nor a process in the
machine, and nothing of the host is reachable from there that was not before. Elsewhere (a
console without that right, an engine on another host or in a VM) `connect` gives None.
Source: network_namespaces(7), setns(2), proc(5).
"""

import asyncio
import ctypes
import json
import logging
import os
import socket
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings

from sandbox import stream

log = logging.getLogger(__name__)
CLONE_NEWNET = 0x40000000
CONNECT_SECONDS = 5
TABLE_LIMIT_BYTES = 256 * 1024
RUNTIMES = frozenset({"runc", "crun", "io.containerd.runc.v2"})
T = TypeVar("T")
_libc = ctypes.CDLL(None, use_errno=True)


async def connect(container_id: str, port: int) -> socket.socket | None:
    """Connect to a port of a running machine's loopback; None where only an exec can tell.

    Raises EngineDown.
    """
    return await _connected(container_id, socket.AF_INET, ("127.0.0.1", port))


async def connect_by_name(container_id: str, name: str) -> socket.socket | None:
    """Connect to the Unix socket of an abstract name in a running machine; None as `connect`.

    Such names belong to the network namespace, so no path is walked that a learner could lead
    elsewhere. Source: unix(7). Raises EngineDown.
    """
    return await _connected(container_id, socket.AF_UNIX, f"\0{name}")


async def _connected(
    container_id: str, family: socket.AddressFamily, address: Any
) -> socket.socket | None:
    made = await _in_process_of(container_id, lambda process: _socket_of(process, family))
    if made is None:
        return None
    try:
        made.setblocking(False)
        async with asyncio.timeout(CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(made, address)
    except OSError:  # TimeoutError is one
        made.close()
        return None  # the exec will tell how it is
    except BaseException:
        made.close()
        raise
    return made


async def tables(container_id: str) -> str | None:
    """The kernel's tables of a running machine's TCP sockets; None where only an exec can tell.

    Raises EngineDown.
    """
    return await _in_process_of(container_id, _tables_of)


async def _in_process_of(container_id: str, do: Callable[[int], T]) -> T | None:
    """What `do` finds by an open folder of /proc: that of the machine's first process."""
    if os.geteuid() != 0 or not settings.CONSOLE_ENTERS_NAMESPACES:
        return None
    status, said = await stream.call("GET", f"/containers/{container_id}/json")
    if status != 200:
        return None
    found = json.loads(said)
    pid = int(found["State"]["Pid"])
    # Other runtimes may have a network of their own, of which the host's kernel knows nothing.
    if not pid or found["HostConfig"]["Runtime"] not in RUNTIMES:
        return None
    return await asyncio.to_thread(_with_process, pid, container_id, do)


def _with_process(pid: int, container_id: str, do: Callable[[int], T]) -> T | None:
    try:
        # Opened once: all that is read through it is of this very process, and of no later one
        # that got its number.
        process = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        return do(process) if container_id in _read(process, "cgroup") else None
    except OSError:
        return None  # it has ended, or this is no process of ours to look at
    finally:
        os.close(process)


def _read(process: int, name: str) -> str:
    with open(os.open(name, os.O_RDONLY, dir_fd=process), encoding="ascii") as file:
        return file.read(TABLE_LIMIT_BYTES)


def _tables_of(process: int) -> str:
    return _read(process, "net/tcp") + _read(process, "net/tcp6")


def _socket_of(process: int, family: socket.AddressFamily) -> socket.socket | None:
    namespace = os.open("ns/net", os.O_RDONLY, dir_fd=process)
    try:
        return _made_in(namespace, family)
    finally:
        os.close(namespace)


def _made_in(namespace: int, family: socket.AddressFamily) -> socket.socket | None:
    made: list[socket.socket] = []

    def enter() -> None:
        if _libc.setns(namespace, CLONE_NEWNET) == 0:
            made.append(socket.socket(family, socket.SOCK_STREAM))
        else:
            log.info("no network namespace can be entered: %s", os.strerror(ctypes.get_errno()))

    # A thread of its own, which ends in there: none that goes on can be in a wrong namespace.
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    return made[0] if made else None
