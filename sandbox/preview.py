"""Previews: HTTP requests to a port of a machine, each on an origin of its own.

The origin keeps the learner's page away from the site: it has none of the site's cookies,
can't read its pages, and only the site may frame it.
"""

import html
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import h11
from channels.db import database_sync_to_async
from django.conf import settings

from sandbox import preview_links
from sandbox.errors import SandboxError
from sandbox.models import Machine, Preview
from sandbox.tunnel import PortClosed, Tunnel, tunnels

log = logging.getLogger(__name__)
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
# Headers of one connection, not of the message. Source: RFC 9110, section 7.6.1.
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade".split()
)


class PreviewHosts:
    """ASGI middleware: requests to a preview's host go to its machine, others on."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        host = dict(scope.get("headers", [])).get(b"host", b"").decode("latin-1")
        if not preview_links.is_preview_host(host):
            await self.inner(scope, receive, send)
        elif scope["type"] == "http":
            await serve(host, scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 4404})


async def serve(host: str, scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer one HTTP request from the machine that `host` names."""
    found = await _find(host)
    if found is None:
        await _page(send, 404, "This preview is over.", "Open it again from the lesson's page.")
        return
    preview, container_id = found
    try:
        await _relay(container_id, preview.port, scope, receive, send)
    except PortClosed:
        await _page(
            send,
            502,
            f"Nothing answers on port {preview.port} of {preview.machine}.",
            "Start your app there and publish the port, then reload this page.",
        )
    except h11.ProtocolError:
        await _page(
            send,
            502,
            f"Port {preview.port} of {preview.machine} does not speak HTTP.",
            "A preview shows web pages; use the terminal for anything else.",
        )
    except SandboxError as error:
        await _page(send, 503, error.message, error.hint)


@database_sync_to_async
def _find(host: str) -> tuple[Preview, str] | None:
    preview = preview_links.find(host)
    if preview is None:
        return None
    machine = Machine.objects.get(sandbox=preview.sandbox, name=preview.machine)
    return (preview, machine.container_id) if machine.container_id else None


async def _relay(
    container_id: str, port: int, scope: dict[str, Any], receive: Receive, send: Send
) -> None:
    # A kept connection may have been closed by the app; a request without a body can be
    # sent again on a fresh one, since nothing of the answer has come.
    tunnel, used = await tunnels.take(container_id, port)
    try:
        try:
            response = await _ask(tunnel, scope, receive)
        except (PortClosed, h11.RemoteProtocolError):
            if not used or scope["method"] not in ("GET", "HEAD"):
                raise
            tunnel.close()
            tunnel = await Tunnel.open(container_id, port)
            response = await _ask(tunnel, scope, receive)
        await _answer(tunnel, response, send)
    except BaseException:
        tunnel.close()
        raise
    tunnels.give_back(container_id, port, tunnel)


async def _ask(tunnel: Tunnel, scope: dict[str, Any], receive: Receive) -> h11.Response:
    """Send the request, wait for the head of the answer."""
    await tunnel.send(
        h11.Request(method=scope["method"].encode(), target=_target(scope), headers=_to_app(scope))
    )
    async for data in _body(receive):
        await tunnel.send(h11.Data(data=data))
    await tunnel.send(h11.EndOfMessage())
    while True:
        event = await tunnel.receive()
        if isinstance(event, h11.Response):
            return event
        if isinstance(event, h11.ConnectionClosed):
            raise PortClosed


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def _answer(tunnel: Tunnel, response: h11.Response, send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": _to_browser(list(response.headers)),
        }
    )
    while True:
        event = await tunnel.receive()
        if isinstance(event, h11.Data):
            await send({"type": "http.response.body", "body": bytes(event.data), "more_body": True})
        elif isinstance(event, h11.EndOfMessage):
            await send({"type": "http.response.body", "body": b""})
            return
        else:
            raise PortClosed


def _target(scope: dict[str, Any]) -> bytes:
    query = scope.get("query_string") or b""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    return path + (b"?" + query if query else b"")


def _to_app(scope: dict[str, Any]) -> Headers:
    headers = [(k, v) for k, v in scope["headers"] if k.lower() not in HOP_BY_HOP]
    names = {k.lower() for k, _ in headers}
    has_body = scope["method"] not in ("GET", "HEAD", "DELETE", "OPTIONS")
    if has_body and b"content-length" not in names:
        headers.append((b"transfer-encoding", b"chunked"))
    return headers


def _to_browser(headers: Headers) -> Headers:
    kept = [(k, _own_cookie(v) if k.lower() == b"set-cookie" else v) for k, v in headers]
    kept = [(k, v) for k, v in kept if k.lower() not in HOP_BY_HOP]
    sites = " ".join([settings.SITE_URL, *settings.SITE_URLS_EXTRA])
    kept.append((b"content-security-policy", f"frame-ancestors {sites}".encode()))
    kept.append((b"referrer-policy", b"no-referrer"))
    return kept


def _own_cookie(value: bytes) -> bytes:
    """A cookie without its Domain, so that it stays on this preview's own host."""
    parts = [p for p in value.split(b";") if not p.strip().lower().startswith(b"domain=")]
    return b";".join(parts)


async def _page(send: Send, status: int, message: str, hint: str) -> None:
    """A short page in the app's place."""
    sites = " ".join([settings.SITE_URL, *settings.SITE_URLS_EXTRA])
    text = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Preview</title>"
        "<style>body{font:17px/1.6 system-ui,sans-serif;margin:3rem;max-width:40rem}"
        "@media(prefers-color-scheme:dark){body{background:#0c1619;color:#e7f0ef}}</style>"
        f"<h1>{html.escape(message)}</h1><p>{html.escape(hint)}</p>"
    )
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", f"frame-ancestors {sites}".encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
