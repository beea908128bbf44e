"""Previews: HTTP requests to a port of a machine, each on an origin of its own.

The origin keeps the learner's page away from the site: it has none of the site's cookies,
can't read its pages, and only the site may frame it.
"""

import html
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import h11
from channels.db import database_sync_to_async
from django.db import OperationalError
from uvicorn.protocols.utils import ClientDisconnected

from sandbox import preview_headers, preview_links, preview_relay, preview_socket
from sandbox.errors import SandboxEngineError, SandboxError
from sandbox.models import Machine, Preview
from sandbox.preview_relay import AnswerCut, AppSilent, BrowserLeft, PreviewOver, Receive, Send
from sandbox.tunnel import NoAnswer, PortClosed

log = logging.getLogger(__name__)
Page = tuple[int, str, str]  # status, message, hint
Find = Callable[[], Preview | None]
OVER: Page = (404, "This preview is over.", "Open it again from the lesson's page.")
TWO_HOSTS: Page = (400, "The request is not valid.", "Send one Host header.")
FAULTS = (NoAnswer, PortClosed, AppSilent, AnswerCut, h11.RemoteProtocolError)


class PreviewHosts:
    """ASGI middleware: requests to a preview's host go to its machine, others on."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        headers = scope.get("headers", [])
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if not any(map(preview_links.is_preview_host, hosts)):
            await self.inner(scope, receive, send)
        elif len(hosts) > 1:
            await refuse(scope, receive, send, TWO_HOSTS)
        else:
            await serve(lambda: preview_links.find(hosts[0]), scope, receive, send)


@dataclass
class _Visit:
    """What one request asks for."""

    preview: Preview
    container_id: str
    request: h11.Request


async def refuse(scope: dict[str, Any], receive: Receive, send: Send, page: Page) -> None:
    """Answer a request or a WebSocket's handshake with a page of our own."""
    if scope["type"] == "http":
        await _page(send, page)
    else:
        await receive()
        await _refuse_socket(send, page[0])


async def serve(find: Find, scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer one request, or one WebSocket, from the machine of the preview that `find` gives.

    `find` asks the database; it is asked again while an answer goes on.
    """
    if scope["type"] == "http":
        await _serve_request(find, scope, receive, send)
    else:
        await receive()
        await _serve_socket(find, scope, receive, send)


async def _serve_request(find: Find, scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer one HTTP request.

    An answer that breaks off stays without its last message; the server then closes the
    browser's connection, which is how HTTP says so.
    """
    begun = False

    async def tell(message: dict[str, Any]) -> None:
        nonlocal begun
        begun = True
        await send(message)

    page = await _visit(find, scope, receive, tell)
    if page is not None and not begun:
        await _page(send, page)


async def _visit(find: Find, scope: dict[str, Any], receive: Receive, send: Send) -> Page | None:
    """Answer from the machine; return the page to show where that was not possible."""
    try:
        visit = await _visit_of(find, scope)
    except preview_headers.Refused as refused:
        return refused.status, refused.message, refused.hint
    if visit is None:
        return OVER

    port = visit.preview.port
    try:
        await preview_relay.relay(
            visit.container_id, port, visit.request, receive, send, partial(_stands, find)
        )
    except BrowserLeft:
        return None
    except PreviewOver:
        return OVER
    except FAULTS as fault:
        return _page_of(fault, visit.preview)
    except SandboxError as error:
        if isinstance(error, SandboxEngineError):
            log.warning("preview of %s: %s", visit.preview, error)
        return error.status, error.message, error.hint
    return None


async def _serve_socket(find: Find, scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer one WebSocket.

    What can't be opened is refused with a status, as browsers report nothing else of it.
    """
    try:
        visit = await _visit_of(find, scope | {"method": "GET"})
    except preview_headers.Refused as refused:
        await _refuse_socket(send, refused.status)
        return
    if visit is None:
        await _refuse_socket(send, OVER[0])
        return
    port, valid = visit.preview.port, partial(_stands, find)
    try:
        await preview_socket.relay(visit.container_id, port, visit.request, receive, send, valid)
    except FAULTS as fault:
        await _refuse_socket(send, _page_of(fault, visit.preview)[0])
    except preview_socket.SocketRefused as refused:
        await _refuse_socket(send, refused.status if refused.status >= 400 else 502)
    except SandboxError as error:
        if isinstance(error, SandboxEngineError):
            log.warning("preview of %s: %s", visit.preview, error)
        await _refuse_socket(send, error.status)


async def _refuse_socket(send: Send, status: int) -> None:
    """Refuse a handshake with a status. Raises ClientDisconnected, as nothing is to follow."""
    head = {"type": "websocket.http.response.start", "status": status, "headers": []}
    await send(head)
    await send({"type": "websocket.http.response.body", "body": b""})
    # The server takes an application that returns without having accepted a socket for broken,
    # and logs an error. It takes this for what it is: this client's connection is closed.
    raise ClientDisconnected


async def _stands(find: Find) -> bool:
    """Whether the preview is valid still."""
    try:
        return await database_sync_to_async(find)() is not None
    except OperationalError:
        return True  # a busy database ends nothing; the next look will tell


@database_sync_to_async
def _visit_of(find: Find, scope: dict[str, Any]) -> _Visit | None:
    preview = find()
    if preview is None:
        return None
    machine = Machine.objects.filter(sandbox=preview.sandbox, name=preview.machine).first()
    if machine is None or not machine.container_id:
        return None
    return _Visit(preview, machine.container_id, preview_headers.request_of(scope))


def _page_of(fault: Exception, preview: Preview) -> Page:
    where = f"port {preview.port} of {preview.machine}"
    look = "Look at its output in the terminal, then reload this page."
    if isinstance(fault, PortClosed):
        hint = "Start your app there and publish the port, then reload this page."
        return 502, f"Nothing answers on {where}.", hint
    if isinstance(fault, NoAnswer):
        return 502, f"The app on {where} closed the connection without an answer.", look
    if isinstance(fault, AppSilent):
        return 504, f"The app on {where} takes connections but does not answer.", look
    hint = "A preview shows web pages; use the terminal for anything else."
    return 502, f"P{where[1:]} does not speak HTTP.", hint


async def _page(send: Send, page: Page) -> None:
    """A short page in the app's place."""
    status, message, hint = page
    text = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Preview</title>"
        "<style>body{font:17px/1.6 system-ui,sans-serif;margin:3rem;max-width:40rem}"
        "@media(prefers-color-scheme:dark){body{background:#0c1619;color:#e7f0ef}}</style>"
        f"<h1>{html.escape(message)}</h1><p>{html.escape(hint)}</p>"
    ).encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        preview_headers.framed_by_the_site("default-src 'none'", "style-src 'unsafe-inline'"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
