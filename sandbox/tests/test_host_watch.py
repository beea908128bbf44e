"""Pages that are open hear that no machine can be started, and that one can be again."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError
from django.utils import timezone

from classroom.models import User
from sandbox import host_watch, hosts, sentences
from sandbox.errors import EngineDown
from sandbox.models import Host, State
from sandbox.tests.sockets import Socket

pytestmark = pytest.mark.django_db(transaction=True)
WELL = {"type": "host", "available": True, "message": "", "hint": ""}
AWAY = {
    "type": "host",
    "available": False,
    "message": EngineDown.message,
    "hint": EngineDown.hint,
}
NO_WORKER = {
    "type": "host",
    "available": False,
    "message": sentences.NO_WORKER,
    "hint": sentences.LOOK_AT_WORKER,
}


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Looks often, and counts how often."""
    made: list[None] = []
    glance = hosts.glance

    def counted() -> Host | None:
        made.append(None)
        return glance()

    monkeypatch.setattr(host_watch, "EVERY_SECONDS", 0.05)
    monkeypatch.setattr(hosts, "glance", counted)
    return made


async def set_host(**fields: Any) -> None:
    await Host.objects.aupdate(**fields)


async def go_and_come_back(socket: Socket) -> None:
    await set_host(problem=EngineDown.message, hint=EngineDown.hint)
    assert await socket.told_of_host() == AWAY
    await set_host(problem="", hint="")
    assert await socket.told_of_host() == WELL
    # Nothing comes from a worker that died: its word is only old.
    await set_host(seen_at=timezone.now() - timedelta(minutes=5))
    assert await socket.told_of_host() == NO_WORKER


@pytest.mark.parametrize("visitor", [True, False])
async def test_a_page_without_a_sandbox_is_told(host: Host, learner: User, visitor: bool) -> None:
    socket = Socket("/ws/host", AnonymousUser() if visitor else learner)
    assert await socket.open()
    assert await socket.told_of_host() == WELL
    await go_and_come_back(socket)
    await socket.leave()


async def test_a_page_with_a_sandbox_is_told_beside_its_state(
    host: Host, make_sandbox: Any, learner: User
) -> None:
    sandbox = await asyncio.to_thread(make_sandbox, State.READY)
    socket = Socket(f"/ws/sandboxes/{sandbox.pk}/events", learner)
    assert await socket.open()
    assert json.loads((await socket.message())["text"])["type"] == "state", "the state comes first"
    assert await socket.told_of_host() == WELL
    await go_and_come_back(socket)
    await socket.leave()


async def test_who_connects_hears_how_it_is_now(host: Host, learner: User) -> None:
    for problem, said in (("", WELL), (EngineDown.message, AWAY), ("", WELL)):
        await set_host(problem=problem, hint=problem and EngineDown.hint)
        socket = Socket("/ws/host", learner)
        assert await socket.open()
        assert await socket.told_of_host() == said
        await socket.leave()
        # Until the last look has noticed that nobody listens.
        await asyncio.sleep(0.2)


async def test_all_pages_share_one_look_and_nobody_costs_none(
    host: Host, learner: User, looks: list[None]
) -> None:
    sockets = [Socket("/ws/host", learner) for _ in range(10)]
    for socket in sockets:
        assert await socket.open()
        assert await socket.told_of_host() == WELL
    looks.clear()
    await asyncio.sleep(0.5)
    assert 0 < len(looks) <= 11, "ten pages would have looked a hundred times"
    for socket in sockets:
        await socket.leave()
    await asyncio.sleep(0.2)
    looks.clear()
    await asyncio.sleep(0.3)
    assert looks == []


async def test_a_busy_database_does_not_end_the_watch(
    host: Host, learner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = Socket("/ws/host", learner)
    assert await socket.open()
    assert await socket.told_of_host() == WELL

    def locked() -> None:
        raise DatabaseError("database is locked")

    with monkeypatch.context() as busy:
        busy.setattr(hosts, "glance", locked)
        assert await socket.silent(0.2), "what is not known is not told"
    await set_host(problem=EngineDown.message, hint=EngineDown.hint)
    assert await socket.told_of_host() == AWAY
    await socket.leave()


async def test_a_page_that_talks_is_closed(host: Host, learner: User) -> None:
    socket = Socket("/ws/host", learner)
    assert await socket.open()
    await socket.say('{"visible":true}')
    assert await socket.closed_with() == 1008


async def test_one_has_only_so_many_open(
    host: Host, learner: User, stranger: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TERMINAL_SOCKETS_PER_LEARNER = 2
    monkeypatch.setattr(host_watch, "VISITORS_AT_ONCE", 3)
    opened = []
    for user, most in ((learner, 2), (None, 3), (stranger, 1)):
        for _ in range(most):
            opened.append(Socket("/ws/host", user))
            assert await opened[-1].open()
            assert await opened[-1].told_of_host() == WELL
    for user in (learner, None):
        one_more = Socket("/ws/host", user)
        assert await one_more.open()
        assert await one_more.closed_with() == 4429
    for socket in opened:
        await socket.leave()
