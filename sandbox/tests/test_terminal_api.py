"""The API of a machine's terminals: list, open, rename, close, and who is told."""

from typing import Any

import pytest
from django.test import Client

from classroom.models import User
from sandbox import lifecycle
from sandbox.models import Machine, Sandbox, State
from sandbox.tests.test_api import assert_error, call

PATH = "/machines/laptop/terminals"
pytestmark = pytest.mark.usefixtures("dispatched")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any) -> Any:
    """Events that were published; those of a commit when the block of `committed` ends."""
    events: list[dict[str, Any]] = []
    monkeypatch.setattr("sandbox.events.publish", lambda pk, event: events.append(event))
    return events


@pytest.fixture
def sandbox(make_sandbox: Any) -> Sandbox:
    return make_sandbox()


def names(client: Client, sandbox: Sandbox) -> list[str]:
    listed = call(client, sandbox, "get", PATH, None)
    assert listed.status_code == 200
    return [terminal["name"] for terminal in listed.json()]


def test_open_rename_and_close(own: Client, sandbox: Sandbox, dispatched: Any) -> None:
    assert names(own, sandbox) == ["main"]
    opened = call(own, sandbox, "post", PATH, {})
    assert (opened.status_code, opened.json()) == (201, {"name": "2", "title": "2"})
    named = call(own, sandbox, "post", PATH, {"name": "logs", "title": " server\n log\x1b "})
    assert named.json() == {"name": "logs", "title": "server log"}
    renamed = call(own, sandbox, "patch", f"{PATH}/2", {"title": "build"})
    assert renamed.json() == {"name": "2", "title": "build"}
    assert call(own, sandbox, "delete", f"{PATH}/2", None).status_code == 204
    assert ("end_terminal", sandbox.pk) in dispatched
    assert names(own, sandbox) == ["main", "logs"]


def test_main_can_be_renamed_and_not_closed(own: Client, sandbox: Sandbox) -> None:
    assert call(own, sandbox, "patch", f"{PATH}/main", {"title": "shell"}).status_code == 200
    assert call(own, sandbox, "get", PATH, None).json() == [{"name": "main", "title": "shell"}]
    assert_error(call(own, sandbox, "delete", f"{PATH}/main", None), 409, "main_stays")


def test_a_machine_has_so_many_terminals_and_no_more(
    own: Client,
    sandbox: Sandbox,
    settings: Any,
) -> None:
    settings.TERMINALS_PER_MACHINE = 3
    for _ in range(2):
        assert call(own, sandbox, "post", PATH, {}).status_code == 201
    assert_error(call(own, sandbox, "post", PATH, {}), 409, "terminals_full")
    assert call(own, sandbox, "post", PATH, {"name": "2"}).status_code == 201, "is there already"
    call(own, sandbox, "delete", f"{PATH}/2", None)
    assert call(own, sandbox, "post", PATH, {}).json()["name"] == "2"


@pytest.mark.parametrize("name", ["", "UPPER", "a b", "x" * 21, "../main", "ä"])
def test_names_that_are_none_are_refused(own: Client, sandbox: Sandbox, name: str) -> None:
    assert call(own, sandbox, "post", PATH, {"name": name}).status_code == 422


def test_what_is_unknown_is_404(own: Client, sandbox: Sandbox) -> None:
    assert_error(call(own, sandbox, "patch", f"{PATH}/9", {"title": "x"}), 404, "not_found")
    assert_error(call(own, sandbox, "delete", f"{PATH}/9", None), 404, "not_found")
    assert_error(call(own, sandbox, "get", "/machines/other/terminals", None), 404, "not_found")


def test_a_stranger_sees_and_changes_nothing(strangers: Client, sandbox: Sandbox) -> None:
    for method, path in (("get", ""), ("post", ""), ("patch", "/main"), ("delete", "/2")):
        body = None if method == "get" else {"title": "x"}
        said = call(strangers, sandbox, method, PATH + path, body)
        assert_error(said, 404, "not_found")


def test_a_machine_that_is_not_up_opens_none(own: Client, make_sandbox: Any) -> None:
    said = call(own, make_sandbox(State.STARTING), "post", PATH, {})
    assert_error(said, 409, "sandbox_not_ready")


def test_a_vm_has_one_terminal(own: Client, sandbox: Sandbox) -> None:
    Machine.objects.update(kind="vm")
    assert_error(call(own, sandbox, "post", PATH, {}), 409, "terminals_full")


def test_a_reset_forgets_all_but_main(own: Client, sandbox: Sandbox, learner: User) -> None:
    call(own, sandbox, "post", PATH, {})
    lifecycle.request_reset(sandbox)
    assert names(own, sandbox) == ["main"]


@pytest.mark.django_db(transaction=True)
def test_every_change_is_an_event(own: Client, sandbox: Sandbox, told: list[Any]) -> None:
    call(own, sandbox, "post", PATH, {"title": "log"})
    call(own, sandbox, "patch", f"{PATH}/2", {"title": "build"})
    call(own, sandbox, "delete", f"{PATH}/2", None)
    where = {"type": "terminal", "machine": "laptop", "terminal": "2"}
    assert told == [
        where | {"change": "opened", "title": "log"},
        where | {"change": "renamed", "title": "build"},
        where | {"change": "closed", "title": "build"},
    ]
