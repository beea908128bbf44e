"""The operators' page: who sees it, and what it shows."""

from typing import Any
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from classroom.models import User
from sandbox import hosts
from sandbox.models import Host
from sandbox.promises import PROMISES

pytestmark = pytest.mark.django_db
PAGE = "/operate/"


@pytest.fixture
def host() -> Host:
    """A host that keeps all but user namespaces."""
    found = {
        promise.id: {"verdict": "kept", "evidence": f"seen <{promise.id}>"} for promise in PROMISES
    }
    found["user-namespaces"] = {"verdict": "not kept", "evidence": "unshare failed"}
    facts = hosts.engine_facts({"ServerVersion": "20.10.24", "KernelVersion": "6.1.0-x"})
    return Host.objects.create(
        name=hosts.NAME,
        seen_at=timezone.now(),
        examination={
            "at": timezone.now().isoformat(),
            "engine": "",
            "settings": "",
            "facts": facts,
            "findings": found,
        },
    )


def signed_in(client: Client, role: str) -> User:
    user = User.objects.create_user("ada", role=role)
    client.force_login(user)
    return user


def test_an_operator_reads_the_report_in_their_language(client: Client, host: Host) -> None:
    signed_in(client, "operator")
    text = client.get(PAGE, headers={"accept-language": "de"}).content.decode()
    assert '<html lang="de">' in text
    for words in ("Was dieser Host hält", "Laufzeit von docker", "Abgeschlossenes Netz"):
        assert words in text
    assert "Runtime of" not in text


def test_an_operator_sees_promises_kinds_and_host(client: Client, host: Host) -> None:
    signed_in(client, "operator")
    said = client.get(PAGE)
    assert said.status_code == 200
    text = said.content.decode()
    for promise in PROMISES:
        assert promise.say("title") in text
        if promise.id != "user-namespaces":
            assert f"seen &lt;{promise.id}&gt;" in text, "evidence is text, never markup"
    assert "Not kept: User namespaces." in text
    assert "unprivileged_userns_clone" in text
    assert "Docker 20.10.24" in text


def test_an_accepted_risk_is_shown(client: Client, host: Host, settings: Any) -> None:
    settings.SANDBOX_ACCEPT_RISK = ["user-namespaces"]
    signed_in(client, "operator")
    text = client.get(PAGE).content.decode()
    assert "Accepted: User namespaces." in text
    assert "risk accepted" in text


def test_before_anything_was_examined_it_says_so(client: Client) -> None:
    signed_in(client, "operator")
    assert "Not examined yet." in client.get(PAGE).content.decode()


@pytest.mark.parametrize("role", ["learner", "instructor"])
def test_others_find_no_such_page(client: Client, host: Host, role: str) -> None:
    signed_in(client, role)
    assert client.get(PAGE).status_code == 404
    with patch("sandbox.dispatch.examine") as asked:
        assert client.post(reverse("operate-examine")).status_code == 404
    asked.assert_not_called()


def test_nobody_and_guests_are_asked_to_sign_in(client: Client, host: Host) -> None:
    wanted = f"{reverse('account_login')}?next={PAGE}"
    assert client.get(PAGE).headers["Location"] == wanted
    client.post("/api/v1/sandboxes/none/extend", data="{}", content_type="application/json")
    assert User.objects.get().is_guest
    assert client.get(PAGE).headers["Location"] == wanted
    with patch("sandbox.dispatch.examine") as asked:
        assert client.post(reverse("operate-examine")).status_code == 404
    asked.assert_not_called()


def test_an_operator_asks_a_worker_to_examine_again(client: Client, host: Host) -> None:
    signed_in(client, "operator")
    with patch("sandbox.dispatch.examine") as asked:
        said = client.post(reverse("operate-examine"), follow=True)
    asked.assert_called_once_with()
    assert "A worker was asked" in said.content.decode()
    assert client.get(reverse("operate-examine")).status_code == 405


def test_asking_needs_the_sites_own_form(host: Host) -> None:
    client = Client(enforce_csrf_checks=True)
    signed_in(client, "operator")
    with patch("sandbox.dispatch.examine") as asked:
        assert client.post(reverse("operate-examine")).status_code == 403
    asked.assert_not_called()


@pytest.mark.parametrize(("role", "shown"), [("operator", True), ("instructor", False)])
def test_the_way_there_is_in_an_operators_account_menu(
    client: Client, role: str, shown: bool
) -> None:
    signed_in(client, role)
    assert (f'href="{PAGE}"' in client.get("/").content.decode()) == shown


def test_somebody_with_an_account_becomes_operator_by_command() -> None:
    User.objects.create_user("ada")
    call_command("role", "ada", "operator")
    assert User.objects.get(username="ada").role == User.Role.OPERATOR
    with pytest.raises(CommandError, match="Sign up"):
        call_command("role", "bob", "operator")


def test_a_guest_never_becomes_operator(client: Client) -> None:
    client.post("/api/v1/sandboxes/none/extend", data="{}", content_type="application/json")
    with pytest.raises(CommandError):
        call_command("role", User.objects.get().username, "operator")
