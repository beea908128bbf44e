"""Sockets that stay open, and those that end with the session or token they came by."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth import get_user_model
from django.test import Client

from classroom import live_sockets
from classroom.auth import WebSocketUser
from classroom.models import Token, User

pytestmark = pytest.mark.django_db(transaction=True)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers every frame and ends with its client."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "bytes": message["bytes"]})


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_sockets, "EVERY_SECONDS", 0.05)


@pytest.fixture
def ada() -> User:
    return get_user_model().objects.create_user("ada", password="a long enough one")


def scope_of(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "websocket", "path": "/", "query_string": b"", "headers": list(headers)}


@pytest.fixture
async def opened(ada: User) -> Callable[..., Awaitable[ApplicationCommunicator]]:
    async def open_one(*headers: tuple[bytes, bytes]) -> ApplicationCommunicator:
        app = ApplicationCommunicator(WebSocketUser(echo), scope_of(*headers))
        await app.send_input({"type": "websocket.connect"})
        assert (await app.receive_output(5))["type"] == "websocket.accept"
        return app

    return open_one


@pytest.fixture
def client(ada: User) -> Client:
    signed_in = Client()
    signed_in.force_login(ada)
    return signed_in


def cookie(client: Client) -> tuple[bytes, bytes]:
    return b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode()


async def answers(app: ApplicationCommunicator) -> bool:
    await app.send_input({"type": "websocket.receive", "bytes": b"hi"})
    return bool((await app.receive_output(5)).get("bytes") == b"hi")


async def closed_with(app: ApplicationCommunicator) -> int:
    message = await app.receive_output(5)
    assert message["type"] == "websocket.close"
    # A client that takes no notice of the close and types on.
    await app.send_input({"type": "websocket.receive", "bytes": b"typed after all"})
    await app.wait(5)
    assert await app.receive_nothing(0.05)
    return int(message["code"])


async def test_signing_out_ends_the_sockets_of_that_session_only(
    opened: Any, client: Client, ada: User
) -> None:
    other = Client()
    await sync_to_async(other.force_login)(ada)
    here, there = await opened(cookie(client)), await opened(cookie(other))
    await asyncio.sleep(0.15)
    assert await answers(here), "a look at the database leaves the signed-in alone"
    await sync_to_async(client.logout)()
    assert await closed_with(here) == 4401
    assert await answers(there)
    await there.send_input({"type": "websocket.disconnect"})
    await there.wait(5)


async def test_deactivating_somebody_ends_their_sockets(
    opened: Any, client: Client, ada: User
) -> None:
    secret = await sync_to_async(Token.issue)(ada, "tool")
    by_token = await opened((b"authorization", f"Bearer {secret}".encode()))
    by_session = await opened(cookie(client))
    await sync_to_async(User.objects.filter(pk=ada.pk).update)(is_active=False)
    assert await closed_with(by_token) == 4401
    assert await closed_with(by_session) == 4401


async def test_a_token_that_is_removed_ends_its_sockets(opened: Any, ada: User) -> None:
    secret = await sync_to_async(Token.issue)(ada, "tool")
    app = await opened((b"authorization", f"Bearer {secret}".encode()))
    assert await answers(app)
    await sync_to_async(Token.objects.all().delete)()
    assert await closed_with(app) == 4401


async def test_another_password_ends_what_the_old_one_opened(
    opened: Any, client: Client, ada: User
) -> None:
    app = await opened(cookie(client))
    ada.set_password("another long one")
    await sync_to_async(ada.save)()
    assert await closed_with(app) == 4401


async def test_a_look_at_all_sockets_takes_three_queries(
    ada: User, django_assert_max_num_queries: Any
) -> None:
    proofs = [live_sockets.Proof(ada.pk, session_key=f"s{n}") for n in range(50)]
    proofs += [live_sockets.Proof(ada.pk, token_digest=f"t{n}") for n in range(50)]

    def look() -> set[live_sockets.Proof]:
        with django_assert_max_num_queries(3):
            return live_sockets.still_good(proofs)

    assert await sync_to_async(look)() == set()
