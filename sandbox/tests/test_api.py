"""The API of sandboxes: owner, stranger, nobody, wrong method, bad body, wrong secret."""

import json
from typing import Any

import pytest
from django.test import Client

from classroom.models import Token, User
from sandbox import replies
from sandbox.errors import BrokerDown
from sandbox.models import Host, Sandbox, State

pytestmark = pytest.mark.usefixtures("dispatched", "fresh_rates")

# Every operation on a sandbox that exists: method, path below it, body.
OPERATIONS = [
    ("get", "", None),
    ("post", "/extend", {}),
    ("delete", "", None),
    ("post", "/reset", {}),
    ("put", "/machines/laptop/files", {"path": "~/a", "content": "x"}),
    ("post", "/previews", {"machine": "laptop", "port": 80}),
]
IDS = [f"{method} {path or '/'}" for method, path, _ in OPERATIONS]


def call(client: Client, sandbox: Any, method: str, path: str, body: Any, **more: Any) -> Any:
    pk = getattr(sandbox, "pk", sandbox)
    url = f"/api/v1/sandboxes/{pk}{path}"
    data = None if body is None else json.dumps(body)
    return getattr(client, method)(url, data=data, content_type="application/json", **more)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A worker that writes every file."""
    asked: list[tuple[Any, ...]] = []

    def ask(task: Any, *args: Any, timeout_seconds: float) -> Any:
        asked.append(args)
        return {"bytes": len(args[-1])}

    monkeypatch.setattr(replies, "ask", ask)
    return asked


def assert_error(said: Any, status: int, code: str) -> dict[str, Any]:
    assert said.status_code == status, said.content
    error = said.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["hint"]
    return error


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS, ids=IDS)
def test_the_owner_is_served(
    own: Client, make_sandbox: Any, written: Any, method: str, path: str, body: Any
) -> None:
    assert call(own, make_sandbox(), method, path, body).status_code in (200, 201, 202)


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS, ids=IDS)
def test_a_stranger_gets_404_and_changes_nothing(
    strangers: Client, make_sandbox: Any, written: Any, method: str, path: str, body: Any
) -> None:
    sandbox = make_sandbox()
    assert_error(call(strangers, sandbox, method, path, body), 404, "not_found")
    assert Sandbox.objects.get() == sandbox
    assert Sandbox.objects.get().state == State.READY
    assert written == []


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS, ids=IDS)
def test_an_unknown_sandbox_is_404(own: Client, method: str, path: str, body: Any) -> None:
    assert_error(call(own, "nosuchsandbox", method, path, body), 404, "not_found")


@pytest.mark.django_db
def test_reading_without_a_session_is_401_and_makes_nobody(make_sandbox: Any) -> None:
    sandbox, before = make_sandbox(), User.objects.count()
    assert_error(call(Client(), sandbox, "get", "", None), 401, "not_signed_in")
    assert User.objects.count() == before


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS[1:], ids=IDS[1:])
def test_writing_without_a_session_makes_a_guest_who_is_a_stranger(
    make_sandbox: Any, written: Any, method: str, path: str, body: Any
) -> None:
    client = Client()
    assert_error(call(client, make_sandbox(), method, path, body), 404, "not_found")
    assert User.objects.get(is_guest=True).role == User.Role.LEARNER
    assert "sessionid" in client.cookies


def test_the_second_call_of_a_guest_makes_no_other(make_sandbox: Any) -> None:
    client, sandbox = Client(), make_sandbox()
    for _ in range(2):
        call(client, sandbox, "post", "/extend", {})
    assert User.objects.filter(is_guest=True).count() == 1


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS[1:], ids=IDS[1:])
def test_a_cookie_alone_does_not_write(
    learner: User, make_sandbox: Any, method: str, path: str, body: Any
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(learner)
    assert_error(call(client, make_sandbox(), method, path, body), 403, "forbidden")
    assert Sandbox.objects.get().state == State.READY


def test_without_the_csrf_header_no_guest_is_made(make_sandbox: Any) -> None:
    sandbox = make_sandbox()
    client = Client(enforce_csrf_checks=True)
    assert_error(call(client, sandbox, "post", "/extend", {}), 403, "forbidden")
    assert not User.objects.filter(is_guest=True).exists()


def test_with_the_csrf_header_a_cookie_writes(learner: User, make_sandbox: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(learner)
    client.cookies["csrftoken"] = token = "a" * 32
    said = call(client, make_sandbox(), "post", "/extend", {}, HTTP_X_CSRFTOKEN=token)
    assert said.status_code == 200


def test_a_bearer_token_needs_neither_cookie_nor_csrf(learner: User, make_sandbox: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    header = f"Bearer {Token.issue(learner, 'tool')}"
    sandbox = make_sandbox()
    said = call(client, sandbox, "post", "/extend", {}, HTTP_AUTHORIZATION=header)
    assert said.status_code == 200
    assert call(client, sandbox, "get", "", None, HTTP_AUTHORIZATION=header).status_code == 200


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Basic YTpi", "", "Bearer"])
def test_a_bad_token_is_refused_even_with_a_good_cookie(
    own: Client, make_sandbox: Any, header: str
) -> None:
    sandbox = make_sandbox()
    for method, path, body in (OPERATIONS[0], OPERATIONS[2]):
        said = call(own, sandbox, method, path, body, HTTP_AUTHORIZATION=header)
        assert_error(said, 401, "not_signed_in")


def test_a_locked_persons_token_is_refused(learner: User, make_sandbox: Any) -> None:
    header = f"Bearer {Token.issue(learner, 'tool')}"
    User.objects.update(is_active=False)
    said = call(Client(), make_sandbox(), "get", "", None, HTTP_AUTHORIZATION=header)
    assert_error(said, 401, "not_signed_in")


@pytest.mark.parametrize(("method", "path"), [("post", ""), ("put", ""), ("get", "/extend")])
def test_a_wrong_method_is_405(own: Client, make_sandbox: Any, method: str, path: str) -> None:
    body = None if method == "get" else {}
    said = call(own, make_sandbox(), method, path, body)
    assert_error(said, 405, "wrong_method")
    assert said["Allow"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/machines/laptop/files", {}),
        ("/machines/laptop/files", {"path": 7, "content": "x"}),
        ("/machines/laptop/files", {"path": "~/a", "content": "\ud800"}),
        ("/machines/laptop/files", ["~/a"]),
    ],
)
def test_a_bad_body_is_422_with_the_error_shape(
    own: Client, make_sandbox: Any, written: Any, path: str, body: Any
) -> None:
    assert_error(call(own, make_sandbox(), "put", path, body), 422, "invalid")
    assert written == []


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_a_clear_error(own: Client, make_sandbox: Any, body: bytes) -> None:
    url = f"/api/v1/sandboxes/{make_sandbox().pk}/previews"
    said = own.post(url, data=body, content_type="application/json")
    assert said.status_code in (400, 422)
    assert_error(said, said.status_code, said.json()["error"]["code"])


@pytest.mark.parametrize("port", ["eighty", -1, 0, 70000, None])
def test_a_port_that_is_none_is_refused(own: Client, make_sandbox: Any, port: Any) -> None:
    said = call(own, make_sandbox(), "post", "/previews", {"machine": "laptop", "port": port})
    assert said.status_code in (400, 422)


def test_a_preview_is_201_with_its_address(own: Client, make_sandbox: Any) -> None:
    said = call(own, make_sandbox(), "post", "/previews", {"machine": "laptop", "port": 80})
    assert said.status_code == 201
    assert said.json()["url"].endswith("-80.localhost:8000/")


def test_stop_answers_202_stopping_and_again_202(own: Client, make_sandbox: Any) -> None:
    sandbox = make_sandbox()
    for _ in range(2):
        said = call(own, sandbox, "delete", "", None)
        assert (said.status_code, said.json()["state"]) == (202, "stopping")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [operation for operation in OPERATIONS if operation[1]],
    ids=[name for name, operation in zip(IDS, OPERATIONS, strict=True) if operation[1]],
)
def test_what_is_not_ready_is_409(
    own: Client, make_sandbox: Any, written: Any, method: str, path: str, body: Any
) -> None:
    said = call(own, make_sandbox(State.STARTING), method, path, body)
    assert_error(said, 409, "sandbox_not_ready")


def test_no_extensions_left_is_409(own: Client, make_sandbox: Any) -> None:
    said = call(own, make_sandbox(extensions=99), "post", "/extend", {})
    assert_error(said, 409, "no_extensions_left")


@pytest.mark.parametrize(("path", "body"), [OPERATIONS[4][1:], OPERATIONS[5][1:]])
def test_an_unknown_machine_is_404(
    own: Client, make_sandbox: Any, written: Any, path: str, body: Any
) -> None:
    path, body = path.replace("laptop", "other"), body | {"machine": "other"}
    method = "put" if "files" in path else "post"
    assert_error(call(own, make_sandbox(), method, path, body), 404, "not_found")


def test_a_file_goes_to_the_worker_as_it_is(
    own: Client, make_sandbox: Any, written: list[tuple[Any, ...]]
) -> None:
    sandbox = make_sandbox()
    said = call(own, sandbox, "put", *OPERATIONS[4][1:])
    assert said.json() == {"path": "~/a", "bytes": 1}
    assert written == [(sandbox.pk, "laptop", "~/a", "x")]


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (None, 503, "error"),
        (
            {"error": {"code": "bad_request", "message": "No.", "hint": "Else.", "status": 400}},
            400,
            "bad_request",
        ),
        (
            {
                "error": {
                    "code": "machine_died",
                    "message": "Died.",
                    "hint": "Start.",
                    "status": 503,
                }
            },
            503,
            "machine_died",
        ),
    ],
)
def test_what_the_worker_says_reaches_the_caller(
    own: Client, make_sandbox: Any, monkeypatch: pytest.MonkeyPatch,
    answer: Any, status: int, code: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(replies, "ask", lambda *_, **__: answer)
    assert_error(call(own, make_sandbox(), "put", *OPERATIONS[4][1:]), status, code)


def test_a_broker_away_is_503(
    own: Client, make_sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise BrokerDown

    monkeypatch.setattr(replies, "ask", away)
    assert_error(call(own, make_sandbox(), "put", *OPERATIONS[4][1:]), 503, "no_broker")


def test_a_refused_start_says_when_to_come_back(own: Client, host: Host) -> None:
    Host.objects.update(memory_bytes=1024)
    body = json.dumps({"course": "playground", "lesson": "shell"})
    said = own.post("/api/v1/sandboxes", data=body, content_type="application/json")
    if said.status_code == 404:
        pytest.fail("the playground has no lesson 'shell' any more")
    assert_error(said, 503, "out_of_capacity")
    assert int(said["Retry-After"]) > 0


def test_the_openapi_schema_names_every_operation(client: Client, db: None) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    for method, path, _ in OPERATIONS:
        full = f"/api/v1/sandboxes/{{sandbox_id}}{path}".replace("laptop", "{machine}")
        assert method in paths[full]


def test_the_readable_page_has_every_operation(client: Client, db: None) -> None:
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert "/api/v1/sandboxes/{sandbox_id}/extend" in page.content.decode()
