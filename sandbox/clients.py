"""Clients of the engine, lent for one call at a time and used again.

A client's sessions are not safe to share between threads, and threads come and go: each
creation has some of its own. One client a thread was a new connection, one more question for
the engine's version, and sockets that stayed open until Python's collector came by.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

# More are made when they are needed, and closed afterwards.
KEPT = 16


class Clients:
    """Clients by the engine's address. `make` makes one for an address, and may raise."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make
        self._idle: dict[str, list[Any]] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def lent(self, address: str) -> Iterator[Any]:
        """A client that nobody else has until the block ends.

        A block that fails loses it: what its connection still holds is not known. Blocks
        catch the engine's own answers, which say nothing against the connection.
        """
        client = self._taken(address) or self._make(address)
        try:
            yield client
        except BaseException:
            client.close()
            raise
        with self._lock:
            idle = self._idle.setdefault(address, [])
            if len(idle) < KEPT:
                idle.append(client)
                return
        client.close()

    def _taken(self, address: str) -> Any | None:
        with self._lock:
            idle = self._idle.get(address)
            # The last one: its connection is the least likely to have been closed meanwhile.
            return idle.pop() if idle else None

    def forget(self, address: str) -> None:
        """Close those that are idle: the engine they knew is away, or another one."""
        with self._lock:
            idle = self._idle.pop(address, [])
        for client in idle:
            client.close()
