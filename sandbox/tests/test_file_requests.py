"""A machine's files over HTTP: who gets in, what is passed on, what is refused before it is."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.test import Client

from classroom.auth import HttpUser
from classroom.models import Token, User
from sandbox import files
from sandbox.file_requests import FileRequests
from sandbox.models import Sandbox, State

pytestmark = pytest.mark.django_db(transaction=True)
SITE = "http://localhost:8000"


async def inside(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body"})


class Disk:
    """In the place of `sandbox.files`: keeps what is written."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.content = b""
        self.cut = False

    async def write(self, machine: Any, path: str, body: Any, **more: Any) -> dict[str, Any]:
        self.orders.append({"path": path, **more})
        try:
            async for data in body:
                self.content += data
        except BaseException:
            self.cut = True
            raise
        return {"path": path, "bytes": len(self.content), "etag": "1-2-3"}

    async def read(self, machine: Any, path: str) -> AsyncIterator[files.Found]:
        async def content() -> AsyncIterator[bytes]:
            yield b"ab"
            yield b"cd"

        yield files.Found(5 if self.cut else 4, "1-2-3", content())


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    fake = Disk()
    monkeypatch.setattr(files, "write", fake.write)
    monkeypatch.setattr(files, "read", fake.read)
    return fake


@pytest.fixture
def sandbox(make_sandbox: Any) -> Sandbox:
    return make_sandbox()


@pytest.fixture
def secret(learner: User) -> str:
    return Token.issue(learner, "tool")


def headers_of(secret: str = "", **more: str) -> list[tuple[bytes, bytes]]:
    found = {"host": "localhost:8000"} | {k.replace("_", "-"): v for k, v in more.items()}
    if secret:
        found["authorization"] = f"Bearer {secret}"
    return [(name.encode(), value.encode()) for name, value in found.items()]


async def begin(
    sandbox: Any,
    method: str,
    query: str,
    headers: list[tuple[bytes, bytes]],
    machine: str = "laptop",
) -> ApplicationCommunicator:
    path = f"/api/v1/sandboxes/{sandbox.pk}/machines/{machine}/files"
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": headers,
    }
    return ApplicationCommunicator(FileRequests(inside, HttpUser), scope)


async def answer(app: ApplicationCommunicator) -> tuple[int, dict[bytes, bytes], bytes]:
    start = await app.receive_output(5)
    body = b""
    while True:
        part = await app.receive_output(5)
        body += part.get("body", b"")
        if not part.get("more_body"):
            return start["status"], dict(start["headers"]), body


async def call(
    sandbox: Any, method: str, query: str, headers: Any, *parts: bytes, machine: str = "laptop"
) -> tuple[int, dict[bytes, bytes], bytes]:
    app = await begin(sandbox, method, query, headers, machine)
    for index, part in enumerate(parts or (b"",)):
        more = index + 1 < len(parts)
        await app.send_input({"type": "http.request", "body": part, "more_body": more})
    return await answer(app)


async def test_an_upload_is_passed_on_as_it_comes(
    sandbox: Sandbox, secret: str, disk: Disk
) -> None:
    app = await begin(
        sandbox, "POST", "path=~/a.txt&overwrite=0", headers_of(secret, if_match='"1-2-3"')
    )
    await app.send_input({"type": "http.request", "body": b"one ", "more_body": True})
    async with asyncio.timeout(5):
        while disk.content != b"one ":
            await asyncio.sleep(0.01)
    await app.send_input({"type": "http.request", "body": b"two", "more_body": False})
    status, _, body = await answer(app)
    assert (status, json.loads(body)) == (201, {"path": "~/a.txt", "bytes": 7, "etag": "1-2-3"})
    assert disk.orders == [{"path": "~/a.txt", "overwrite": False, "if_match": "1-2-3"}]


async def test_a_client_that_leaves_ends_the_upload(
    sandbox: Sandbox, secret: str, disk: Disk
) -> None:
    app = await begin(sandbox, "POST", "path=~/a.txt", headers_of(secret))
    await app.send_input({"type": "http.request", "body": b"one ", "more_body": True})
    await app.send_input({"type": "http.disconnect"})
    await app.wait(5)
    assert disk.cut


async def test_a_download_never_is_a_page_of_the_site(
    sandbox: Sandbox, secret: str, disk: Disk
) -> None:
    status, headers, body = await call(sandbox, "GET", "path=~/a b.html", headers_of(secret))
    assert (status, body) == (200, b"abcd")
    assert headers[b"content-type"] == b"application/octet-stream"
    assert headers[b"content-disposition"] == b"attachment; filename*=UTF-8''a%20b.html"
    assert headers[b"content-length"] == b"4"
    assert headers[b"etag"] == b'"1-2-3"'


async def test_a_download_that_breaks_off_stays_without_its_end(
    sandbox: Sandbox, secret: str, disk: Disk
) -> None:
    disk.cut = True
    app = await begin(sandbox, "GET", "path=~/a", headers_of(secret))
    await app.send_input({"type": "http.request"})
    sent = [await app.receive_output(5) for _ in range(3)]
    await app.wait(5)
    assert [part.get("more_body") for part in sent[1:]] == [True, True]
    assert await app.receive_nothing(0.05)


