"""WebSocket addresses, and what is refused before anything else."""

import logging
from typing import Any

from channels.routing import URLRouter
from django.conf import settings
from django.urls import re_path

from sandbox.consumers import EventsConsumer
from sandbox.host_watch import host_socket
from sandbox.terminal_socket import terminal_socket

log = logging.getLogger(__name__)
SANDBOX = r"^ws/sandboxes/(?P<sandbox_id>[a-z0-9]{1,40})"


async def _unknown(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await _close(receive, send, 4404)


# Any: Channels routes ASGI applications by Django's URL patterns, typed for views.
_patterns: list[tuple[str, Any]] = [
    (SANDBOX + r"/events$", EventsConsumer.as_asgi()),
    (r"^ws/host$", host_socket),
    (
        SANDBOX + r"/machines/(?P<machine>[a-z0-9-]{1,40})/terminals/(?P<name>[^/]{1,100})$",
        terminal_socket,
    ),
    (r"", _unknown),
]
_routes = URLRouter([re_path(pattern, application) for pattern, application in _patterns])


async def websocket(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Route a WebSocket. A page of another origin is refused before the handshake.

    Only that: any other refusal comes after accepting, since browsers hide the close code
    of a handshake that failed.
    """
    if scope.get("authorised_by") != "token" and not origin_allowed(scope):
        log.warning("%r refused: it comes from a page of another origin", scope["path"])
        await receive()
        await send({"type": "websocket.close", "code": 4403})
        return
    await _routes(scope, receive, send)


def origin_allowed(scope: dict[str, Any]) -> bool:
    """Whether the Origin header is one of the site's own, compared whole.

    Without the header the caller is no browser, and nobody's cookie can be misused.
    """
    origin = dict(scope.get("headers", [])).get(b"origin")
    if origin is None:
        return True
    return origin.decode("latin-1") in (settings.SITE_URL, *settings.SITE_URLS_EXTRA)


async def _close(receive: Any, send: Any, code: int) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": code})
