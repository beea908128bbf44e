"""Looking at a learner's terminal: who may, that nothing gets in, that it is told, how it ends."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from classroom import classes
from classroom.models import Class, User
from sandbox import onlookers, terminal_socket
from sandbox.models import Sandbox, TerminalName
from sandbox.terminal import AHEAD_BYTES
from sandbox.tests.sockets import Socket
from sandbox.tests.test_terminal_short_way import Direct
from sandbox.tests.test_terminal_socket import WINDOW, Machines, path, refused

pytestmark = pytest.mark.django_db(transaction=True)
change = sync_to_async


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onlookers, "EVERY_SECONDS", 0.05)


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Machines:
    settings.TERMINAL_WINDOW_BYTES = WINDOW
    fake = Machines()
    monkeypatch.setattr(terminal_socket, "terminals", fake)
    return fake


@pytest.fixture
def sandbox(make_sandbox: Any, machines: Machines) -> Sandbox:
    return make_sandbox()


@pytest.fixture
def grace(db: None) -> User:
    return User.objects.create_user("grace", first_name="Ms", last_name="B.", role="instructor")


@pytest.fixture
def taught(grace: User, learner: User) -> Class:
    """A class of grace that allows looking, with the learner in it."""
    found = classes.open_class("Tuesday", grace)
    classes.allow(found, looking=True, sharing=False)
    return classes.seat(found, learner)


async def joined(sandbox: Sandbox, user: User, **more: Any) -> tuple[Socket, dict[str, Any]]:
    socket = Socket(path(sandbox, query="?after=2"), user, **more)
    assert await socket.open()
    return socket, (await socket.told())["hello"]


async def refusal(sandbox: Sandbox, user: User, name: str = "main") -> int:
    _, code = await refused(Socket(path(sandbox, name=name), user))
    return code


async def test_whoever_teaches_reads_and_nothing_they_send_gets_in(
    sandbox: Sandbox, learner: User, grace: User, taught: Class, machines: Machines
) -> None:
    mine, _ = await joined(sandbox, learner)
    direct = Direct()
    # The query of a client that claims to be more than it is.
    look = Socket(
        path(sandbox, query="?readonly=0&after=2"), grace, extensions={"slipway.direct": direct}
    )
    assert await look.open()
    hello = (await look.told())["hello"]
    assert (hello["readonly"], hello["owner"]) == (True, False)
    assert direct.on_bytes is None, "the server's short way is not theirs"
    for data in (b"rm -rf ~\r", b"\x03", b"\x1b[1;1R", b"x" * 1000):
        await look.type(data)
    for text in ({"resize": [10, 10]}, {"resize": [10, 10], "focus": True}, {"exit": 1}):
        await look.say(json.dumps(text))
    await look.say('{"ping": 7}')
    assert await look.told() == {"pong": 7}, "all of it was heard"
    assert machines.source.typed == b""
    assert machines.source.sizes == []
    machines.source.print(b"secret")
    assert await look.read() == b"secret"
    await mine.type(b"ls\r")
    await asyncio.sleep(0.05)
    assert machines.source.typed == b"ls\r", "the learner types as ever"
    await look.leave()
    await mine.leave()


async def test_the_learner_is_told_who_looks_as_long_as_they_do(
    sandbox: Sandbox, learner: User, grace: User, taught: Class
) -> None:
    mine, _ = await joined(sandbox, learner)
    look, _ = await joined(sandbox, grace)
    assert await mine.told() == {"onlookers": ["Ms B."]}
    second, _ = await joined(sandbox, grace)
    assert await mine.told() == {"onlookers": ["Ms B."]}, "twice the same is one"
    await second.leave()
    assert await mine.told() == {"onlookers": ["Ms B."]}
    # A page that is opened meanwhile knows too, right behind its hello.
    other, _ = await joined(sandbox, learner)
    assert await other.told() == {"onlookers": ["Ms B."]}
    await look.leave()
    assert await mine.told() == {"onlookers": []}
    assert await other.told() == {"onlookers": []}
    fresh, _ = await joined(sandbox, learner)
    assert await fresh.silent(0.05)
    for socket in (mine, other, fresh):
        await socket.leave()


async def test_looking_makes_nobody_present(
    sandbox: Sandbox, learner: User, grace: User, taught: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def keep(sandbox_id: str, after_seconds: float = 0.0) -> None:
        seen.append(sandbox_id)
        await asyncio.Event().wait()

    monkeypatch.setattr(terminal_socket.presence, "keep", keep)
    look, _ = await joined(sandbox, grace)
    await asyncio.sleep(0.05)
    assert seen == [], "a sandbox whose learner has left must be able to end"
    mine, _ = await joined(sandbox, learner)
    await asyncio.sleep(0.05)
    assert seen == [sandbox.pk]
    await look.leave()
    await mine.leave()


async def test_an_onlooker_who_does_not_read_never_makes_the_machine_wait(
    sandbox: Sandbox,
    grace: User,
    taught: Class,
    machines: Machines,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paused: list[bool] = []
    monkeypatch.setattr(machines.source, "pause", lambda: paused.append(True))
    look, _ = await joined(sandbox, grace)
    for _ in range(8):
        machines.source.print(b"x" * AHEAD_BYTES)
    assert paused == []
    await look.leave()


END: dict[str, Callable[[Class, User, User], Any]] = {
    "the class is closed": lambda found, *_: classes.close(found),
    "the class allows it no longer": lambda found, *_: classes.allow(
        found, looking=False, sharing=True
    ),
    "the learner leaves": lambda found, learner, _: classes.leave(learner, found.code),
    "the seat is taken away": lambda found, learner, _: classes.remove(
        found, found.seats.get(learner=learner).pk
    ),
    "another teaches the class": lambda found, learner, _: Class.objects.filter(pk=found.pk).update(
        instructor=learner
    ),
    "the teacher is a learner now": lambda _, __, grace: User.objects.filter(pk=grace.pk).update(
        role="learner"
    ),
    "the account is off": lambda _, __, grace: User.objects.filter(pk=grace.pk).update(
        is_active=False
    ),
}


@pytest.mark.parametrize("what", END)
async def test_a_look_ends_when(
    what: str, sandbox: Sandbox, learner: User, grace: User, taught: Class
) -> None:
    mine, _ = await joined(sandbox, learner)
    look, _ = await joined(sandbox, grace)
    assert await mine.told() == {"onlookers": ["Ms B."]}
    await change(END[what])(taught, learner, grace)
    assert (await look.told())["error"]["code"] == "look_over"
    assert await look.closed_with() == 4404
    assert await mine.told() == {"onlookers": []}
    assert await refusal(sandbox, grace) == 4404
    await mine.leave()


async def test_nobody_else_may_look(
    sandbox: Sandbox, stranger: User, grace: User, taught: Class, settings: Any
) -> None:
    def people() -> list[User]:
        eve = User.objects.create_user("eve", role="instructor")
        op = User.objects.create_user("op", role="operator")
        guest = User.objects.create(username="guest-1", is_guest=True, role="instructor")
        for person in (eve, guest):
            other = classes.open_class("Other", person)
            classes.allow(other, looking=True, sharing=False)
        classes.seat(classes.open_class("Guests", guest), stranger)
        # A learner of the same class is a learner.
        classes.seat(taught, stranger)
        return [eve, op, guest, stranger]

    for person in await change(people)():
        assert await refusal(sandbox, person) == 4404, person
    settings.CLASS_MAY_LOOK = False
    assert await refusal(sandbox, grace) == 4404, "the site allows no class to allow it"


async def test_a_class_allows_nothing_until_it_is_told_to(
    sandbox: Sandbox, learner: User, grace: User
) -> None:
    found = await change(classes.open_class)("Tuesday", grace)
    await change(classes.seat)(found, learner)
    assert await refusal(sandbox, grace) == 4404


async def test_a_look_opens_no_terminal_that_is_not_there(
    sandbox: Sandbox, grace: User, taught: Class
) -> None:
    assert await refusal(sandbox, grace, name="another") == 4404
    assert not await TerminalName.objects.aexists()
    machine = await sandbox.machines.aget()
    await TerminalName.objects.acreate(machine=machine, name="2", title="log")
    look = Socket(path(sandbox, name="2"), grace)
    assert await look.open()
    assert (await look.told())["hello"]["readonly"]
    await look.leave()


async def test_a_frame_that_is_too_large_ends_a_look_too(
    sandbox: Sandbox, grace: User, taught: Class
) -> None:
    look, _ = await joined(sandbox, grace)
    await look.type(b"x" * (64 * 1024 + 1))
    assert await look.closed_with() == 1009


def test_a_look_opens_nothing_but_terminals(sandbox: Sandbox, grace: User, taught: Class) -> None:
    teacher = Client(HTTP_HOST="localhost:8000")
    teacher.force_login(grace)
    base = f"/api/v1/sandboxes/{sandbox.pk}"
    assert teacher.get(base).status_code == 404
    assert teacher.get(f"{base}/machines/laptop/terminals").status_code == 404
    assert teacher.delete(base).status_code in (403, 404)


async def test_a_look_sees_no_events(sandbox: Sandbox, grace: User, taught: Class) -> None:
    _, code = await refused(Socket(f"/ws/sandboxes/{sandbox.pk}/events", grace))
    assert code == 4404
