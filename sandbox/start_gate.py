"""Few Starts at a time, so that a class that presses Start leaves the site to everybody else.

All of them would take turns at the interpreter's lock, with each other and with every page.
Those that wait here wait in order, on the event loop, where they cost nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
STARTS = ("POST", "/api/v1/sandboxes")
# Two, so that one may wait for the database while the other works.
AT_ONCE = 2
BODY_LIMIT_BYTES = 64 * 1024


class StartGate:
    """ASGI middleware in front of the pages."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.room = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if (scope.get("method"), scope.get("path")) != STARTS:
            await self.inner(scope, receive, send)
            return
        # Before the gate: whoever sends slowly must keep nobody else waiting.
        read, whole = await _read(receive)
        replay = _replay(read, receive)
        if not whole:
            await self.inner(scope, replay, send)
            return
        async with self.room:
            await self.inner(scope, replay, send)


async def _read(receive: Receive) -> tuple[list[Message], bool]:
    """The body's messages; False when there is more than a Start has, or the client left."""
    read: list[Message] = []
    size = 0
    while True:
        message = await receive()
        read.append(message)
        size += len(message.get("body", b""))
        if message["type"] != "http.request" or size > BODY_LIMIT_BYTES:
            return read, False
        if not message.get("more_body"):
            return read, True


def _replay(read: list[Message], receive: Receive) -> Receive:
    waiting = iter(read)

    async def replay() -> Message:
        for message in waiting:
            return message
        return await receive()

    return replay
