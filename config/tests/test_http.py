"""Requests and threads: one piece of work each, threads used again, none waits behind another."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import SyncToAsync, sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from config.http import KEPT_THREADS, KeptThreads, OneThreadHandler

Answer = tuple[int, dict[bytes, bytes], bytes]
seen: list[tuple[str, int]] = []
hold = threading.Event()


def view(request: HttpRequest) -> HttpResponse:
    seen.append((request.path, threading.get_ident()))
    return HttpResponse(b"hello")


def slow(request: HttpRequest) -> HttpResponse:
    seen.append((request.path, threading.get_ident()))
    hold.wait(20)
    return HttpResponse(b"late")


def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError("a fault of the view's")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(str(number) for number in range(3))


async def asynchronous(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse(b"async")


class Before:
    """A middleware that both modes could take; only one thread must see it."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        seen.append(("before", threading.get_ident()))
        return self.get_response(request)


urlpatterns = [
    path("view/", view),
    path("slow/", slow),
    path("broken/", broken),
    path("stream/", stream),
    path("async/", asynchronous),
]


@pytest.fixture
def site() -> Any:
    seen.clear()
    hold.clear()
    with override_settings(
        ROOT_URLCONF=__name__,
        MIDDLEWARE=[
            "servestatic.middleware.ServeStaticMiddleware",
            f"{__name__}.Before",
            "django.middleware.common.CommonMiddleware",
        ],
        ALLOWED_HOSTS=["*"],
    ):
        yield KeptThreads(OneThreadHandler())


async def get(site: Any, where: str, leave: asyncio.Event | None = None) -> Answer:
    """What a client gets that stays, or leaves when `leave` is set."""
    sent: list[dict[str, Any]] = []
    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in asked:
            return message
        await (leave or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": where,
        "headers": [(b"host", b"x")],
        "query_string": b"",
    }
    await asyncio.wait_for(site(scope, receive, send), 20)
    if not sent:
        return 0, {}, b""
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not what():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_middlewares_and_view_run_on_one_thread(site: Any) -> None:
    assert (await get(site, "/view/"))[2] == b"hello"
    assert [name for name, _ in seen] == ["before", "/view/"]
    assert len({thread for _, thread in seen}) == 1
    assert seen[0][1] != threading.get_ident(), "never on the event loop"


@pytest.mark.parametrize(
    ("where", "status", "body"),
    [("/stream/", 200, b"012"), ("/async/", 200, b"async")],
)
async def test_other_answers_come_as_well(site: Any, where: str, status: int, body: bytes) -> None:
    found = await get(site, where)
    assert found[0] == status
    assert body in found[2]


async def test_a_fault_is_an_answer_and_the_thread_goes_on(site: Any) -> None:
    assert (await get(site, "/broken/"))[0] == 500
    assert (await get(site, "/view/"))[0] == 200


async def test_static_files_are_served_above_the_chain() -> None:
    handler = OneThreadHandler()
    status, headers, body = await get(handler, "/static/css/base.css")
    assert (status, headers[b"Content-Type"][:8]) == (200, b"text/css")
    assert body
    assert headers[b"X-Content-Type-Options"] == b"nosniff"


async def test_headers_of_security_need_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Django's middleware sets them, without a change of thread before and after."""
    hops = []
    taken = SyncToAsync.__call__

    async def counted(self: Any, *given: Any, **named: Any) -> Any:
        hops.append(self.func)
        return await taken(self, *given, **named)

    monkeypatch.setattr(SyncToAsync, "__call__", counted)
    with override_settings(
        ROOT_URLCONF=__name__, SECURE_SSL_REDIRECT=True, SECURE_REDIRECT_EXEMPT=["^view/"]
    ):
        handler = OneThreadHandler()
        status, headers, _ = await get(handler, "/view/")
        assert (status, headers[b"X-Content-Type-Options"]) == (200, b"nosniff")
        assert len(hops) == 3, "before the request, the request, and after it"
        status, headers, _ = await get(handler, "/slow/")
        assert (status, headers[b"Location"]) == (301, b"https://x/slow/")


async def test_a_thread_is_used_again(site: Any) -> None:
    for _ in range(5):
        await get(site, "/view/")
        await until(lambda: len(site.idle) == 1)
    assert len({thread for _, thread in seen}) == 1


async def test_a_request_never_waits_behind_another(site: Any) -> None:
    waiting = [asyncio.create_task(get(site, "/slow/")) for _ in range(KEPT_THREADS + 4)]
    await until(lambda: sum(name == "/slow/" for name, _ in seen) == KEPT_THREADS + 4)
    assert (await get(site, "/view/"))[2] == b"hello"
    hold.set()
    assert {answer[2] for answer in await asyncio.gather(*waiting)} == {b"late"}
    await until(lambda: len(site.idle) == KEPT_THREADS)


async def test_a_client_that_left_keeps_its_thread_until_its_view_is_done(site: Any) -> None:
    leave = asyncio.Event()
    left = asyncio.create_task(get(site, "/slow/", leave))
    await until(lambda: ("/slow/") in [name for name, _ in seen])
    leave.set()
    await asyncio.sleep(0.05)
    busy = next(thread for name, thread in seen if name == "/slow/")
    assert (await get(site, "/view/"))[2] == b"hello"
    assert seen[-1][1] != busy
    hold.set()
    await left
    await until(lambda: len(site.idle) == 2)


async def test_two_requests_have_no_thread_in_common_at_a_time(site: Any) -> None:
    """Database connections belong to threads."""
    inside: set[int] = set()
    shared: list[int] = []

    async def inner(scope: dict[str, Any], receive: Any, send: Any) -> None:
        def work() -> None:
            own = threading.get_ident()
            if own in inside:
                shared.append(own)
            inside.add(own)

        await sync_to_async(work)()
        await asyncio.sleep(0.01)
        inside.discard(await sync_to_async(threading.get_ident)())

    kept = KeptThreads(inner)

    async def nothing(*_: Any) -> Any:
        return None

    calls: list[Awaitable[None]] = [kept({}, nothing, nothing) for _ in range(60)]
    await asyncio.gather(*calls)
    assert shared == []
