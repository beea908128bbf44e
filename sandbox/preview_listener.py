"""Listens on the ports of previews, in the console, beside the site's own server.

A port that another console or program has is tried again and again: a second console on
the same machine takes over when the first one ends.
"""

import asyncio
import logging
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError

from sandbox import preview_doors, preview_ports
from sandbox.preview_relay import Receive, Send

log = logging.getLogger(__name__)
END_SECONDS = 1
MESSAGE_LIMIT_BYTES = 1024 * 1024
QUEUE = 128


class _Server(uvicorn.Server):
    """A server beside another one, which has the signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """The ports that this console has."""

    def __init__(self) -> None:
        self.console = secrets.token_hex(8)
        self.held: list[int] = []
        self._servers: list[tuple[_Server, asyncio.Task[None]]] = []

    async def run(self) -> None:
        """Take what ports can be had, for ever, and say which."""
        while True:
            try:
                await self.take()
            except (DatabaseError, OSError) as error:
                log.warning("ports for previews are not looked after now: %s", error)
            await asyncio.sleep(preview_ports.BEAT_SECONDS)

    async def take(self) -> None:
        """Listen on all wanted ports that nobody has, and say which are ours."""
        fresh = []
        for number in preview_ports.wanted():
            if number not in self.held and (taken := _listen(number)):
                fresh.append(taken)
        if fresh:
            self._serve(fresh)
            self.held += [int(taken.getsockname()[1]) for taken in fresh]
            log.info("previews have %d ports here, %s asked for", len(self.held), self._asked)
        if self.held:
            await database_sync_to_async(preview_ports.hold)(self.console, self.held)

    @property
    def _asked(self) -> str:
        return str(settings.PREVIEW_PORTS)

    def _serve(self, sockets: list[socket.socket]) -> None:
        config = uvicorn.Config(
            preview_doors.application,
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=MESSAGE_LIMIT_BYTES,
            ws_per_message_deflate=False,
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=END_SECONDS,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets))
        self._servers.append((server, serving))

    async def end(self) -> None:
        """Listen no more, and say so."""
        for server, _ in self._servers:
            server.should_exit = True
        for _, serving in self._servers:
            await serving
        self.held = []
        await database_sync_to_async(preview_ports.release)(self.console)


def _listen(number: int) -> socket.socket | None:
    """A socket that listens on a port; None while somebody else has it."""
    address = settings.PREVIEW_PORTS_BIND
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, number), family=family, backlog=QUEUE)
    except OSError as error:
        log.debug("port %d for previews can't be had: %s", number, error)
        return None


async def lifespan(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """ASGI lifespan: the ports are listened on while a console runs."""
    await receive()
    listener = Listener()
    job = None
    if settings.SANDBOX_ENGINE_ACCESS and preview_ports.wanted():
        job = asyncio.create_task(listener.run())
    await send({"type": "lifespan.startup.complete"})
    await receive()
    if job is not None:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        await listener.end()
    await send({"type": "lifespan.shutdown.complete"})
