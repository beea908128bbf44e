"""The events socket: who may watch, what they see."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from classroom.models import Token, User
from config.asgi import application
from sandbox import events, presence, transitions
from sandbox.models import Sandbox, State
from sandbox.tests.sockets import SITE, Header, Socket

pytestmark = pytest.mark.django_db(transaction=True)


def path(sandbox: Sandbox | str) -> str:
    return f"/ws/sandboxes/{getattr(sandbox, 'pk', sandbox)}/events"


async def test_the_owner_sees_the_state_and_every_change(make_sandbox: Any, learner: User) -> None:
    sandbox = await asyncio.to_thread(make_sandbox, State.STARTING)
    socket = Socket(path(sandbox), learner)
    assert await socket.open()
    first = await socket.told()
    assert (first["type"], first["sandbox"]["state"]) == ("state", "starting")
    await asyncio.to_thread(events.publish, sandbox.pk, {"type": "stage", "name": "created"})
    assert (await socket.told())["name"] == "created"
    await asyncio.to_thread(transitions.move, sandbox.pk, State.STOPPING)
    assert (await socket.told())["sandbox"]["state"] == "stopping"
    await socket.leave()


async def test_the_end_is_told_and_closes(make_sandbox: Any, learner: User) -> None:
    sandbox = await asyncio.to_thread(make_sandbox, State.STOPPING)
    socket = Socket(path(sandbox), learner)
    assert await socket.open()
    await socket.told()
    await asyncio.to_thread(transitions.move, sandbox.pk, State.GONE)
    assert (await socket.told())["sandbox"]["state"] == "gone"
    assert await socket.closed_with() == 4410


@pytest.mark.parametrize("state", [State.GONE, State.FAILED])
async def test_an_ended_sandbox_is_shown_once(make_sandbox: Any, learner: User, state: str) -> None:
    sandbox = await asyncio.to_thread(make_sandbox, state)
    socket = Socket(path(sandbox), learner)
    assert await socket.open()
    assert (await socket.told())["sandbox"]["state"] == state
    assert await socket.closed_with() == 4410


async def test_a_stranger_sees_nothing(
    make_sandbox: Any, stranger: User, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = await asyncio.to_thread(make_sandbox)
    socket = Socket(path(sandbox), stranger)
    assert await socket.open()
    assert await socket.closed_with() == 4404
    wanted = f"events of sandbox {sandbox.pk} closed with 4404; learner {stranger.pk}"
    assert caplog.messages == [wanted]


@pytest.mark.parametrize("user", [None, AnonymousUser()], ids=["none", "anonymous"])
async def test_nobody_is_told_to_sign_in(make_sandbox: Any, user: Any) -> None:
    sandbox = await asyncio.to_thread(make_sandbox)
    socket = Socket(path(sandbox), user)
    assert await socket.open()
    assert await socket.closed_with() == 4401


async def test_an_unknown_sandbox_and_an_unknown_address(learner: User) -> None:
    for unknown in (path("unknown"), "/ws/elsewhere"):
        socket = Socket(unknown, learner)
        assert await socket.open()
        assert await socket.closed_with() == 4404


@pytest.mark.parametrize("frame", ['{"a": 1}', "not json", b"\x00"])
async def test_a_watcher_that_talks_is_closed(
    make_sandbox: Any, learner: User, frame: Any, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = await asyncio.to_thread(make_sandbox)
    socket = Socket(path(sandbox), learner)
    assert await socket.open()
    if isinstance(frame, bytes):
        await socket.type(frame)
    else:
        await socket.say(frame)
    assert await socket.closed_with() == 1008
    assert f"events of sandbox {sandbox.pk} closed with 1008" in caplog.text


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:8000.evil.example",
        "http://localhost",
        "http://localhost:8001",
        "https://localhost:8000",
        "http://p-abc-80.localhost:8000",
        "null",
        "",
    ],
)
async def test_another_origin_is_refused_before_the_handshake(
    make_sandbox: Any, learner: User, origin: str
) -> None:
    socket = Socket(path(await asyncio.to_thread(make_sandbox)), learner, origin)
    assert not await socket.open()


async def test_own_origins_and_none_are_let_in(
    make_sandbox: Any, learner: User, settings: Any
) -> None:
    settings.SITE_URLS_EXTRA = ["http://192.168.1.5:8000"]
    sandbox = await asyncio.to_thread(make_sandbox)
    for origin in (SITE, "http://192.168.1.5:8000", None):
        socket = Socket(path(sandbox), learner, origin)
        assert await socket.open(), origin
        await socket.leave()


async def test_an_open_socket_counts_as_presence(make_sandbox: Any, learner: User) -> None:
    sandbox = await asyncio.to_thread(make_sandbox, last_seen_at=None)
    socket = Socket(path(sandbox), learner)
    await socket.open()
    await socket.told()
    for _ in range(50):
        await asyncio.sleep(0.02)
        await sandbox.arefresh_from_db()
        if sandbox.last_seen_at:
            break
    assert sandbox.last_seen_at
    await socket.leave()


async def test_a_busy_database_does_not_close_the_socket(
    make_sandbox: Any, learner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    async def locked(_: str) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(presence, "seen", locked)
    sandbox = await asyncio.to_thread(make_sandbox)
    socket = Socket(path(sandbox), learner)
    await socket.open()
    await socket.told()
    await asyncio.to_thread(events.publish, sandbox.pk, {"type": "warning"})
    assert await socket.told() == {"type": "warning"}
    await socket.leave()


# through the whole application: session, token, previews


def whole(sandbox: Sandbox, *headers: Header, origin: str | None = SITE) -> Socket:
    host = (b"host", b"localhost:8000")
    return Socket(path(sandbox), None, origin, application=application, headers=(host, *headers))


async def test_a_session_cookie_opens_it(make_sandbox: Any, learner: User) -> None:
    sandbox = await asyncio.to_thread(make_sandbox)
    client = Client()
    await asyncio.to_thread(client.force_login, learner)
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    socket = whole(sandbox, (b"cookie", cookie))
    assert await socket.open()
    assert (await socket.told())["sandbox"]["id"] == sandbox.pk
    await socket.leave()


async def test_a_token_opens_it_from_anywhere(make_sandbox: Any, learner: User) -> None:
    sandbox = await asyncio.to_thread(make_sandbox)
    secret = await asyncio.to_thread(Token.issue, learner, "tool")
    header = (b"authorization", f"Bearer {secret}".encode())
    socket = whole(sandbox, header, origin="http://elsewhere.example")
    assert await socket.open()
    assert (await socket.told())["sandbox"]["id"] == sandbox.pk
    await socket.leave()


async def test_a_bad_token_is_nobody(make_sandbox: Any) -> None:
    sandbox = await asyncio.to_thread(make_sandbox)
    socket = whole(sandbox, (b"authorization", b"Bearer wrong"))
    assert await socket.open()
    assert await socket.closed_with() == 4401


async def test_a_previews_host_has_no_sockets_of_the_site(make_sandbox: Any, learner: User) -> None:
    sandbox = await asyncio.to_thread(make_sandbox)
    secret = await asyncio.to_thread(Token.issue, learner, "tool")
    headers = (
        (b"host", b"p-abc-80.localhost:8000"),
        (b"authorization", f"Bearer {secret}".encode()),
    )
    assert not await Socket(path(sandbox), application=application, headers=headers).open()
