"""Every operation of the API, asked for wrongly: one shape of error, a line of the log, nothing made."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from classroom.models import User
from config.api import api
from sandbox.errors import SandboxError
from sandbox.models import Host, Sandbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("dispatched", "fresh_rates")]
PATHS: dict[str, Any] = api.get_openapi_schema()["paths"]
OPERATIONS = [
    (method, path, operation) for path, each in PATHS.items() for method, operation in each.items()
]
# Lists that take nothing, so that nothing in a request can be wrong.
LISTS = ("/courses", "/progress", "/recordings")
METHODS = {"get", "post", "put", "patch", "delete"}
# By their path alone who calls does not matter.
FOR_ALL = ("/courses", "/courses/{course}/lessons/{lesson}", "/author/{course}")


def over(chosen: list[tuple[Any, ...]]) -> Any:
    names = [f"{method.upper()} {path}" for method, path, *_ in chosen]
    pairs = [(method, path) for method, path, *_ in chosen]
    return pytest.mark.parametrize(("method", "path"), pairs, ids=names)


def is_one_of(path: str, short: tuple[str, ...]) -> bool:
    return path.removeprefix("/api/v1") in short


Refused = Callable[..., dict[str, Any]]


@pytest.fixture
def refused(make_sandbox: Any, caplog: pytest.LogCaptureFixture) -> Refused:
    """Asks `client` for an operation on somebody's sandbox and on nothing else that there is."""
    sandbox = make_sandbox()

    def rows() -> dict[str, int]:
        return {model.__name__: model.objects.count() for model in apps.get_models()}

    def ask(client: Client, method: str, path: str, body: str = "") -> dict[str, Any]:
        address = re.sub(r"{\w+}", "nosuch", path.replace("{sandbox_id}", sandbox.pk))
        before, state = rows(), Sandbox.objects.values().get()
        caplog.clear()
        said = client.generic(method.upper(), address, body, content_type="application/json")
        (line,) = [each.getMessage() for each in caplog.records if each.name == "config.api"]
        assert f"{said.status_code} " in line
        assert "\n" not in line
        if "{sandbox_id}" in path:
            assert f"sandbox {sandbox.pk}," in line
        assert rows() == before
        assert Sandbox.objects.values().get() == state
        assert set(said.json()) == {"error"}
        error: dict[str, Any] = said.json()["error"]
        assert all(error[key] for key in ("code", "message", "hint")), error
        return error | {"status": said.status_code, "allow": said.headers.get("Allow")}

    return ask


@over([each for each in OPERATIONS if not is_one_of(each[1], LISTS)])
def test_what_is_not_there_or_not_theirs(
    strangers: Client, refused: Refused, method: str, path: str
) -> None:
    error = refused(strangers, method, path, "" if method == "get" else "{}")
    assert (error["status"], error["code"]) in ((404, "not_found"), (422, "invalid"))


@over([each for each in OPERATIONS if "requestBody" in each[2]])
def test_a_body_that_is_no_json(own: Client, refused: Refused, method: str, path: str) -> None:
    error = refused(own, method, path, "{")
    assert (error["status"], error["code"]) == (400, "bad_request")


@over([each for each in OPERATIONS if not is_one_of(each[1], FOR_ALL)])
def test_nobody(refused: Refused, method: str, path: str) -> None:
    error = refused(Client(enforce_csrf_checks=True), method, path)
    wanted = (401, "not_signed_in") if method == "get" else (403, "forbidden")
    assert (error["status"], error["code"]) == wanted


@over([(min(METHODS - set(methods)), path) for path, methods in PATHS.items()])
def test_a_method_that_is_not_taken(own: Client, refused: Refused, method: str, path: str) -> None:
    error = refused(own, method, path)
    assert (error["status"], error["code"]) == (405, "wrong_method")
    assert error["allow"] == ", ".join(sorted(each.upper() for each in PATHS[path]))
    assert error["allow"] in error["hint"]


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("path", ["/api/v1/", "/api/v1/nosuch", "/api/v1/courses/"])
def test_an_address_that_there_is_not(refused: Refused, method: str, path: str) -> None:
    error = refused(Client(enforce_csrf_checks=True), method, path)
    assert (error["status"], error["code"]) == (404, "not_found")


def test_a_line_of_the_log_stays_one(own: Client, refused: Refused) -> None:
    error = refused(own, "get", "/api/v1/sandboxes/a%0Aroot:%20all%20is%20well")
    assert error["status"] == 404


def start(client: Client) -> Any:
    body = json.dumps({"course": "playground", "lesson": "shell"})
    return client.post("/api/v1/sandboxes", data=body, content_type="application/json")


def test_a_start_beside_another_lessons_machines_names_those(
    own: Client, make_sandbox: Any, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    live = make_sandbox()
    said = start(own)
    assert (said.status_code, said.json()["error"]["sandbox_id"]) == (409, live.pk)
    assert f"sandbox_live 'Another lesson of yours still has machines.'; sandbox {live.pk}" in (
        caplog.text
    )


def test_a_start_over_a_limit_names_the_learner(
    own: Client, learner: User, host: Host, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.START_RATE_LEARNER = "0/minute"
    assert start(own).status_code == 429
    assert f"sandbox none, learner {learner.pk}" in caplog.text
    assert not Sandbox.objects.exists()


def families(family: type[SandboxError]) -> Iterator[type[SandboxError]]:
    yield family
    for each in family.__subclasses__():
        yield from families(each)


@pytest.mark.parametrize("error", list(families(SandboxError)), ids=lambda each: each.__name__)
def test_every_error_says_what_to_do(error: type[SandboxError]) -> None:
    assert error.message
    assert error.hint
