"""The egress proxy: what it passes on, and that it passes on nothing else."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from sandbox import egress_proxy
from sandbox.egress_proxy import Proxy, is_public

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A web server that answers with the head it got."""
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + head)
    await writer.drain()
    writer.close()


@asynccontextmanager
async def outside(answer: Answer = echo_head) -> AsyncIterator[int]:
    """A server on the loopback, which stands for the world; yields its port."""
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def ask(folder: Path, port: int, request: str, allowed: str | None = None) -> bytes:
    """What the proxy says to `request`, where `mirror.test:port` is allowed, at `allowed`."""
    proxy = Proxy({("mirror.test", port): allowed})
    path = str(folder / "proxy")
    async with await proxy.serve(path):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(request.format(port=port).encode("latin-1"))
        said = await asyncio.wait_for(reader.read(), 20)
        writer.close()
    return said


PLAIN = "GET http://mirror.test:{port}/debian/x HTTP/1.1\r\nHost: mirror.test\r\n\r\n"
TUNNEL = "CONNECT mirror.test:{port} HTTP/1.1\r\n\r\nGET /inside HTTP/1.1\r\n\r\n"


async def test_a_listed_host_answers_plainly_and_through_a_tunnel(tmp_path: Path) -> None:
    async with outside() as port:
        plain = await ask(tmp_path, port, PLAIN, "127.0.0.1")
        tunnel = await ask(tmp_path, port, TUNNEL, "127.0.0.1")
    assert b"\r\n\r\nGET /debian/x HTTP/1.1\r\n" in plain
    assert tunnel.startswith(b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK")
    assert tunnel.endswith(b"GET /inside HTTP/1.1\r\n\r\n")


@pytest.mark.parametrize(
    "request_text",
    [
        "GET http://other.test:{port}/ HTTP/1.1\r\n\r\n",
        "GET http://mirror.test/ HTTP/1.1\r\n\r\n",
        "GET http://127.0.0.1:{port}/ HTTP/1.1\r\n\r\n",
        "GET http://mirror.test.evil:{port}/ HTTP/1.1\r\n\r\n",
        "CONNECT other.test:{port} HTTP/1.1\r\n\r\n",
        "CONNECT mirror.test:1 HTTP/1.1\r\n\r\n",
        "CONNECT 169.254.169.254:80 HTTP/1.1\r\n\r\n",
        "CONNECT [::1]:{port} HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_not_listed_is_refused_by_name(tmp_path: Path, request_text: str) -> None:
    async with outside() as port:
        assert (await ask(tmp_path, port, PLAIN, "127.0.0.1")).startswith(b"HTTP/1.1 200")
        said = await ask(tmp_path, port, request_text, "127.0.0.1")
    assert said.startswith(b"HTTP/1.1 403")
    assert f"Allowed: mirror.test:{port}.".encode() in said


@pytest.mark.parametrize(
    "request_text",
    [
        "GET / HTTP/1.1\r\nHost: mirror.test\r\n\r\n",
        "GET https://mirror.test:{port}/ HTTP/1.1\r\n\r\n",
        "GET http://me@mirror.test:{port}/ HTTP/1.1\r\n\r\n",
        "GET http://mirror.test:{port}/ HTTP/1.1\nX: y\r\n\r\n",
        "GET http://mirror.test:{port}/ HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        "GET http://mirror.test:{port}/ HTTP/1.1\r\nContent-Length : 3\r\n\r\n",
        "CONNECT mirror.test HTTP/1.1\r\n\r\n",
        "CONNECT  HTTP/1.1\r\n\r\n",
        "\r\n\r\n",
        "X" * 20000 + "\r\n\r\n",
    ],
)
async def test_what_is_no_request_to_a_proxy_reaches_nobody(
    tmp_path: Path, request_text: str
) -> None:
    reached: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.read(100))
        writer.close()

    async with outside(note) as port:
        said = await ask(tmp_path, port, request_text, "127.0.0.1")
    assert said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))
    assert reached == []


async def test_the_server_sees_the_host_that_was_decided_about(tmp_path: Path) -> None:
    """Else a listed mirror that serves several names would serve all of them."""
    request = (
        "GET http://mirror.test:{port}/ HTTP/1.1\r\nHost: other.test\r\nConnection: keep-alive\r\n"
        "Proxy-Authorization: Basic eA==\r\nAccept: text/plain\r\n\r\n"
    )
    async with outside() as port:
        head = (await ask(tmp_path, port, request, "127.0.0.1")).partition(b"\r\n\r\n")[2]
    assert head.split(b"\r\n") == [
        b"GET / HTTP/1.1",
        f"Host: mirror.test:{port}".encode(),
        b"Accept: text/plain",
        b"Connection: close",
        b"",
        b"",
    ]


async def test_a_name_that_leads_inside_is_not_followed(tmp_path: Path) -> None:
    """A listed name whose server answers with an address of the host's (DNS rebinding)."""
    loop = asyncio.get_running_loop()

    async def lies(*_args: object, **_more: object) -> list[object]:
        found = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*found, (address, port)) for address in ("127.0.0.1", "169.254.169.254")]

    async with outside() as port:
        with patch.object(loop, "getaddrinfo", lies):
            said = await ask(tmp_path, port, PLAIN)
    assert said.startswith(b"HTTP/1.1 403")
    assert b"no public address" in said


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::5db8:d822", True),
        ("10.1.2.3", False),
        ("172.17.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104  an address to be judged
        ("169.254.169.254", False),
        ("224.0.0.251", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:0a00:0001::1", False),
        ("2001:0:4136:e378::1", False),
    ],
)
def test_only_addresses_of_the_open_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


async def test_an_upload_arrives_whole_and_its_answer_comes_back(tmp_path: Path) -> None:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(300_000)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n%d %s" % (len(body), body[-3:]))
        await writer.drain()
        writer.close()

    request = "PUT http://mirror.test:{port}/ HTTP/1.1\r\nContent-Length: 300000\r\n\r\n"
    async with outside(count) as port:
        said = await ask(tmp_path, port, request + "x" * 299_997 + "end", "127.0.0.1")
    assert said.endswith(b"300000 end")


async def test_a_silent_connection_is_given_up(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    with patch.object(egress_proxy, "IDLE_SECONDS", 0.3):
        async with outside(silent) as port:
            assert await ask(tmp_path, port, PLAIN, "127.0.0.1") == b""
    with patch.object(egress_proxy, "HEAD_SECONDS", 0.3):
        assert await ask(tmp_path, 1, "GET ") == b""


async def test_too_many_connections_are_refused_not_queued(tmp_path: Path) -> None:
    """One connection that has not yet said what it wants, and one more."""
    path = str(tmp_path / "proxy")
    with patch.object(egress_proxy, "CONNECTIONS", 1):
        async with await Proxy({}).serve(path):
            _, silent = await asyncio.open_unix_connection(path)
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"CONNECT mirror.test:80 HTTP/1.1\r\n\r\n")
            said = await asyncio.wait_for(reader.read(), 20)
            silent.close()
            writer.close()
    assert said.startswith(b"HTTP/1.1 503")


async def test_a_host_that_is_down_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        said = await ask(tmp_path, taken.getsockname()[1], PLAIN, "127.0.0.1")
    assert said.startswith(b"HTTP/1.1 502")
