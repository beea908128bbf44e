"""API tokens: the command that makes them, what they are, whom they stand for."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from classroom.auth import bearer_of
from classroom.models import Token, User
from classroom.people import user_of_token

pytestmark = pytest.mark.django_db


def create(*words: str) -> str:
    out = StringIO()
    call_command("token", "create", *words, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_token_and_nothing_else() -> None:
    said = create("--name", "robot")
    assert said.count("\n") == 1
    user = user_of_token(said.strip())
    assert user is not None
    assert (user.username, user.role, user.is_guest) == ("robot", "learner", False)


@pytest.mark.parametrize("role", ["learner", "instructor", "operator"])
def test_the_role_is_the_persons(role: str) -> None:
    user = user_of_token(create("--name", "robot", "--role", role).strip())
    assert user is not None
    assert user.role == role


def test_two_tokens_of_a_name_stand_for_one_person() -> None:
    first, second = create("--name", "robot"), create("--name", "robot")
    assert first != second
    assert user_of_token(first.strip()) == user_of_token(second.strip())


def test_a_token_never_changes_what_somebody_may_do(capsys: pytest.CaptureFixture[str]) -> None:
    User.objects.create_user("ada", role=User.Role.LEARNER)
    with pytest.raises(CommandError, match="learner"):
        create("--name", "ada", "--role", "operator")
    assert not Token.objects.exists()
    assert User.objects.get().role == User.Role.LEARNER


@pytest.mark.parametrize(
    "words", [[], ["create"], ["create", "--name", "x", "--role", "king"], ["burn"]]
)
def test_a_wrong_call_is_refused(words: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("token", *words)


def test_only_a_digest_is_kept() -> None:
    secret = create("--name", "robot").strip()
    kept = Token.objects.values_list().get()
    assert not any(secret in str(value) for value in kept)


def test_its_person_can_not_log_in_with_a_password() -> None:
    create("--name", "robot")
    assert not User.objects.get().has_usable_password()


def test_use_is_noted() -> None:
    user_of_token(create("--name", "robot").strip())
    assert Token.objects.get().last_used_at


def test_a_wrong_token_and_a_locked_person_are_nobody() -> None:
    secret = create("--name", "robot").strip()
    assert user_of_token(secret + "x") is None
    assert user_of_token("") is None
    User.objects.update(is_active=False)
    assert user_of_token(secret) is None


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic abc", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("", None),
    ],
)
def test_the_header_is_read(header: str, token: str | None) -> None:
    assert bearer_of(header) == token
