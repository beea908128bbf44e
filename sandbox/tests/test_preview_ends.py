"""Whose host it is, and previews that are over or end in the middle."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from sandbox import preview, preview_relay
from sandbox.models import Machine, Preview, Sandbox, State
from sandbox.tests.port_engine import (
    PortEngine,
    Recorder,
    never,
    stream_for_ever,
)
from sandbox.tests.visits import SITE_BODY, Visit, error_page, settled

pytestmark = pytest.mark.django_db(transaction=True)
OpenApp = Callable[[Any], Awaitable[str]]


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_relay, "CHECK_SECONDS", 0.1)


# whose host it is


async def test_other_hosts_get_the_site(open_app: OpenApp) -> None:
    app = Recorder()
    host = await open_app(app)
    for other in ("localhost:8000", host.replace("localhost", "example.org"), ""):
        assert (await Visit(other).end()).body == SITE_BODY
    assert app.got == []


async def test_the_hosts_case_does_not_matter(open_app: OpenApp) -> None:
    host = await open_app(Recorder())
    assert (await Visit(host.upper()).end()).body == b"hello"


async def test_previews_that_are_none_or_over_all_answer_alike(open_app: OpenApp) -> None:
    app = Recorder()
    host = await open_app(app)
    label = host.partition(".")[0]
    unknown = [
        "p-x.localhost:8000",
        host.replace(label[2:8], "aaaaaa"),
        host.replace(f"{label[-4:]}.", "80."),
        host.replace("8000", "9000"),
        host.replace(":8000", ""),
    ]
    pages = [await Visit(each).end() for each in unknown]
    for fields in ({"revoked_at": timezone.now()}, {"expires_at": timezone.now()}):
        await Preview.objects.aupdate(revoked_at=None)
        await Preview.objects.aupdate(**fields)
        pages.append(await Visit(host).end())
    for page in pages:
        error_page(page, 404, "This preview is over.")
        assert (page.body, page.headers) == (pages[0].body, pages[0].headers)
    assert app.got == []


async def test_a_machine_that_is_not_there_is_like_an_unknown_preview(open_app: OpenApp) -> None:
    host = await open_app(Recorder())
    await Machine.objects.aupdate(container_id="")
    error_page(await Visit(host).end(), 404, "This preview is over.")
    await Machine.objects.all().adelete()
    error_page(await Visit(host).end(), 404, "This preview is over.")


# previews that end meanwhile


async def revoke() -> None:
    await Preview.objects.aupdate(revoked_at=timezone.now())


async def expire() -> None:
    await Preview.objects.aupdate(expires_at=timezone.now())


async def stop() -> None:
    await Sandbox.objects.aupdate(state=State.STOPPING)


@pytest.mark.parametrize("end", [revoke, expire, stop])
async def test_a_preview_that_ends_answers_no_more_also_over_kept_connections(
    open_app: OpenApp, port_engine: PortEngine, end: Callable[[], Awaitable[None]]
) -> None:
    app = Recorder()
    host = await open_app(app)
    assert (await Visit(host).end()).body == b"hello"
    assert port_engine.open_now == 1, "kept"
    await end()
    error_page(await Visit(host).end(), 404, "This preview is over.")
    assert len(app.got) == 1


@pytest.mark.parametrize("end", [revoke, expire, stop])
async def test_what_streams_is_cut_when_its_preview_ends(
    open_app: OpenApp,
    port_engine: PortEngine,
    watchful: None,
    end: Callable[[], Awaitable[None]],
) -> None:
    visit = Visit(await open_app(stream_for_ever)).begin()
    await visit.until(8)
    await end()
    await visit.end()
    assert (visit.status, visit.complete) == (200, False)
    assert await settled(lambda: port_engine.open_now) == 0


async def test_a_request_still_waiting_gets_the_page(open_app: OpenApp, watchful: None) -> None:
    visit = Visit(await open_app(never)).begin()
    await asyncio.sleep(0.3)
    await revoke()
    error_page(await visit.end(), 404, "This preview is over.")


async def test_a_busy_database_cuts_no_stream(
    open_app: OpenApp, watchful: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def locked(host: str) -> None:
        nonlocal looks
        looks += 1
        raise OperationalError("database is locked")

    visit = Visit(await open_app(stream_for_ever)).begin()
    await visit.until(8)
    monkeypatch.setattr(preview.preview_links, "find", locked)
    async with asyncio.timeout(10):
        while looks < 2:
            await asyncio.sleep(0.05)
    await visit.until(len(visit.body) + 8)
    visit.leave()
    await visit.end()


async def test_the_end_of_the_machine_cuts_the_stream(
    open_app: OpenApp, port_engine: PortEngine
) -> None:
    visit = Visit(await open_app(stream_for_ever)).begin()
    await visit.until(8)
    port_engine.kill_machine()
    await visit.end()
    assert (visit.status, visit.complete) == (200, False)
