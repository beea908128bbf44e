"""The operator's list of hosts: how it is read, and what machines are told."""

from typing import Any

import pytest

from sandbox import egress
from sandbox.checks import check_sandbox_settings
from sandbox.hostconfig import container_body


@pytest.mark.parametrize(
    ("entry", "host", "port", "address"),
    [
        ("deb.example.org:80", "deb.example.org", 80, None),
        (" Registry.Example.org.:443", "registry.example.org", 443, None),
        ("mirror.lan:5000=192.168.1.10", "mirror.lan", 5000, "192.168.1.10"),
        ("192.168.1.10:5000", "192.168.1.10", 5000, "192.168.1.10"),
        ("[2001:db8::1]:443", "2001:db8::1", 443, "2001:db8::1"),
        ("mirror:80=2001:db8::1", "mirror", 80, "2001:db8::1"),
    ],
)
def test_an_entry_names_host_port_and_address(
    entry: str, host: str, port: int, address: str | None
) -> None:
    assert egress.parse(entry) == egress.Target(host, port, address)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "deb.example.org",
        "deb.example.org:",
        "deb.example.org:0",
        "deb.example.org:70000",
        "*:443",
        "*.example.org:443",
        "http://deb.example.org:80",
        "deb.example.org:80/debian",
        "a b:80",
        "mirror.lan:80=",
        "mirror.lan:80=other.lan",
        "mirror.lan:80=192.168.0.0/16",
        "127.0.0.1:6379",
        "mirror.lan:80=127.0.0.1",
        "[::1]:80",
        "[::ffff:127.0.0.1]:80",
        "169.254.169.254:80",
        "mirror.lan:80=fe80::1",
        "0.0.0.0:80",
        "224.0.0.1:80",
    ],
)
def test_an_entry_that_says_nothing_clear_stops_the_start(entry: str, settings: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        egress.parse(entry)
    settings.SANDBOX_EGRESS_DOCKER = [entry]
    assert [problem.id for problem in check_sandbox_settings(None)] == ["sandbox.E012"]


def body(kind: str) -> dict[str, object]:
    return container_body(
        kind, "laptop", {}, network=None, data_volume="data-1", neighbours=("production",)
    )


@pytest.mark.parametrize("kind", egress.KINDS)
def test_without_a_list_a_machine_has_no_trace_of_a_way_out(kind: str) -> None:
    assert "egress" not in str(body(kind))
    assert "proxy" not in str(body(kind))


def test_a_list_is_of_one_kind_only(settings: Any) -> None:
    before = body("shell")
    settings.SANDBOX_EGRESS_DOCKER = ["deb.example.org:80"]
    assert body("shell") == before
    assert "egress" in str(body("docker"))


@pytest.mark.parametrize("kind", egress.KINDS)
def test_with_a_list_a_machine_gets_the_socket_and_no_network(kind: str, settings: Any) -> None:
    closed = body(kind)
    settings.SANDBOX_EGRESS_SHELL = settings.SANDBOX_EGRESS_DOCKER = ["deb.example.org:80"]
    opened = body(kind)
    host: dict[str, object] = opened["HostConfig"]  # type: ignore[assignment]
    assert host["NetworkMode"] == "none"
    mounts: list[dict[str, object]] = host.pop("Mounts")  # type: ignore[assignment]
    added = mounts[-1]
    assert (added["Target"], added["ReadOnly"]) == ("/egress", True)
    variables = set(opened["Env"]) - set(closed["Env"])  # type: ignore[call-overload]
    assert "https_proxy=http://127.0.0.1:3128" in variables
    direct = next(v for v in variables if v.startswith("no_proxy="))
    assert direct.endswith(",production"), "the sandbox's other machines are reached directly"
    # Nothing else differs.
    closed_host: dict[str, object] = closed["HostConfig"]  # type: ignore[assignment]
    assert mounts[:-1] == closed_host.pop("Mounts", [])
    assert host == closed_host
