"""The console's ports, really listened on: taken, kept apart from other consoles', given back."""

import asyncio
import socket
from typing import Any

import pytest

from sandbox import preview_listener, preview_ways
from sandbox.models import PreviewPort
from sandbox.preview_listener import Listener
from sandbox.tests.port_engine import PortEngine, Recorder

pytestmark = pytest.mark.django_db(transaction=True)
TRIES = 50


@pytest.fixture
def ports(settings: Any) -> list[int]:
    """Two neighbouring ports that nobody has."""
    for _ in range(TRIES):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            first = int(probe.getsockname()[1])
            try:
                socket.create_server(("127.0.0.1", first + 1)).close()
            except OSError:
                continue
        break
    settings.PREVIEW_PORTS = f"{first}-{first + 1}"
    settings.PREVIEW_PORTS_BIND = "127.0.0.1"
    settings.PREVIEW_HOST = "preview.example.org:8000"
    return [first, first + 1]


async def get(port: int, path: str = "/") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.timeout(15):
        said = await reader.read()
    writer.close()
    return said


def rows() -> dict[int, str]:
    return dict(PreviewPort.objects.values_list("number", "console"))


async def test_a_preview_answers_at_its_port(
    ports: list[int], port_engine: PortEngine, make_sandbox: Any, settings: Any
) -> None:
    settings.PREVIEW_HOST = ""  # no names here
    listener = Listener()
    await listener.take()
    sandbox = await asyncio.to_thread(make_sandbox)
    inside = await port_engine.serve(Recorder())
    url, way = await asyncio.to_thread(
        lambda: preview_ways.open_preview(sandbox, "laptop", inside, site_host="localhost:8000")
    )
    assert (way, listener.held) == ("port", ports)
    said = await get(ports[0], "/" + url.split("/", 3)[3])
    assert said.startswith(b"HTTP/1.1 200 OK")
    assert said.endswith(b"hello")
    for port in ports:
        assert (await get(port)).startswith(b"HTTP/1.1 404")
    await listener.end()


async def test_two_consoles_have_each_port_once_and_the_second_takes_over(ports: list[int]) -> None:
    first, second = Listener(), Listener()
    await first.take()
    await second.take()
    assert (first.held, second.held) == (ports, [])
    assert set((await asyncio.to_thread(rows)).values()) == {first.console}
    await first.end()
    await second.take()
    assert second.held == ports
    assert set((await asyncio.to_thread(rows)).values()) == {second.console}
    assert (await get(ports[0])).startswith(b"HTTP/1.1 404")
    await second.end()
    with pytest.raises(ConnectionRefusedError):
        await get(ports[0])


async def test_a_port_that_another_program_has_is_left_to_it(ports: list[int]) -> None:
    listener = Listener()
    with socket.create_server(("127.0.0.1", ports[0])):
        await listener.take()
        assert listener.held == [ports[1]]
    await listener.take()
    assert sorted(listener.held) == ports
    await listener.end()


@pytest.mark.parametrize("access", [True, False])
async def test_only_a_console_listens(ports: list[int], settings: Any, access: bool) -> None:
    settings.SANDBOX_ENGINE_ACCESS = access
    come = asyncio.Queue[dict[str, Any]]()
    sent: list[str] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["type"])

    come.put_nowait({"type": "lifespan.startup"})
    job = asyncio.create_task(preview_listener.lifespan({"type": "lifespan"}, come.get, send))
    async with asyncio.timeout(10):
        while access and not await asyncio.to_thread(rows):
            await asyncio.sleep(0.02)
    assert bool(await asyncio.to_thread(rows)) is access
    come.put_nowait({"type": "lifespan.shutdown"})
    async with asyncio.timeout(10):
        await job
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            await get(port)
