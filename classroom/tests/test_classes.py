"""Classes: joined by a code, seated by a command, and limited together."""

import re
from collections.abc import Iterator
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
import redis
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from classroom import classes
from classroom.models import Class, Seat, Token, User
from sandbox import lifecycle
from sandbox.errors import TooManyStarts
from sandbox.models import Host
from sandbox.specs import MachineSpec, SandboxSpec

pytestmark = pytest.mark.django_db
SHELL = SandboxSpec(machines=(MachineSpec(name="laptop", kind="shell"),))


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Nobody has started or guessed before; a host with room; no worker is told."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    Host.objects.create(name="local", memory_bytes=10**12, seen_at=timezone.now())
    with patch("sandbox.dispatch.current_app.send_task"):
        yield


def learner(name: str) -> User:
    return User.objects.create_user(name)


def command(*words: str) -> str:
    out = StringIO()
    call_command("class", *words, stdout=out)
    return out.getvalue().strip()


def join(person: User, code: str) -> Any:
    token = Token.issue(person, "test")
    return Client().post(
        "/api/v1/classes/join",
        {"code": code},
        content_type="application/json",
        headers={"authorization": f"Bearer {token}"},
    )


def start(person: User) -> None:
    limits = person.start_limits()
    lifecycle.request_start(person, SHELL, course="c", lesson="l", address="::1", limits=limits)


def test_a_learner_joins_by_the_code_however_it_is_typed() -> None:
    code = command("make", "Monday")
    assert re.fullmatch(r"[A-Z2-9]{6}", code)
    ada = learner("ada")
    for typed in (code, f" {code.lower()} ", f"{code[:3]}-{code[3:]}"):
        answer = join(ada, typed)
        assert (answer.status_code, answer.json()["name"]) == (200, "Monday")
    assert [seat.in_class.name for seat in ada.seats.all()] == ["Monday"]


@pytest.mark.parametrize("code", ["", "NOSUCH", "x" * 40, "' OR 1=1"])
def test_a_wrong_code_seats_nobody(code: str) -> None:
    command("make", "Monday")
    answer = join(learner("ada"), code)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert not Seat.objects.exists()


def test_a_tool_joins_under_a_name_and_is_told_the_rules() -> None:
    ada, code = learner("ada"), command("make", "Monday")
    answer = Client().post(
        "/api/v1/classes/join",
        {"code": code, "name": "Ada L."},
        content_type="application/json",
        headers={"authorization": f"Bearer {Token.issue(ada, 'test')}"},
    )
    assert answer.json() == {
        "name": "Monday", "code": code, "shares_previews": False, "may_look": False,
    }  # fmt: skip
    assert [seat.name for seat in ada.seats.all()] == ["Ada L."]
    assert command("looking", code, "on") == "Looking at terminals in Monday is on."
    assert join(ada, code).json()["may_look"] is True
    assert [seat.name for seat in ada.seats.all()] == ["Ada L."]


def test_codes_can_not_be_guessed_by_the_hundred() -> None:
    ada = learner("ada")
    answers = [join(ada, f"GUESS{n}") for n in range(12)]
    assert [answer.status_code for answer in answers] == [404] * 10 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_nobody_joins_without_being_somebody() -> None:
    code = command("make", "Monday")
    wrong = {"authorization": "Bearer slw_wrong"}
    answer = Client().post(
        "/api/v1/classes/join", {"code": code}, content_type="application/json", headers=wrong
    )
    assert answer.status_code == 401


def test_a_class_starts_together_up_to_its_rate() -> None:
    code = command("make", "Monday", "--start-rate", "3/minute")
    people = [learner(f"p{n}") for n in range(5)]
    for person in people:
        classes.join(person, code)
    for person in people[:3]:
        start(person)
    with pytest.raises(TooManyStarts) as caught:
        start(people[3])
    assert caught.value.status == 429
    assert "Monday" in caught.value.message
    assert caught.value.hint
    assert caught.value.retry_after_seconds
    assert 0 < caught.value.retry_after_seconds <= 60
    stranger = learner("stranger")
    start(stranger)
    assert lifecycle.live_sandbox(stranger), "only the class is limited"
    # Who has a machine keeps it: pressing again is no Start.
    start(people[0])


def test_the_api_answers_429_with_hint_and_retry_after() -> None:
    code = command("make", "Monday", "--start-rate", "1/minute")
    first, second = learner("a"), learner("b")
    for person in (first, second):
        classes.join(person, code)
    answers = [
        Client().post(
            "/api/v1/sandboxes",
            {"course": "playground", "lesson": "shell"},
            content_type="application/json",
            headers={"authorization": f"Bearer {Token.issue(person, 't')}"},
        )
        for person in (first, second)
    ]
    assert [answer.status_code for answer in answers] == [202, 429]
    assert answers[1].json()["error"]["hint"]
    assert int(answers[1].headers["Retry-After"]) > 0


def test_the_sites_rate_is_that_of_a_class_without_its_own(settings: Any) -> None:
    settings.START_RATE_CLASS = "7/hour"
    ada = learner("ada")
    classes.join(ada, command("make", "Monday"))
    assert [limit.rate for limit in ada.start_limits()] == ["7/hour"]


def test_the_class_joined_last_counts_and_a_closed_one_does_not() -> None:
    monday, tuesday = command("make", "Monday"), command("make", "Tuesday")
    ada = learner("ada")
    assert ada.start_limits() == []
    classes.join(ada, monday)
    classes.join(ada, tuesday)
    assert "Tuesday" in ada.start_limits()[0].words
    classes.join(ada, monday)
    assert "Monday" in ada.start_limits()[0].words
    command("close", monday)
    assert "Tuesday" in ada.start_limits()[0].words
    with pytest.raises(classes.NoSuchClass):
        classes.join(ada, monday)
    assert command("list") == f"{tuesday}     1 seats  Tuesday"


def test_a_command_seats_all_or_none() -> None:
    code = command("make", "Monday", "--instructor", learner("teacher").username)
    assert Class.objects.get().instructor == User.objects.get(username="teacher")
    learner("ada"), learner("bob")
    with pytest.raises(CommandError, match="no account eve"):
        command("seat", code, "ada", "eve")
    assert not Seat.objects.exists()
    assert command("seat", code, "ada", "bob") == "2 seated in Monday."


@pytest.mark.parametrize(
    "words",
    [
        ("make", "Monday", "--start-rate", "often"),
        ("make", "Monday", "--instructor", "nobody"),
        ("seat", "NOSUCH", "ada"),
        ("close", "NOSUCH"),
    ],
)
def test_a_command_that_can_not_work_says_why(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        command(*words)
    assert not Class.objects.exists()


def test_sharing_previews_is_a_rule_of_the_class_joined_last_and_off_by_default() -> None:
    ada = learner("ada")
    assert not ada.may_share_previews()
    monday, tuesday = command("make", "Monday"), command("make", "Tuesday", "--share-previews")
    assert join(ada, monday).json()["shares_previews"] is False
    assert not ada.may_share_previews()
    assert join(ada, tuesday).json()["shares_previews"] is True
    assert ada.may_share_previews()
    assert command("share-previews", tuesday, "off").endswith("is off.")
    assert not ada.may_share_previews()
    command("share-previews", tuesday, "on")
    assert ada.may_share_previews()
    command("close", tuesday)
    assert not ada.may_share_previews()


def test_a_sharing_rule_is_on_or_off() -> None:
    with pytest.raises(CommandError):
        command("share-previews", command("make", "Monday"), "maybe")
