"""What ./start derives from its options."""

import socket

import pytest

from config import supervise


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
