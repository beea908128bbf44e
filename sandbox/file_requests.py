"""HTTP edge of a machine's files: an ASGI application, so that bytes are streamed.

Django would take in a whole body before a view sees it; here an upload goes into the machine
as it comes, and a client that leaves ends it.
"""

import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any
from urllib.parse import parse_qs, quote

from django.conf import settings

from sandbox import files
from sandbox.errors import (
    BadRequest,
    EngineDown,
    MachineNotFound,
    SandboxError,
    SandboxNotReady,
    SandboxUserError,
)
from sandbox.models import Machine
from sandbox.terminals import find_machine, is_usable

log = logging.getLogger(__name__)
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
# PUT takes JSON, and is Django's.
METHODS = ("DELETE", "GET", "POST", "PUT")
PATH = re.compile(r"/api/v1/sandboxes/([a-z0-9]{1,40})/machines/([a-z0-9-]{1,40})/files")


class ClientLeft(Exception):
    """Nobody is left to answer."""


class TooLarge(BadRequest):
    code = "too_large"
    message = "The file is too large."
    status = 413


class WrongMethod(SandboxUserError):
    code = "wrong_method"
    message = "Files are not asked for like this."
    hint = f"Use one of: {', '.join(METHODS)}."
    status = 405


class FileRequests:
    """ASGI middleware: a machine's files are served here but for PUT, all else inside.

    `with_user` wraps an application so that it gets `scope["user"]`, or is not called.
    """

    def __init__(self, inner: Any, with_user: Callable[[Any], Any]) -> None:
        self.inner = inner
        self.serve = with_user(serve)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        ours = scope["method"] != "PUT" and PATH.fullmatch(scope["path"])
        await (self.serve if ours else self.inner)(scope, receive, send)


async def serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer one request of a person who is known."""
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    try:
        if scope["method"] not in METHODS:
            raise WrongMethod
        machine = await _machine(scope)
        if scope["method"] == "DELETE":
            recursive = query.get("recursive", ["0"])[0] == "1"
            await _json(send, 200, await files.delete(machine, _path(query), recursive=recursive))
        elif scope["method"] == "POST" and "folder" in query:
            await _json(send, 201, await files.make_folder(machine, _path(query, "folder")))
        elif scope["method"] == "POST" and "to" in query:
            renamed = await files.rename(machine, _path(query), _path(query, "to"))
            await _json(send, 200, renamed)
        elif scope["method"] == "POST":
            await _upload(machine, query, scope, receive, send)
        elif "list" in query:
            await _json(send, 200, await files.entries(machine, query["list"][0] or "~"))
        else:
            await _download(machine, _path(query), send)
    except SandboxError as error:
        # The path names the sandbox; what the caller wrote stays one line.
        log.warning("%s %s refused: %s %r", scope["method"], scope["path"], error.code, str(error))
        said = {"code": error.code, "message": error.message, "hint": error.hint}
        await _json(send, error.status, {"error": said})
    except TimeoutError:
        said = {"code": "silent", "message": "Nothing moved for a minute.", "hint": "Try again."}
        await _json(send, 408, {"error": said})
    except (ClientLeft, OSError):
        log.debug("client of %s left", scope["path"])


async def _machine(scope: dict[str, Any]) -> Machine:
    if not settings.SANDBOX_ENGINE_ACCESS:
        raise EngineDown("This process may not reach the engine.", "Send it to the console.")
    match = PATH.fullmatch(scope["path"])
    found: Machine | None = await find_machine(scope["user"], *match.groups()) if match else None
    if found is None:
        raise MachineNotFound
    if not is_usable(found) or not found.container_id:
        raise SandboxNotReady
    return found


def _path(query: dict[str, list[str]], name: str = "path") -> str:
    path = query.get(name, [""])[0]
    if not path.startswith(("/", "~/")) or "\0" in path or len(path) > 4096:
        raise BadRequest("The path is not valid.", "Give an absolute path, or one in ~/.")
    return path


async def _upload(
    machine: Machine,
    query: dict[str, list[str]],
    scope: dict[str, Any],
    receive: Receive,
    send: Send,
) -> None:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    length = headers.get(b"content-length", "")
    if length.isdigit() and int(length) > files.limit_bytes():
        raise TooLarge(hint=f"At most {settings.SANDBOX_FILE_MIB} MiB.")
    path = _path(query)
    if path.endswith("/"):
        raise BadRequest("The path names a folder.", "Add the file's name.")
    written = await files.write(
        machine,
        path,
        _body(receive),
        overwrite=query.get("overwrite", ["1"])[0] != "0",
        if_match=headers.get(b"if-match", "").strip('"'),
    )
    await _json(send, 201, written)


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def _download(machine: Machine, path: str, send: Send) -> None:
    async with aclosing(files.read(machine, path)) as reading:
        async for found in reading:
            await send(_start(200, _file_headers(path, found)))
            left = found.size_bytes
            async for data in found.content:
                left -= len(data)
                await send({"type": "http.response.body", "body": data, "more_body": True})
            if left:
                # The server closes the connection: that is how HTTP says "not whole".
                raise ClientLeft
            await send({"type": "http.response.body"})


def _file_headers(path: str, found: files.Found) -> list[tuple[bytes, bytes]]:
    name = quote(path.rpartition("/")[2])
    return [
        # A learner's file must never be a page of the site's.
        (b"content-type", b"application/octet-stream"),
        (b"content-disposition", f"attachment; filename*=UTF-8''{name}".encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"sandbox; default-src 'none'"),
        (b"content-length", str(found.size_bytes).encode()),
        (b"etag", f'"{found.etag}"'.encode()),
        (b"cache-control", b"no-store"),
    ]


async def _json(send: Send, status: int, said: dict[str, Any]) -> None:
    body = json.dumps(said).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]
    if status == WrongMethod.status:
        headers.append((b"allow", ", ".join(METHODS).encode()))
    await send(_start(status, headers))
    await send({"type": "http.response.body", "body": body})


def _start(status: int, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}
