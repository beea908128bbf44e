"""A TCP socket of ours in a machine's network namespace: the short way to one of its ports.

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

from sandbox import stream

log = logging.getLogger(__name__)
CLONE_NEWNET = 0x40000000
CONNECT_SECONDS = 5
_libc = ctypes.CDLL(None, use_errno=True)


async def connect(container_id: str, port: int) -> socket.socket | None:
    """Connect to a port of a running machine's loopback; None where only an exec can tell.

    Raises EngineDown.
    """
    if os.geteuid() != 0:
        return None
    status, said = await stream.call("GET", f"/containers/{container_id}/json")
    pid = int(json.loads(said)["State"]["Pid"]) if status == 200 else 0
    made = await asyncio.to_thread(_socket_of, pid, container_id) if pid else None
    if made is None:
        return None
    try:
        made.setblocking(False)
        async with asyncio.timeout(CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", port))
    except OSError:  # TimeoutError is one
        # Nobody listens, or the machine's runtime has a network of its own: the exec will tell.
        made.close()
        return None
    except BaseException:
        made.close()
        raise
    return made


def _socket_of(pid: int, container_id: str) -> socket.socket | None:
    """A socket in the network namespace of a container's process; None if it can't be had."""
    try:
        # Opened once: all that is read through it is of this very process, and of no later one
        # that got its number.
        process = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        with open(os.open("cgroup", os.O_RDONLY, dir_fd=process)) as file:
            if container_id not in file.read():
                return None
        namespace = os.open("ns/net", os.O_RDONLY, dir_fd=process)
    except OSError:
        return None
    finally:
        os.close(process)
    try:
        return _made_in(namespace)
    finally:
        os.close(namespace)


def _made_in(namespace: int) -> socket.socket | None:
    made: list[socket.socket] = []

    def enter() -> None:
        if _libc.setns(namespace, CLONE_NEWNET) == 0:
            made.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        else:
            log.info("no network namespace can be entered: %s", os.strerror(ctypes.get_errno()))

    # A thread of its own, which ends in there: none that goes on can be in a wrong namespace.
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    return made[0] if made else None
