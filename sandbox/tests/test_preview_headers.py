"""What of heads crosses between browser and app, and which requests are not passed on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.test import Client

from classroom.models import User
from sandbox.tests.port_engine import Recorder, answer
from sandbox.tests.visits import Visit

pytestmark = pytest.mark.django_db(transaction=True)
OpenApp = Callable[[Any], Awaitable[str]]


async def seen_by_app(open_app: OpenApp, *headers: tuple[bytes, bytes], **more: Any) -> Any:
    """The one request that the app gets for a visit with these headers."""
    app = Recorder()
    visit = await Visit(await open_app(app), "/", *headers, **more).end()
    assert visit.status == 200, bytes(visit.body)
    (got,) = app.got
    return got


async def seen_by_browser(open_app: OpenApp, *headers: str, **more: Any) -> Visit:
    visit = await Visit(await open_app(Recorder(answer(b"hello", *headers, **more)))).end()
    assert (visit.status, visit.body, visit.complete) == (200, b"hello", True)
    return visit


# browser to app


async def test_the_app_sees_the_browsers_own_headers(open_app: OpenApp) -> None:
    app = Recorder()
    host = await open_app(app)
    await Visit(
        host,
        "/",
        (b"authorization", b"Basic YTpi"),
        (b"cookie", b"theme=dark; sessionid=the-apps-own; csrftoken=too"),
        (b"accept-language", b"de"),
        (b"x-odd", b" padded "),
    ).end()
    (got,) = app.got
    assert got.values("authorization") == ["Basic YTpi"]
    assert got.values("cookie") == ["theme=dark; sessionid=the-apps-own; csrftoken=too"]
    assert got.values("accept-language") == ["de"]
    assert got.values("x-odd") == ["padded"]
    assert got.values("host") == [host], "links and redirects that it makes stay on the preview"


@pytest.mark.parametrize(
    "name",
    ["connection", "keep-alive", "te", "trailer", "upgrade", "proxy-authorization", "expect"],
)
async def test_headers_of_one_connection_are_not_passed_up(open_app: OpenApp, name: str) -> None:
    got = await seen_by_app(open_app, (name.encode(), b"websocket"), (b"x-kept", b"1"))
    assert got.values(name) == []
    assert got.values("x-kept") == ["1"]


async def test_headers_named_by_connection_are_not_passed_up(open_app: OpenApp) -> None:
    got = await seen_by_app(
        open_app,
        (b"connection", b"close, X-Hop"),
        (b"x-hop", b"1"),
        (b"x-kept", b"1"),
    )
    assert (got.values("x-hop"), got.values("x-kept")) == ([], ["1"])


async def test_connection_can_not_remove_what_the_message_needs(open_app: OpenApp) -> None:
    got = await seen_by_app(
        open_app,
        (b"connection", b"host, content-length"),
        (b"content-length", b"4"),
        method="POST",
        body=[b"body"],
    )
    assert (len(got.values("host")), got.body) == (1, b"body")


async def test_the_sites_session_never_reaches_an_app(open_app: OpenApp, learner: User) -> None:
    client = Client()
    await asyncio.to_thread(client.force_login, learner)
    session = client.cookies["sessionid"].value.encode()
    cookie = b"theme=dark; csrftoken=abc; sessionid=" + session + b"; sessionid=other"
    got = await seen_by_app(open_app, (b"cookie", b"first=1"), (b"cookie", cookie))
    assert got.values("cookie") == ["first=1; theme=dark"]


async def test_a_cookie_header_of_the_site_alone_vanishes(open_app: OpenApp, learner: User) -> None:
    client = Client()
    await asyncio.to_thread(client.force_login, learner)
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    assert (await seen_by_app(open_app, (b"cookie", cookie))).values("cookie") == []


@pytest.mark.parametrize(
    "target",
    [
        b"/a/../b/..;/c/./%2e%2e/d",
        b"//evil.example/x",
        b"/@evil.example:80/",
        b"/http://evil.example/",
        b"/a%20b%0d%0aX-Injected:1?q=1&q=%00#",
        b"/?",
        b"/a?b=c?d",
        b"/%ff",
    ],
)
async def test_the_target_arrives_byte_for_byte(open_app: OpenApp, target: bytes) -> None:
    app = Recorder()
    await Visit(await open_app(app), target).end()
    line = f"GET {target.decode().rstrip('?')} HTTP/1.1"
    assert [got.line for got in app.got] == [line]


async def test_a_path_that_is_only_known_decoded_is_encoded_again(open_app: OpenApp) -> None:
    app = Recorder()
    visit = Visit(await open_app(app))
    visit.scope |= {"raw_path": None, "path": "/a b/ü\r\nX-Injected: 1"}
    await visit.end()
    assert app.got[0].line == "GET /a%20b/%C3%BC%0D%0AX-Injected%3A%201 HTTP/1.1"


# requests that stay outside


async def refused(open_app: OpenApp, *headers: tuple[bytes, bytes], **more: Any) -> Visit:
    app = Recorder()
    visit = await Visit(await open_app(app), more.pop("target", "/"), *headers, **more).end()
    assert app.got == []
    assert visit.complete
    return visit


@pytest.mark.parametrize(
    "headers",
    [
        [(b"content-length", b"4"), (b"transfer-encoding", b"chunked")],
        [(b"content-length", b"4"), (b"content-length", b"5")],
        [(b"content-length", b"-4")],
        [(b"content-length", b"4, 5")],
        [(b"transfer-encoding", b"gzip, chunked")],
        [(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")],
        [(b"x-a", b"b\r\nx-injected: 1")],
        [(b"x-a", b"b\nx-injected: 1")],
        [(b"x-a", b"b\0")],
        [(b"x-a: 1\r\nx-injected", b"1")],
        [(b"x a", b"1")],
        [(b"cookie", b"a=b\r\nx-injected: 1")],
    ],
)
async def test_heads_that_can_be_read_in_two_ways_are_refused(
    open_app: OpenApp, headers: list[tuple[bytes, bytes]]
) -> None:
    visit = await refused(open_app, *headers, method="POST", body=[b"body"])
    assert visit.status == 400


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", b"http://evil.example/"),
        ("GET", b"evil.example"),
        ("GET", b"*"),
        ("GET", b"/a b"),
        ("GET", b"/\r\nX-Injected: 1"),
        ("GET", b"/\xff"),
        ("CONNECT", b"evil.example:80"),
        ("CONNECT", b"/"),
        ("GET /x HTTP/1.1\r\nX:", b"/"),
    ],
)
async def test_targets_and_methods_that_are_none_are_refused(
    open_app: OpenApp, method: str, target: bytes
) -> None:
    assert (await refused(open_app, method=method, target=target)).status == 400


async def test_two_hosts_are_refused_whichever_comes_first(open_app: OpenApp) -> None:
    app = Recorder()
    host = (await open_app(app)).encode()
    for pair in ([host, b"localhost:8000"], [b"localhost:8000", host], [host, host]):
        visit = Visit("", "/")
        visit.scope["headers"] = [(b"host", value) for value in pair]
        assert (await visit.end()).status == 400
    assert app.got == []


@pytest.mark.parametrize(
    "headers",
    [[(b"cookie", b"a=" + b"x" * 65536)], [(b"x-a", b"b")] * 20_000],
    ids=["long", "many"],
)
async def test_a_head_that_is_too_long_is_431(
    open_app: OpenApp, headers: list[tuple[bytes, bytes]]
) -> None:
    visit = await refused(open_app, *headers)
    assert visit.status == 431
    assert b"too long" in visit.body


async def test_a_target_that_is_too_long_is_431(open_app: OpenApp) -> None:
    assert (await refused(open_app, target=b"/" + b"x" * 65536)).status == 431


async def test_a_service_worker_is_not_handed_out(open_app: OpenApp) -> None:
    visit = await refused(open_app, (b"service-worker", b"script"), target="/sw.js")
    assert visit.status == 403
    assert b"service worker" in visit.body


# app to browser


@pytest.mark.parametrize(
    "header",
    [
        "Connection: close",
        "Keep-Alive: timeout=5",
        "Upgrade: h2c",
        "Trailer: X-T",
        "Proxy-Authenticate: Basic",
        'Clear-Site-Data: "cookies"',
        "Service-Worker-Allowed: /",
    ],
)
async def test_headers_that_do_not_come_down(open_app: OpenApp, header: str) -> None:
    visit = await seen_by_browser(open_app, header, "X-Kept: 1")
    assert visit.values(header.partition(":")[0].lower().encode()) == []
    assert visit.values(b"x-kept") == [b"1"]


async def test_headers_named_by_connection_do_not_come_down(open_app: OpenApp) -> None:
    named = "Connection: X-Hop, Content-Length, Content-Security-Policy"
    visit = await seen_by_browser(open_app, named, "X-Hop: 1")
    assert visit.values(b"x-hop") == []
    assert visit.values(b"content-length") == [b"5"]
    assert len(visit.values(b"content-security-policy")) == 1, "ours"


@pytest.mark.parametrize(
    ("cookie", "kept"),
    [
        ("a=b", "a=b"),
        ("a=b; Domain=localhost; Path=/", "a=b; Path=/"),
        ("a=b;domain=.localhost", "a=b"),
        ("a=b; DOMAIN = localhost; HttpOnly", "a=b; HttpOnly"),
        ("a=b;\tDomain\t=\tlocalhost", "a=b"),
        ("a=b; Domain=x; Domain=localhost", "a=b"),
        ("a=b; Domain", "a=b"),
        ("domain=b; Path=/", "domain=b; Path=/"),
        ("a=b; Secure; SameSite=None; Max-Age=5", "a=b; Secure; SameSite=None; Max-Age=5"),
    ],
)
async def test_cookies_stay_on_the_previews_own_host(
    open_app: OpenApp, cookie: str, kept: str
) -> None:
    visit = await seen_by_browser(open_app, f"Set-Cookie: {cookie}", "Set-Cookie: second=1")
    assert visit.values(b"set-cookie") == [kept.encode(), b"second=1"]


async def test_only_the_site_may_frame_whatever_the_app_says(
    open_app: OpenApp, settings: Any
) -> None:
    settings.SITE_URLS_EXTRA = ["http://192.168.1.5:8000"]
    apps = "script-src 'self'"
    visit = await seen_by_browser(
        open_app, f"Content-Security-Policy: {apps}", "Referrer-Policy: unsafe-url"
    )
    ours = b"frame-ancestors http://localhost:8000 http://192.168.1.5:8000"
    assert visit.values(b"content-security-policy") == [apps.encode(), ours]
    assert visit.values(b"referrer-policy")[-1] == b"no-referrer", "the last one counts"


async def test_redirects_and_types_come_down_as_they_are(open_app: OpenApp) -> None:
    visit = await seen_by_browser(open_app, "Location: /there", "Content-Type: text/x-own")
    assert visit.values(b"location") == [b"/there"]
    assert visit.values(b"content-type") == [b"text/x-own"]


async def test_chunks_win_over_a_length_that_contradicts_them(open_app: OpenApp) -> None:
    said = answer(
        b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 3", length=False
    )
    visit = await Visit(await open_app(Recorder(said))).end()
    assert (visit.body, visit.complete) == (b"hello", True)
    assert visit.values(b"content-length") == []
