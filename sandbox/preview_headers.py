"""What of a message's head crosses between a browser and a learner's app.

Pure functions of heads; the only look elsewhere is whether a cookie is a session of the
site, so call them where the database may be used.
"""

from collections.abc import Iterable
from importlib import import_module
from typing import Any
from urllib.parse import quote

import h11
from django.conf import settings

Headers = list[tuple[bytes, bytes]]
# Headers of one connection, not of the message. Source: RFC 9110, section 7.6.1.
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade".split()
)
# Never dropped because a Connection header names them: without, the message is another one.
NEEDED = frozenset({b"host", b"content-length"})
# A request's head at most, target included; the default of common servers is less.
HEAD_LIMIT_BYTES = 64 * 1024
# Statuses the browser's side has a line for.
STATUSES = range(200, 600)
BODILESS = frozenset({204, 304})
# Clear-Site-Data reaches the cookies of the parent domain, so the site's own. A service
# worker would go on answering in the place of a preview that is over.
KEPT_FROM_BROWSERS = frozenset({b"clear-site-data", b"service-worker-allowed"})
_CONTROLS = frozenset(range(32)) - {9} | {127}


class Refused(Exception):
    """A request that is not passed on."""

    def __init__(self, status: int, message: str, hint: str) -> None:
        self.status, self.message, self.hint = status, message, hint
        super().__init__(message)


def request_of(scope: dict[str, Any]) -> h11.Request:
    """The head to send to the app for an ASGI request. Raises Refused."""
    headers: Headers = [(k.lower(), v.strip(b" \t")) for k, v in scope["headers"]]
    target = _target(scope)
    if len(target) + sum(len(k) + len(v) + 4 for k, v in headers) > HEAD_LIMIT_BYTES:
        raise Refused(
            431, "The request's head is too long.", "Clear this page's cookies, then try again."
        )
    if (b"service-worker", b"script") in headers:
        raise Refused(
            403,
            "A preview can't have a service worker.",
            "It would go on answering after the preview is over. The page works without.",
        )
    # The server in front has answered an Expect already.
    kept = [(k, v) for k, v in _end_to_end(headers) if k not in (b"expect", b"cookie")]
    if _is_chunked(headers):
        kept.append((b"transfer-encoding", b"chunked"))
    if cookies := _cookies_for_app(v for k, v in headers if k == b"cookie"):
        kept.append((b"cookie", cookies))
    try:
        return h11.Request(method=scope["method"], target=target, headers=kept)
    except (h11.LocalProtocolError, UnicodeEncodeError) as error:
        raise _invalid() from error


def has_body(request: h11.Request) -> bool:
    """Whether a body may follow this head."""
    return any(k in (b"transfer-encoding", b"content-length") for k, _ in request.headers)


def answer_headers(answer: h11.Response) -> Headers:
    """An app's headers for the browser. Raises h11.RemoteProtocolError for ones it can't get."""
    headers: Headers = list(answer.headers)
    if answer.status_code not in STATUSES or any(_CONTROLS.intersection(v) for _, v in headers):
        raise h11.RemoteProtocolError("a status or header that no browser can be sent")
    names = {k for k, _ in headers}
    dropped = set(KEPT_FROM_BROWSERS)
    # Framing is by chunks then, or there is no body to count.
    if answer.status_code in BODILESS or b"transfer-encoding" in names:
        dropped.add(b"content-length")
    kept = [(k, _own_cookie(v) if k == b"set-cookie" else v) for k, v in _end_to_end(headers)]
    kept = [(k, v) for k, v in kept if k not in dropped]
    return [*kept, framed_by_the_site(), (b"referrer-policy", b"no-referrer")]


def framed_by_the_site(*more: str) -> tuple[bytes, bytes]:
    """The header that lets only the site's pages frame an answer, with `more` directives."""
    sites = " ".join([settings.SITE_URL, *settings.SITE_URLS_EXTRA])
    policy = "; ".join([f"frame-ancestors {sites}", *more])
    return b"content-security-policy", policy.encode()


def _end_to_end(headers: Headers) -> Headers:
    named = {
        name.strip().lower() for k, v in headers if k == b"connection" for name in v.split(b",")
    }
    dropped = (HOP_BY_HOP | named) - NEEDED
    return [(k, v) for k, v in headers if k not in dropped]


def _is_chunked(headers: Headers) -> bool:
    """Whether the body is chunked. Raises Refused where two ends could count it differently."""
    codings = [v.lower() for k, v in headers if k == b"transfer-encoding"]
    if codings and (codings != [b"chunked"] or any(k == b"content-length" for k, _ in headers)):
        raise _invalid()
    return bool(codings)


def _target(scope: dict[str, Any]) -> bytes:
    """The target as the browser wrote it. Raises Refused for one that is no path."""
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    # Absolute targets and CONNECT ask a proxy for other hosts, and this is none.
    if scope["method"] == "CONNECT" or not path.startswith(b"/"):
        raise _invalid()
    query: bytes = scope.get("query_string") or b""
    return path + (b"?" + query if query else b"")


def _invalid() -> Refused:
    return Refused(400, "The request is not valid.", "Reload the page, or check your client.")


def _cookies_for_app(values: Iterable[bytes]) -> bytes:
    """All cookies but the site's own, should an operator's domains let them come here.

    By value, not by name: a Django app in a machine has a `sessionid` of its own.
    """
    pairs = [pair.strip() for value in values for pair in value.split(b";")]
    names = (settings.SESSION_COOKIE_NAME.encode(), settings.CSRF_COOKIE_NAME.encode())
    if any(_is_site_session(v) for k, _, v in (p.partition(b"=") for p in pairs) if k == names[0]):
        pairs = [pair for pair in pairs if pair.partition(b"=")[0] not in names]
    return b"; ".join(pair for pair in pairs if pair)


def _is_site_session(key: bytes) -> bool:
    text = key.decode("latin-1")
    store = import_module(settings.SESSION_ENGINE).SessionStore
    return text.isascii() and text.isalnum() and bool(store().exists(text))


def _own_cookie(value: bytes) -> bytes:
    """A cookie without its Domain, so that it stays on this preview's own host.

    Browsers trim names of attributes. Source: RFC 6265, section 5.2.
    """
    pair, *attributes = value.split(b";")
    kept = [a for a in attributes if a.partition(b"=")[0].strip().lower() != b"domain"]
    return b";".join([pair, *kept])
