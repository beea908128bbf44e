"""Whether machines can be started, told to every page that is open, and again when it changes.

The worker's word stands in the host's row; a worker that died says nothing at all. So the row is
looked at once a second, for all pages of this process together, as long as there is one. This
needs no Redis, whose loss is no reason to leave a page with what was true before.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

from channels.db import database_sync_to_async
from django.db import DatabaseError

from sandbox import hosts
from sandbox.socket_limits import TooManySockets, counted
from sandbox.terminal_frames import POLICY, TOO_MANY, Receive, Send, close, send_frame

log = logging.getLogger(__name__)
EVERY_SECONDS = 1.0
# Pages of people who have no session yet, all together.
VISITORS, VISITORS_AT_ONCE = 0, 1000
Event = dict[str, Any]


class HostWatch:
    """What the host's row says, and the task that looks at it while somebody wants to know."""

    def __init__(self) -> None:
        self._said: Event | None = None
        self._changed = asyncio.Event()
        self._listeners = 0
        self._task: asyncio.Task[None] | None = None

    async def states(self) -> AsyncIterator[Event]:
        """`{"type": "host", "available", "message", "hint"}` as it is, then each other one."""
        told: Event | None = None
        self._listeners += 1
        self._begin()
        try:
            while True:
                # Taken before the comparison: what changes behind it ends the wait at once.
                changed = self._changed
                if self._said is None or self._said == told:
                    await changed.wait()
                    continue
                told = self._said
                yield told
        finally:
            self._listeners -= 1

    def _begin(self) -> None:
        if self._task is None or self._task.done() or self._task.get_loop().is_closed():
            # What was true when nobody listened may be true no more.
            self._said, self._changed = None, asyncio.Event()
            self._task = asyncio.create_task(self._look_again_and_again())

    async def _look_again_and_again(self) -> None:
        while self._listeners:
            try:
                said = await _look()
            except DatabaseError as error:
                # It is about to be looked at again; what was said stays.
                log.warning("host not looked at: %s", error)
            else:
                if said != self._said:
                    changed, self._changed = self._changed, asyncio.Event()
                    self._said = said
                    changed.set()
            await asyncio.sleep(EVERY_SECONDS)


@database_sync_to_async
def _look() -> Event:
    message, hint = hosts.problem_of(hosts.glance())
    # In English: the page has the words of its language (static/js/words.js, `said`).
    return {"type": "host", "available": not message, "message": message, "hint": hint}


async def host_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve a page that has no sandbox to watch, its reader known or not."""
    await receive()
    await send({"type": "websocket.accept"})
    user = scope.get("user")
    try:
        if user is not None and user.is_authenticated:
            with counted(user.pk):
                await _serve(receive, send)
        else:
            with counted(VISITORS, VISITORS_AT_ONCE):
                await _serve(receive, send)
    except TooManySockets:
        log.warning("host socket refused: too many of %s", getattr(user, "pk", None) or "visitors")
        await close(send, TOO_MANY)


async def _serve(receive: Receive, send: Send) -> None:
    async def tell() -> None:
        async for event in host_watch.states():
            await send_frame(send, json.dumps(event))

    telling = asyncio.create_task(tell())
    try:
        # A page has nothing to say here: it leaves, or is mistaken.
        if (await receive())["type"] == "websocket.receive":
            log.warning("host socket closed: its client said something")
            await close(send, POLICY)
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


host_watch = HostWatch()
