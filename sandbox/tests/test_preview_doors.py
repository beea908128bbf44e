"""What passes at a preview's port: the token, the cookies, Host and Origin."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from uvicorn.protocols.utils import ClientDisconnected

from sandbox import preview_doors, preview_links, preview_ports, preview_ways
from sandbox.models import PreviewPort, Sandbox
from sandbox.tests.port_engine import PortEngine, Recorder, answer
from sandbox.tests.visits import Visit, error_page

pytestmark = pytest.mark.django_db(transaction=True)
ROOM = "192.168.7.20"
HTML = (b"accept", b"text/html,application/xhtml+xml")
ORIGIN = (b"origin", b"http://192.168.7.20:8100")


class Door:
    """The preview of an app at port 8100, and visits to it."""

    def __init__(self, url: str, app: Recorder) -> None:
        self.url, self.app = url, app
        self.token = url.rstrip("/").rpartition("/p-")[2]
        self.cookie = (b"cookie", f"slipway-preview-8100={self.token}".encode())

    def visit(self, target: str, *headers: Any, host: str = f"{ROOM}:8100", **more: Any) -> Visit:
        visit = Visit(host, target, *headers, **more)
        visit.application = preview_doors.application  # type: ignore[assignment]
        visit.scope["server"] = ("192.168.7.20", 8100)
        return visit

    async def get(self, target: str, *headers: Any, **more: Any) -> Visit:
        return await self.visit(target, *headers, **more).end()


Open = Callable[..., Awaitable[Door]]


@pytest.fixture
async def door(port_engine: PortEngine, make_sandbox: Any, settings: Any) -> Open:
    settings.SITE_URLS_EXTRA = [f"http://{ROOM}:8000"]
    settings.PREVIEW_PORTS = "8100"
    sandbox = await asyncio.to_thread(make_sandbox)

    def link(port: int) -> str:
        preview_ports.hold("console", [8100])
        return preview_ways.open_preview(sandbox, "laptop", port, site_host=f"{ROOM}:8000").url

    async def opened(said: bytes | None = None) -> Door:
        app = Recorder(said)
        return Door(await asyncio.to_thread(link, await port_engine.serve(app)), app)

    return opened


def cookies_of(app: Recorder) -> list[str]:
    (request,) = app.got
    return [pair for value in request.values("cookie") for pair in value.split("; ")]


async def test_the_address_answers_at_once_and_the_app_sees_its_own_path(door: Open) -> None:
    opened = await door()
    visit = await opened.get(f"/p-{opened.token}/boats?of=1")
    assert (visit.status, bytes(visit.body)) == (200, b"hello")
    (request,) = opened.app.got
    assert request.line == "GET /boats?of=1 HTTP/1.1"
    assert request.values("host") == [f"{ROOM}:8100"]


async def test_a_browser_keeps_the_token_and_goes_on_without_it_in_the_address(door: Open) -> None:
    opened = await door()
    visit = await opened.get(f"/p-{opened.token}//evil.example/?a=1", HTML)
    assert visit.status == 303
    assert visit.values(b"location") == [b"http://192.168.7.20:8100//evil.example/?a=1"]
    assert visit.values(b"referrer-policy") == [b"no-referrer"]
    (cookie,) = visit.values(b"set-cookie")
    assert cookie == opened.cookie[1] + b"; Path=/; HttpOnly; SameSite=Lax"
    assert opened.app.got == []
    visit = await opened.get("/boats", HTML, opened.cookie)
    assert (visit.status, bytes(visit.body)) == (200, b"hello")


async def test_without_the_token_there_is_nothing(door: Open) -> None:
    opened = await door()
    made_up = ["/p-/", "/p-aaaa/", f"/p-{'a' * 32}/", f"/p-{'A' * 32}/", f"/P-{'a' * 32}", "//p-"]
    for target in ("/", *made_up):
        error_page(await opened.get(target), 404, "This preview is over.")
        error_page(await opened.get(target, HTML), 404, "This preview is over.")
    assert opened.app.got == []


async def test_the_cookie_of_another_port_opens_nothing(door: Open) -> None:
    opened = await door()
    for name in ("slipway-preview-8101", "slipway-preview-8100x", "token"):
        visit = await opened.get("/", (b"cookie", f"{name}={opened.token}".encode()))
        error_page(visit, 404, "This preview is over.")


async def test_a_token_opens_no_other_port(door: Open) -> None:
    opened = await door()
    await asyncio.to_thread(preview_ports.hold, "console", [8101])
    visit = opened.visit(f"/p-{opened.token}/", host=f"{ROOM}:8101")
    visit.scope["server"] = (ROOM, 8101)
    error_page(await visit.end(), 404, "This preview is over.")


@pytest.mark.parametrize("how", ["revoked", "moved", "stopped"])
async def test_a_preview_that_is_over_answers_no_more(door: Open, how: str) -> None:
    opened = await door()

    def end() -> None:
        if how == "revoked":
            sandbox = Sandbox.objects.get()
            preview_links.revoke(sandbox, "laptop", sandbox.previews.get().port)
        elif how == "moved":
            PreviewPort.objects.update(preview=None)
        else:
            Sandbox.objects.update(state="gone")

    await asyncio.to_thread(end)
    error_page(await opened.get("/", HTML, opened.cookie), 404, "This preview is over.")
    error_page(await opened.get(f"/p-{opened.token}/", HTML), 404, "This preview is over.")
    assert opened.app.got == []


HOSTS = (
    "evil.example:8100",  # a name that its owner lets resolve to this address
    f"{ROOM}:8000",
    f"{ROOM}",
    f"x@{ROOM}:8100",
    f"{ROOM}:8100:8100",
    f"{ROOM}.:8100",
    "",
)


async def test_an_address_that_is_not_the_sites_is_refused(door: Open) -> None:
    opened = await door()
    for host in HOSTS:
        visit = await opened.get("/", opened.cookie, host=host)
        error_page(visit, 421, "No preview has this address.")
    assert opened.app.got == []


async def test_two_hosts_are_refused(door: Open) -> None:
    opened = await door()
    visit = await opened.get("/", opened.cookie, (b"host", b"192.168.7.20:8100"))
    error_page(visit, 400, "not valid")


async def test_the_app_gets_no_cookie_but_its_own(door: Open) -> None:
    opened = await door(answer(b"hi", "Set-Cookie: sessionid=app; Path=/; HttpOnly"))
    key = await asyncio.to_thread(site_session)
    visit = await opened.get("/", opened.cookie)
    (said,) = visit.values(b"set-cookie")
    name = said.partition(b"=")[0]
    assert name not in (b"sessionid", b"csrftoken")
    assert opened.token.encode() not in said
    assert said.endswith(b"-sessionid=app; Path=/; HttpOnly")

    opened.app.got.clear()
    sent = [f"sessionid={key}", "csrftoken=c", "slipway-preview-8101=x", "stray=1", "slipway-8100-"]
    header = "; ".join([*sent, f"{name.decode()}=app", f"{name.decode()}-2=b"])
    await opened.get("/", opened.cookie, (b"cookie", header.encode()))
    assert cookies_of(opened.app) == ["sessionid=app", "sessionid-2=b"]


def site_session() -> str:
    store = SessionStore()
    store.create()
    return str(store.session_key)


async def test_another_preview_at_the_same_port_gets_none_of_its_cookies(door: Open) -> None:
    opened = await door(answer(b"hi", "Set-Cookie: a=1"))
    first = (await opened.get("/", opened.cookie)).values(b"set-cookie")[0]

    def again() -> None:
        sandbox = Sandbox.objects.get()
        preview_links.revoke(sandbox, "laptop", sandbox.previews.get().port)

    await asyncio.to_thread(again)
    later = await door()
    await later.get("/", later.cookie, (b"cookie", first))
    assert cookies_of(later.app) == []


@pytest.mark.parametrize(
    "line",
    [
        "Set-Cookie: sessionid=x; Domain=192.168.7.20",
        "Set-Cookie:   csrftoken=x",
        "Set-Cookie: =sessionid=x",
        "Set-Cookie: ",
        "Set-Cookie: ;",
    ],
)
async def test_no_header_of_the_app_sets_a_cookie_of_the_sites(door: Open, line: str) -> None:
    opened = await door(answer(b"hi", line))
    for said in (await opened.get("/", opened.cookie)).values(b"set-cookie"):
        assert said.startswith(b"slipway-8100-")
        assert b"domain" not in said.lower()


async def test_an_answer_may_not_be_taken_for_another_previews(door: Open) -> None:
    opened = await door(answer(b"hi", "Cache-Control: max-age=600", "Referrer-Policy: unsafe-url"))
    visit = await opened.get("/", opened.cookie)
    assert b"Cookie" in visit.values(b"vary")
    assert visit.values(b"referrer-policy") == [b"same-origin"]
    (policy,) = visit.values(b"content-security-policy")
    assert policy == b"frame-ancestors http://localhost:8000 http://192.168.7.20:8000"


FOREIGN = (
    b"null",
    b"http://192.168.7.20:8000",  # the site
    b"http://192.168.7.20:8101",  # another preview
    b"http://192.168.7.20",
    b"https://192.168.7.20:8100",
    b"http://evil.example",
)


@pytest.mark.parametrize("method", ["POST", "DELETE", "PROPFIND"])
async def test_what_may_change_something_needs_the_previews_own_origin(
    door: Open, method: str
) -> None:
    opened = await door()
    origins = [[], *([(b"origin", origin)] for origin in FOREIGN), [ORIGIN, ORIGIN]]
    for headers in origins:
        for target in ("/", f"/p-{opened.token}/"):
            visit = await opened.get(target, opened.cookie, *headers, method=method)
            error_page(visit, 403, "has to come from the preview&#x27;s own page")
    assert opened.app.got == []


async def test_its_own_page_may_change_something(door: Open) -> None:
    opened = await door()
    length = (b"content-length", b"4")
    visit = await opened.get(
        "/", opened.cookie, ORIGIN, length, HTML, method="POST", body=[b"boat"]
    )
    assert visit.status == 200
    (request,) = opened.app.got
    assert request.body == b"boat"
    assert request.values("origin") == ["http://192.168.7.20:8100"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [([], 403), ([(b"origin", b"http://192.168.7.20:8000")], 403), ([ORIGIN], 502)],
)
async def test_a_socket_needs_the_previews_own_origin(
    door: Open, headers: list[Any], status: int
) -> None:
    """502: the app was asked, and has no WebSocket."""
    opened = await door()
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = opened.visit("/", opened.cookie, *headers).scope | {"type": "websocket"}
    del scope["method"]
    with pytest.raises(ClientDisconnected):
        await preview_doors.application(scope, receive, send)
    assert sent[0]["status"] == status, json.dumps(sent, default=str)
    assert len(opened.app.got) == (status == 502)
