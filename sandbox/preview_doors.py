"""Requests to previews at ports of the site's address, by their ASGI application.

Cookies ignore ports. So of a request's cookies the app gets only those that it has set, which
have names of their own in the browser; the site's cookies, and other previews', stay out. The
token is the credential here too: in the path of the address that is handed out, then in a
cookie. Since browsers send that one for other pages' requests, whatever may change something
needs the Origin of the preview itself.
Source: RFC 6265, section 8.5; RFC 6454; Fetch standard, "Origin header".
"""

import re
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from channels.db import database_sync_to_async

from sandbox import preview, preview_ports
from sandbox.preview_headers import Headers, Refused
from sandbox.preview_relay import Receive, Send

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_TOKEN = "[a-z2-7]{32}"  # noqa: S105  the form of one
_PATH = re.compile(rf"/p-({_TOKEN})(/.*)?".encode())
HERE = "Open it again from the lesson's page."


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """ASGI application of the ports: the preview of the port that was connected to."""
    number = int(scope["server"][1])
    try:
        entry = entry_of(scope, number)
    except Refused as refused:
        page = (refused.status, refused.message, refused.hint)
        await preview.refuse(scope, receive, send, page)
        return
    find = partial(preview_ports.find, number, entry.token)
    if entry.is_to_be_sent_on and await database_sync_to_async(find)() is not None:
        await entry.send_on(send)
    else:
        await preview.serve(find, entry.scope, receive, entry.answering(send))


@dataclass(frozen=True)
class Entry:
    """Who comes in by which token, and what the app gets to see of the request."""

    token: str
    number: int
    authority: str
    scope: dict[str, Any]
    # A browser that shows the address which was handed out: it goes on without the token in it.
    is_to_be_sent_on: bool

    async def send_on(self, send: Send) -> None:
        """Let the browser keep the token as a cookie, and show the app's own path."""
        query = b"?" + self.scope["query_string"] if self.scope["query_string"] else b""
        # Whole, because a path that begins with // would lead elsewhere.
        to = f"http://{self.authority}".encode() + self.scope["raw_path"] + query
        cookie = f"{_token_cookie(self.number)}={self.token}; Path=/; HttpOnly; SameSite=Lax"
        headers = [
            (b"location", to),
            (b"set-cookie", cookie.encode()),
            (b"cache-control", b"no-store"),
            (b"referrer-policy", b"no-referrer"),
            (b"content-length", b"0"),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def answering(self, send: Send) -> Send:
        """`send`, with the heads of answers as they may be at a port."""

        async def answer(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = message | {"headers": self._answer_headers(message["headers"])}
            await send(message)

        return answer

    def _answer_headers(self, headers: Headers) -> Headers:
        prefix = _cookie_prefix(self.number, self.token)
        kept: Headers = []
        for name, value in headers:
            if name == b"set-cookie":
                kept.append((name, prefix + value.lstrip()))
            elif name != b"referrer-policy":
                kept.append((name, value))
        # Without a Referrer forms would send `Origin: null`. Another preview may have this port
        # later, and other cookies; what was kept of this one is then not taken for its own.
        return [*kept, (b"referrer-policy", b"same-origin"), (b"vary", b"Cookie")]


def entry_of(scope: dict[str, Any], number: int) -> Entry:
    """Judge a request to port `number`. Raises Refused."""
    authority = _authority(scope, number)
    path: bytes = scope["raw_path"]
    match = _PATH.fullmatch(path)
    cookies = _cookies(scope["headers"])
    if match:
        token, path = match[1].decode(), match[2] or b"/"
    else:
        token = cookies.get(_token_cookie(number).encode(), b"").decode("latin-1")
        if not re.fullmatch(_TOKEN, token):
            raise Refused(404, "This preview is over.", HERE)
    socket = scope["type"] == "websocket"
    if socket or scope["method"] not in SAFE:
        _check_origin(scope["headers"], authority)
    prefix = _cookie_prefix(number, token)
    own = [k[len(prefix) :] + b"=" + v for k, v in cookies.items() if k.startswith(prefix)]
    headers = [(k, v) for k, v in scope["headers"] if k != b"cookie"]
    if own:
        headers.append((b"cookie", b"; ".join(own)))
    seen = {"raw_path": path, "path": path.decode("latin-1"), "headers": headers}
    sent_on = bool(match) and not socket and scope["method"] == "GET" and _shows(scope["headers"])
    return Entry(token, number, authority, scope | seen, sent_on)


def _authority(scope: dict[str, Any], number: int) -> str:
    """The Host header, which must be an address of the site with this port (DNS rebinding)."""
    hosts = [v.decode("latin-1") for k, v in scope["headers"] if k == b"host"]
    if len(hosts) != 1:
        raise Refused(400, "The request is not valid.", "Send one Host header.")
    name = preview_ports.site_name(hosts[0])
    if name is None or hosts[0].lower() != f"{name}:{number}":
        raise Refused(421, "No preview has this address.", HERE)
    return f"{name}:{number}"


def _check_origin(headers: Headers, authority: str) -> None:
    origins = [v for k, v in headers if k == b"origin"]
    if origins != [f"http://{authority}".encode()]:
        raise Refused(
            403,
            "A request that may change something has to come from the preview's own page.",
            f"Send it from there, or with the header Origin: http://{authority}",
        )


def _shows(headers: Headers) -> bool:
    """Whether a browser wants to show the answer as a page."""
    return any(b"text/html" in v.lower() for k, v in headers if k == b"accept")


def _cookies(headers: Headers) -> dict[bytes, bytes]:
    pairs = [pair.strip() for k, v in headers if k == b"cookie" for pair in v.split(b";")]
    found: dict[bytes, bytes] = {}
    for name, _, value in (pair.partition(b"=") for pair in pairs):
        found.setdefault(name, value)  # the one for the longest path comes first
    return found


def _token_cookie(number: int) -> str:
    return f"slipway-preview-{number}"


def _cookie_prefix(number: int, token: str) -> bytes:
    # Of the preview and not the port alone, which another one may have later. The token itself
    # is no part: scripts of all pages at this address can read a cookie's name.
    return f"slipway-{number}-{sha256(token.encode()).hexdigest()[:12]}-".encode()
