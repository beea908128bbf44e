"""Ending a preview by the API: owner, stranger, nobody, what is not there."""

from typing import Any

import pytest
from django.test import Client

from classroom import classes
from classroom.models import User
from sandbox import preview_links
from sandbox.models import Preview, Sandbox, State

pytestmark = pytest.mark.usefixtures("dispatched", "fresh_rates")
PORT = {"machine": "laptop", "port": 5000}


@pytest.fixture
def sandbox(make_sandbox: Any) -> Sandbox:
    return make_sandbox()


@pytest.fixture
def own(learner: User) -> Client:
    client = Client(HTTP_HOST="localhost:8000")
    client.force_login(learner)
    return client


def call(client: Client, method: str, sandbox: Any, body: Any = PORT) -> Any:
    url = f"/api/v1/sandboxes/{getattr(sandbox, 'pk', sandbox)}/previews"
    return getattr(client, method)(url, data=body, content_type="application/json")


def opened(client: Client, sandbox: Sandbox) -> str:
    """Open the preview; return its host."""
    url: str = call(client, "post", sandbox).json()["url"]
    return url.removeprefix("http://").rstrip("/")


def assert_not_found(said: Any) -> None:
    assert (said.status_code, said.json()["error"]["code"]) == (404, "not_found")
    assert said.json()["error"]["hint"]


def test_the_owner_ends_it_and_opening_gives_another(own: Client, sandbox: Sandbox) -> None:
    host = opened(own, sandbox)
    assert preview_links.find(host)
    said = call(own, "delete", sandbox)
    assert (said.status_code, said.content) == (204, b"")
    assert preview_links.find(host) is None
    assert Preview.objects.get().revoked_at
    again = opened(own, sandbox)
    assert again != host
    assert preview_links.find(again)
    assert preview_links.find(host) is None


@pytest.mark.parametrize("allowed", [False, True])
def test_whether_to_offer_the_address_for_sharing_is_said(
    own: Client, learner: User, sandbox: Sandbox, allowed: bool
) -> None:
    classes.seat(classes.open_class("Monday", shares_previews=allowed), learner)
    said = call(own, "post", sandbox)
    assert (said.status_code, said.json()["share"]) == (201, allowed)
    assert said.json()["way"] == "name"


def test_ending_it_twice_is_204_and_keeps_the_first_time(own: Client, sandbox: Sandbox) -> None:
    opened(own, sandbox)
    call(own, "delete", sandbox)
    first = Preview.objects.get().revoked_at
    assert call(own, "delete", sandbox).status_code == 204
    assert Preview.objects.get().revoked_at == first


def test_only_that_port_of_that_machine_ends(own: Client, sandbox: Sandbox) -> None:
    opened(own, sandbox)
    kept = call(own, "post", sandbox, PORT | {"port": 5001}).json()["url"]
    call(own, "delete", sandbox)
    assert preview_links.find(kept.removeprefix("http://").rstrip("/"))


def test_a_stranger_ends_nothing(own: Client, stranger: User, sandbox: Sandbox) -> None:
    host = opened(own, sandbox)
    client = Client(HTTP_HOST="localhost:8000")
    client.force_login(stranger)
    assert_not_found(call(client, "delete", sandbox))
    assert preview_links.find(host)


def test_nobody_ends_nothing(own: Client, sandbox: Sandbox) -> None:
    host = opened(own, sandbox)
    assert_not_found(call(Client(), "delete", sandbox))
    assert preview_links.find(host)


def test_a_cookie_alone_ends_nothing(own: Client, learner: User, sandbox: Sandbox) -> None:
    host = opened(own, sandbox)
    client = Client(enforce_csrf_checks=True)
    client.force_login(learner)
    assert call(client, "delete", sandbox).status_code == 403
    assert preview_links.find(host)


@pytest.mark.parametrize(
    "body",
    [
        PORT | {"port": 5001},
        PORT | {"machine": "other"},
        PORT | {"port": 0},
        PORT | {"port": -1},
        PORT | {"port": 10**30},
    ],
)
def test_a_preview_that_never_was_is_404(own: Client, sandbox: Sandbox, body: Any) -> None:
    opened(own, sandbox)
    assert_not_found(call(own, "delete", sandbox, body))
    assert Preview.objects.get().revoked_at is None


def test_an_unknown_sandbox_is_404(own: Client) -> None:
    assert_not_found(call(own, "delete", "nosuchsandbox"))


@pytest.mark.parametrize("method", ["post", "delete"])
@pytest.mark.parametrize(
    "body",
    [{}, {"machine": "laptop"}, {"machine": "lap\0top", "port": 1}, PORT | {"machine": "\ud800"}],
)
def test_a_bad_body_is_422(own: Client, sandbox: Sandbox, method: str, body: Any) -> None:
    said = call(own, method, sandbox, body)
    assert said.status_code == 422
    assert said.json()["error"]["message"]


@pytest.mark.parametrize("state", [State.STOPPING, State.GONE, State.FAILED])
def test_a_preview_of_an_ended_sandbox_can_be_ended_too(
    own: Client, sandbox: Sandbox, state: str
) -> None:
    host = opened(own, sandbox)
    Sandbox.objects.update(state=state)
    assert preview_links.find(host) is None
    assert call(own, "delete", sandbox).status_code == 204
    assert Preview.objects.get().revoked_at
