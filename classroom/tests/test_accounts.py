"""Signing up and in, as a guest or as nobody."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from classroom.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough one"


@pytest.fixture
def guest(client: Client) -> User:
    """A guest whose browser is `client`."""
    client.post("/api/v1/sandboxes/none/extend", data="{}", content_type="application/json")
    return User.objects.get(is_guest=True)


def sign_up(client: Client, name: str = "ada", password: str = PASSWORD) -> Any:
    return client.post(reverse("account_signup"), {"username": name, "password1": password})


def log_in(client: Client, name: str = "ada", password: str = PASSWORD) -> Any:
    return client.post(reverse("account_login"), {"login": name, "password": password})


def whom(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def test_pages_are_shown_to_guests_too(client: Client, guest: User) -> None:
    for name in ("account_signup", "account_login"):
        assert client.get(reverse(name)).status_code == 200


def test_signing_up_turns_the_guest_into_the_account(client: Client, guest: User) -> None:
    assert sign_up(client).status_code == 302
    account = User.objects.get()
    assert (account.pk, account.username, account.is_guest) == (guest.pk, "ada", False)
    assert account.check_password(PASSWORD)
    assert whom(client) == str(guest.pk)


def test_what_the_guest_has_stays_with_the_account(client: Client, guest: User) -> None:
    from sandbox.models import Sandbox

    Sandbox.objects.create(learner=guest, course="c", lesson="l", spec={}, memory_bytes=0)
    sign_up(client)
    assert Sandbox.objects.get().learner.username == "ada"


def test_signing_up_as_nobody_makes_an_account(client: Client) -> None:
    assert sign_up(client).status_code == 302
    account = User.objects.get()
    assert (account.is_guest, account.role) == (False, User.Role.LEARNER)
    assert whom(client) == str(account.pk)


@pytest.mark.parametrize(("name", "password"), [("bob", PASSWORD), ("ada", "short"), ("", "")])
def test_a_refused_sign_up_leaves_the_guest_a_guest(
    client: Client, guest: User, name: str, password: str
) -> None:
    User.objects.create_user("bob")
    assert sign_up(client, name, password).status_code == 200
    guest.refresh_from_db()
    assert guest.is_guest
    assert guest.username.startswith("guest-")
    assert whom(client) == str(guest.pk)


def test_nobody_signs_up_with_a_role_of_their_choice(client: Client, guest: User) -> None:
    client.post(
        reverse("account_signup"),
        {"username": "eve", "password1": PASSWORD, "role": "operator", "is_superuser": "1"},
    )
    account = User.objects.get(username="eve")
    assert (account.role, account.is_superuser, account.is_staff) == ("learner", False, False)


def test_a_signed_in_account_is_not_overwritten_by_signing_up(client: Client) -> None:
    ada = User.objects.create_user("ada", password=PASSWORD)
    client.force_login(ada)
    sign_up(client, "eve")
    ada.refresh_from_db()
    assert ada.username == "ada"


def test_a_guest_logs_in_to_an_existing_account(client: Client, guest: User) -> None:
    ada = User.objects.create_user("ada", password=PASSWORD)
    assert log_in(client).status_code == 302
    assert whom(client) == str(ada.pk)
    guest.refresh_from_db()
    assert guest.is_guest


def test_a_wrong_password_changes_nothing(client: Client, guest: User) -> None:
    User.objects.create_user("ada", password=PASSWORD)
    assert log_in(client, password="wrong").status_code == 200
    assert whom(client) == str(guest.pk)


def test_a_guest_can_not_be_logged_in_to(client: Client, guest: User) -> None:
    other = Client()
    assert log_in(other, guest.username, "").status_code == 200
    assert whom(other) is None


def test_logging_out_ends_the_session(client: Client) -> None:
    client.force_login(User.objects.create_user("ada"))
    client.post(reverse("account_logout"))
    assert whom(client) is None


def test_a_guest_is_shown_as_guest_and_an_account_by_name() -> None:
    assert User(username="guest-1", is_guest=True).display_name == "Guest"
    assert User(username="ada").display_name == "ada"