@pytest.mark.parametrize(
    "query", ["", "path=", "path=a.txt", "path=~/", "path=~/%00", "path=/" + "x" * 5000]
)
async def test_paths_that_are_none_are_refused(
    sandbox: Sandbox, secret: str, disk: Disk, query: str
) -> None:
    status, _, _ = await call(sandbox, "POST", query, headers_of(secret))
    assert status == 400
    assert disk.orders == []


async def test_a_body_that_says_it_is_too_large_is_not_taken(
    sandbox: Sandbox, secret: str, disk: Disk
) -> None:
    headers = headers_of(secret, content_length=str(files.limit_bytes() + 1))
    status, _, body = await call(sandbox, "POST", "path=~/a", headers)
    assert (status, json.loads(body)["error"]["code"]) == (413, "too_large")


async def test_strangers_unknown_machines_and_nobody_get_nothing(
    sandbox: Sandbox, secret: str, stranger: User, disk: Disk
) -> None:
    other = await sync_to_async(Token.issue)(stranger, "other")
    assert (await call(sandbox, "GET", "path=~/a", headers_of(other)))[0] == 404
    assert (await call(sandbox, "GET", "path=~/a", headers_of(secret), machine="none"))[0] == 404
    assert (await call(sandbox, "GET", "path=~/a", headers_of("slw_wrong")))[0] == 401
    assert (await call(sandbox, "POST", "path=~/a", headers_of()))[0] == 401
    assert not await User.objects.filter(is_guest=True).aexists()


async def test_a_cookie_needs_the_csrf_token_to_write(
    sandbox: Sandbox, learner: User, disk: Disk
) -> None:
    client = Client()
    await sync_to_async(client.force_login)(learner)
    token = "x" * 32
    cookie = f"sessionid={client.cookies['sessionid'].value}; csrftoken={token}"
    assert (await call(sandbox, "GET", "path=~/a", headers_of(cookie=cookie)))[0] == 200
    assert (await call(sandbox, "POST", "path=~/a", headers_of(cookie=cookie)))[0] == 403
    right = headers_of(cookie=cookie, x_csrftoken=token, origin=SITE)
    assert (await call(sandbox, "POST", "path=~/a", right))[0] == 201
    foreign = headers_of(cookie=cookie, x_csrftoken=token, origin="http://evil.example")
    assert (await call(sandbox, "POST", "path=~/a", foreign))[0] == 403


async def test_a_machine_that_is_not_up_has_no_files(
    make_sandbox: Any, secret: str, disk: Disk
) -> None:
    sandbox = await sync_to_async(make_sandbox)(State.STARTING)
    status, _, body = await call(sandbox, "GET", "path=~/a", headers_of(secret))
    assert (status, json.loads(body)["error"]["code"]) == (409, "sandbox_not_ready")


async def test_lessons_files_and_all_else_go_on_inside(sandbox: Sandbox) -> None:
    assert (await call(sandbox, "PUT", "", []))[0] == 299
    assert (await call(sandbox, "GET", "", [], machine="laptop/terminals"))[0] == 299


@pytest.mark.parametrize(
    ("method", "query", "does", "status"),
    [
        ("POST", "folder=~/a", ("make_folder", ("~/a",), {}), 201),
        ("POST", "path=~/a&to=~/b", ("rename", ("~/a", "~/b"), {}), 200),
        ("DELETE", "path=~/a", ("delete", ("~/a",), {"recursive": False}), 200),
        ("DELETE", "path=~/a&recursive=1", ("delete", ("~/a",), {"recursive": True}), 200),
    ],
)
async def test_names_are_given_and_taken_by_the_owner_alone(
    sandbox: Sandbox,
    secret: str,
    stranger: User,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    query: str,
    does: Any,
    status: int,
) -> None:
    done: list[Any] = []

    def recorder(name: str) -> Any:
        async def record(machine: Any, *paths: str, **options: Any) -> dict[str, str]:
            done.append((name, paths, options))
            return {"path": paths[-1]}

        return record

    for name in ("make_folder", "rename", "delete"):
        monkeypatch.setattr(files, name, recorder(name))
    others = await sync_to_async(Token.issue)(stranger, "tool")
    assert (await call(sandbox, method, query, headers_of(others)))[0] == 404
    assert (await call(sandbox, method, query, headers_of()))[0] == 401
    assert done == []
    said = await call(sandbox, method, query, headers_of(secret))
    assert (said[0], done) == (status, [does])


@pytest.mark.parametrize("method", ["PATCH", "HEAD", "OPTIONS"])
async def test_a_method_that_is_not_taken_says_which_are(
    sandbox: Sandbox, secret: str, disk: Disk, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    status, headers, body = await call(sandbox, method, "path=~/a", headers_of(secret))
    assert (status, headers[b"allow"]) == (405, b"DELETE, GET, POST, PUT")
    error = json.loads(body)["error"]
    assert (error["code"], error["hint"]) == ("wrong_method", "Use one of: DELETE, GET, POST, PUT.")
    assert f"{sandbox.pk}/machines/laptop/files refused: wrong_method" in caplog.text
    assert disk.orders == []
