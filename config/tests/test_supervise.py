"""What ./start derives from its options."""

import socket
import urllib.request
from pathlib import Path

import pytest

from config import supervise
from config.child_processes import Child


@pytest.mark.parametrize(
    ("host", "port", "ports"),
    [
        ("127.0.0.1", 8000, ""),
        ("localhost", 8000, ""),
        ("0.0.0.0", 8000, "8100-8299"),  # noqa: S104  compared, not bound
        ("192.168.7.20", 8080, "8180-8379"),
        ("::", 65000, "65100-65299"),
        ("0.0.0.0", 65400, "65100-65299"),  # noqa: S104
    ],
)
def test_previews_have_ports_where_browsers_come_from_elsewhere(
    monkeypatch: pytest.MonkeyPatch, host: str, port: int, ports: str
) -> None:
    monkeypatch.delenv("PREVIEW_HOST", raising=False)
    assert supervise.preview_ports(host, port) == ports


def test_names_for_previews_are_used_where_there_are_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREVIEW_HOST", "preview.example.org")
    assert supervise.preview_ports("0.0.0.0", 8000) == ""  # noqa: S104


def test_a_machine_whose_own_name_does_not_resolve_has_addresses_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = supervise.lan_addresses()

    def unknown(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert supervise.lan_addresses() == before
    assert not [address for address in before if address.startswith("127.")]


def test_a_port_on_which_somebody_listens_is_in_use() -> None:
    door = supervise.bound_socket("127.0.0.1", 0)
    assert door is not None
    with door:
        door.listen()
        assert supervise.bound_socket("127.0.0.1", door.getsockname()[1]) is None


def test_small_writes_do_not_wait_for_each_other() -> None:
    door = supervise.bound_socket("127.0.0.1", 0)
    assert door is not None
    with door:
        door.listen()
        with socket.create_connection(door.getsockname()), door.accept()[0] as connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_who_comes_while_the_site_is_started_again_is_served(tmp_path: Path) -> None:
    """By the same words as the site: an application that says who asked."""
    (tmp_path / "app.py").write_text(
        "async def app(scope, receive, send):\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': str(scope['client'][0]).encode()})\n"
    )
    door = supervise.bound_socket("127.0.0.1", 0)
    assert door is not None
    uvicorn = str(supervise.BIN / "uvicorn")
    words = f"app:app --fd {door.fileno()} --loop uvloop --lifespan off --log-level error"
    command = [uvicorn, *words.split(), "--app-dir", str(tmp_path)]
    door.listen()
    site = Child("site", command, {}, log=tmp_path / "log", descriptors=(door.fileno(),))
    with door:
        try:
            for _ in range(2):
                site.start()
                assert asked(door) == b"127.0.0.1"
                assert site.process is not None
                site.process.kill()
                site.process.wait()
        finally:
            site.end(0)


def asked(door: socket.socket) -> bytes:
    """The body of an answer; the connection is made before anybody accepts it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{door.getsockname()[1]}/", timeout=30) as answer:
        return bytes(answer.read())
