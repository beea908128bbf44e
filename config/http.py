"""Django's ASGI handler, with fewer changes of thread and with threads that are kept.

As it comes, each middleware that can do both runs on the event loop and hops to a thread and
back for its work; each request gets a thread of its own, and with it a database connection that
is opened and closed again. On a busy site every hop waits for the interpreter's lock. Here the
whole chain runs in one piece on one thread, and threads with their connections are used again.
Source: Django documentation, "Asynchronous support"; asgiref, `ThreadSensitiveContext`.
"""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import AsyncToSync, ThreadSensitiveContext
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.middleware.security import SecurityMiddleware

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
# More are made when they are needed, and end afterwards: a request may wait for a machine.
KEPT_THREADS = 16


class OneThreadHandler(ASGIHandler):
    """Middlewares and views as one synchronous chain; only static files are served above it."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)
        chain: Any = vars(self)["_middleware_chain"]
        # The static files' middleware is asynchronous, so the top was made synchronous again.
        # The handler calls it from the event loop: there it is needed as it was.
        if not isinstance(chain, AsyncToSync):
            raise TypeError("the first middlewares are asynchronous no more: config/http.py")
        self._middleware_chain = chain.awaitable


class SecurityHeaders(SecurityMiddleware):
    """Django's, on the event loop: it only computes, and needs no thread before and after."""

    async def __acall__(self, request: HttpRequest) -> Any:
        get_response: Any = self.get_response
        answer = self.process_request(request)
        return self.process_response(request, answer or await get_response(request))


class KeptThreads:
    """ASGI middleware: each request has a thread to itself, taken from those that are idle."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        # The last one first: its connection and its caches are the warmest.
        self.idle: list[ThreadPoolExecutor] = []

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        thread = self.idle.pop() if self.idle else ThreadPoolExecutor(1, "request")
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.inner(scope, receive, send)
        finally:
            # By the thread itself, when it has nothing left to do: the view of a client that went
            # away may still wait for a machine, and the next request must not wait behind it.
            thread.submit(self._give_back, thread)

    def _give_back(self, thread: ThreadPoolExecutor) -> None:
        if len(self.idle) < KEPT_THREADS:
            self.idle.append(thread)
        else:
            thread.shutdown(wait=False)
