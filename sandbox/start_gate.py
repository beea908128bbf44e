"""Few Starts at a time, so that a class that presses Start leaves the site to everybody else.

All of them would take turns at the interpreter's lock, with each other and with every page.
Those that wait here wait in order, on the event loop, where they cost nothing; pages overtake.
Sockets that a page opens to watch its sandbox come after those who stand in line for an answer.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
STARTS = ("POST", "/api/v1/sandboxes")
# A page that comes then shares the interpreter with one; two answered a class no sooner.
AT_ONCE = 1
BODY_LIMIT_BYTES = 64 * 1024
# A page that takes longer waits for something itself, as a check does: nobody makes way for it.
# So long at most a Start whose turn has come lets pages pass, however many come.
PAGE_SECONDS = 0.03
WATCHING = "/events"
WATCHERS_WAIT_SECONDS = 0.5
# A class's sockets open one at a time too: with two, a page shared the interpreter with both. One
# that takes long is not waited for.
OPENING_AT_ONCE = 1
OPENING_SECONDS = 0.1


class StartGate:
    """ASGI middleware in front of the pages."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.room = asyncio.Semaphore(AT_ONCE)
        self._pages: set[object] = set()
        self._no_pages = asyncio.Event()
        self._no_pages.set()
        self._opening = asyncio.Semaphore(OPENING_AT_ONCE)
        self._in_line = 0
        self._no_line = asyncio.Event()
        self._no_line.set()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if (scope.get("method"), scope.get("path")) != STARTS:
            await self._pass(scope, receive, send)
            return
        # Before the gate: whoever sends slowly must keep nobody else waiting.
        read, whole = await _read(receive)
        replay = _replay(read, receive)
        if not whole:
            await self.inner(scope, replay, send)
            return
        await self._wait_in_line()
        try:
            await _at_most(PAGE_SECONDS, self._no_pages)
            await self.inner(scope, replay, send)
        finally:
            self.room.release()

    async def _wait_in_line(self) -> None:
        self._in_line += 1
        self._no_line.clear()
        try:
            await self.room.acquire()
        finally:
            self._in_line -= 1
            if not self._in_line:
                self._no_line.set()

    def before(self, sockets: Any) -> Any:
        """ASGI middleware for `sockets`: who would watch waits while Starts stand in line.

        Then they open few at a time, pages first: a class would come in one piece otherwise.
        """

        async def after_starts(scope: dict[str, Any], receive: Receive, send: Send) -> None:
            if not scope["path"].endswith(WATCHING):
                await sockets(scope, receive, send)
                return
            await _at_most(WATCHERS_WAIT_SECONDS, self._no_line)
            await self._opening.acquire()
            place = _Place(self._opening)
            try:
                await _at_most(PAGE_SECONDS, self._no_pages)
                await sockets(scope, receive, place.until_first(send))
            finally:
                place.leave()

        return after_starts

    async def _pass(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """What is no Start goes on at once, and before the next Start."""
        page = object()
        self._pages.add(page)
        self._no_pages.clear()
        grown = asyncio.get_running_loop().call_later(PAGE_SECONDS, self._passed, page)
        try:
            await self.inner(scope, receive, send)
        finally:
            grown.cancel()
            self._passed(page)

    def _passed(self, page: object) -> None:
        self._pages.discard(page)
        if not self._pages:
            self._no_pages.set()


class _Place:
    """One of few places; left once, after OPENING_SECONDS at the latest."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places: asyncio.Semaphore | None = places
        self._late = asyncio.get_running_loop().call_later(OPENING_SECONDS, self.leave)

    def leave(self) -> None:
        self._late.cancel()
        if self._places:
            self._places.release()
            self._places = None

    def until_first(self, send: Send) -> Send:
        """`send` that leaves the place when a message of the socket's own is sent."""

        async def sending(message: Message) -> None:
            await send(message)
            if message["type"] != "websocket.accept":
                self.leave()

        return sending


async def _at_most(seconds: float, event: asyncio.Event) -> None:
    if not event.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()


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
