"""Who is calling: session cookie or bearer token, over HTTP and over WebSockets."""

import io
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from django.contrib.auth import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_noop as _
from ninja.errors import HttpError
from ninja.utils import check_csrf

from classroom.live_sockets import live_sockets
from classroom.models import Token, User
from classroom.people import make_guest, user_of_token

log = logging.getLogger(__name__)
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def bearer_of(header: str) -> str | None:
    """The token in an Authorization header's value, or None for another scheme."""
    scheme, _, secret = header.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret.strip() else None


class ApiAuth:
    """Authentication of the JSON API.

    A bearer token decides alone when there is one: a request that carries a bad token is
    refused even with a good cookie. Cookies need the CSRF header on unsafe methods. An
    unsafe request without a session gets a guest, after the CSRF check.
    """

    # ninja leaves its own CSRF check to the auth class that reads cookies.
    csrf = True
    openapi_security_schema = {"type": "http", "scheme": "bearer"}

    def __call__(self, request: HttpRequest) -> Any:
        if (header := request.headers.get("Authorization")) is not None:
            return self._by_token(request, header)
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            if check_csrf(request) is not None:
                raise HttpError(403, _("The CSRF header is missing or old."))
            if not request.user.is_authenticated:
                request.user = make_guest(request)
        return request.user if request.user.is_authenticated else None

    def _by_token(self, request: HttpRequest, header: str) -> User | None:
        secret = bearer_of(header)
        user = user_of_token(secret) if secret else None
        if user is not None:
            request.user = user
        return user


class HttpUser:
    """ASGI middleware for HTTP beside Django: the rules of `ApiAuth`, and no guests.

    The application inside gets `scope["user"]`; who is nobody gets 401, and an unsafe request
    by cookie without the CSRF token 403.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        try:
            user = await database_sync_to_async(_caller)(scope)
        except HttpError as error:
            log.warning("%s %r refused: forbidden", scope["method"], scope["path"])
            hint = "Reload the page, or send Authorization: Bearer <token>."
            await _refuse(send, error.status_code, "forbidden", str(error), hint)
            return
        if user is None:
            log.warning("%s %r refused: not signed in", scope["method"], scope["path"])
            hint = "Open the site in this browser first, or send Authorization: Bearer <token>."
            message = "This needs a session or a token."
            await _refuse(send, 401, "not_signed_in", message, hint)
            return
        await self.inner(scope | {"user": user}, receive, send)


def _caller(scope: dict[str, Any]) -> Any | None:
    # Without the body's headers: nothing here may wait for a body, or parse one.
    headers = [pair for pair in scope["headers"] if not pair[0].startswith(b"content-")]
    request = ASGIRequest(scope | {"headers": headers}, io.BytesIO())
    SessionMiddleware(lambda _: HttpResponse()).process_request(request)
    request.user = get_user(request)
    if not (request.user.is_authenticated or "Authorization" in request.headers):
        return None
    return ApiAuth()(request)


async def _refuse(send: Send, status: int, code: str, message: str, hint: str) -> None:
    body = json.dumps({"error": {"code": code, "message": message, "hint": hint}}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class WebSocketUser:
    """ASGI middleware: `scope["user"]` from a bearer token, else from the session.

    A socket whose session or token ends while it is open is closed within seconds.

    `scope["authorised_by"]` says which, because a cookie needs the Origin check (any page
    can open a socket with it) and a token does not.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.by_session = AuthMiddlewareStack(self._serve)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> Any:
        headers = dict(scope.get("headers", []))
        if b"authorization" not in headers:
            return await self.by_session(scope | {"authorised_by": "session"}, receive, send)
        secret = bearer_of(headers[b"authorization"].decode("latin-1"))
        user = await database_sync_to_async(user_of_token)(secret) if secret else None
        found = {"authorised_by": "token", "user": user}
        if user is not None and secret:
            found["token_digest"] = Token.digest_of(secret)
        return await self._serve(scope | found, receive, send)

    async def _serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await live_sockets.serve(self.inner, scope, receive, send)
