"""Ports of previews: given out once, kept over a console's restart, free again when a preview is over."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from sandbox import preview_links, preview_ports, preview_ways
from sandbox.checks import check_sandbox_settings
from sandbox.models import Preview, PreviewPort, Sandbox, State

ROOM = "192.168.7.20:8000"


@pytest.fixture(autouse=True)
def in_a_room(settings: Any) -> None:
    settings.SITE_URLS_EXTRA = [f"http://{ROOM}"]
    settings.PREVIEW_PORTS = "8100-8102"


@pytest.fixture
def sandbox(make_sandbox: Any) -> Sandbox:
    return make_sandbox()


@pytest.fixture
def held(db: None) -> list[int]:
    numbers = list(preview_ports.wanted())
    preview_ports.hold("first", numbers)
    return numbers


def opened(sandbox: Sandbox, port: int = 5000, host: str = ROOM) -> preview_ways.Opened:
    return preview_ways.open_preview(sandbox, "laptop", port, site_host=host)


def number_of(found: preview_ways.Opened) -> int:
    return int(found.url.split(":")[2].split("/")[0])


def token_of(found: preview_ways.Opened) -> str:
    return found.url.rstrip("/").rpartition("/p-")[2]


def test_an_address_without_a_name_gets_a_port(sandbox: Sandbox, held: list[int]) -> None:
    found = opened(sandbox)
    token = Preview.objects.get().token
    assert found == (f"http://192.168.7.20:8100/p-{token}/", "port")
    shown = preview_ports.find(8100, token)
    assert shown is not None
    assert (shown.machine, shown.port) == ("laptop", 5000)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000"])
def test_where_names_resolve_they_are_used(sandbox: Sandbox, held: list[int], host: str) -> None:
    found = opened(sandbox, host=host)
    assert (found.way, ".localhost:8000/" in found.url) == ("name", True)
    assert not PreviewPort.objects.exclude(preview=None).exists()


@pytest.mark.parametrize("host", ["evil.example:8000", "192.168.7.21:8000", "[", "", "a@b"])
def test_an_address_that_is_not_the_sites_gets_none(
    sandbox: Sandbox, held: list[int], host: str
) -> None:
    with pytest.raises(preview_links.PreviewNeedsName):
        opened(sandbox, host=host)


def test_a_site_by_https_has_no_ports(sandbox: Sandbox, held: list[int], settings: Any) -> None:
    settings.SITE_URL, settings.SITE_URLS_EXTRA = "https://localhost", [f"https://{ROOM}"]
    with pytest.raises(preview_links.PreviewNeedsName):
        opened(sandbox)


def test_opening_again_keeps_the_port(sandbox: Sandbox, held: list[int]) -> None:
    assert opened(sandbox) == opened(sandbox)


def test_each_preview_has_a_port_of_its_own(sandbox: Sandbox, held: list[int]) -> None:
    found = [opened(sandbox, port) for port in (5000, 5001, 5002)]
    assert sorted(map(number_of, found)) == held
    for one in found:
        shown = [preview_ports.find(number, token_of(one)) for number in held]
        assert [preview.token for preview in shown if preview] == [token_of(one)]


def test_without_a_free_port_it_says_so(sandbox: Sandbox, held: list[int]) -> None:
    for port in (5000, 5001, 5002):
        opened(sandbox, port)
    with pytest.raises(preview_ports.PreviewPortsTaken) as raised:
        opened(sandbox, 5003)
    assert raised.value.status == 503
    assert "PREVIEW_PORTS" in raised.value.hint


@pytest.mark.parametrize("how", ["revoked", "expired", "stopped"])
def test_a_preview_that_is_over_frees_its_port(
    sandbox: Sandbox, make_sandbox: Any, learner: Any, held: list[int], how: str
) -> None:
    found = [opened(sandbox, port) for port in (5000, 5001, 5002)]
    old = found[1]
    if how == "revoked":
        preview_links.revoke(sandbox, "laptop", 5001)
    elif how == "expired":
        Preview.objects.filter(port=5001).update(expires_at=timezone.now())
    else:
        Sandbox.objects.update(state=State.GONE)
        sandbox = make_sandbox()
    assert preview_ports.find(number_of(old), token_of(old)) is None
    again = opened(sandbox, 6000)
    assert number_of(again) in held
    if how != "stopped":
        assert number_of(again) == number_of(old)
    assert preview_ports.find(number_of(old), token_of(old)) is None


def test_the_port_that_was_unused_for_longest_comes_first(
    sandbox: Sandbox, held: list[int]
) -> None:
    for port, number in ((5000, 8100), (5001, 8101), (5002, 8102), (5003, 8100)):
        assert number_of(opened(sandbox, port)) == number
        preview_links.revoke(sandbox, "laptop", port)


def test_only_ports_that_a_console_listens_on_are_given_out(sandbox: Sandbox) -> None:
    with pytest.raises(preview_ports.PreviewPortsTaken):
        opened(sandbox)
    preview_ports.hold("first", [8101])
    assert number_of(opened(sandbox)) == 8101


def test_a_console_that_starts_again_shows_what_the_last_one_did(
    sandbox: Sandbox, held: list[int]
) -> None:
    before = opened(sandbox)
    preview_ports.release("first")
    with pytest.raises(preview_ports.PreviewPortsTaken):
        opened(sandbox, 5001)
    preview_ports.hold("second", held)
    assert preview_ports.find(number_of(before), token_of(before))
    assert opened(sandbox) == before


def test_a_preview_moves_when_nobody_listens_on_its_port_any_more(
    sandbox: Sandbox, held: list[int]
) -> None:
    before = opened(sandbox)
    PreviewPort.objects.filter(number=number_of(before)).update(
        listened_until=timezone.now() - timedelta(seconds=1)
    )
    after = opened(sandbox)
    assert number_of(after) != number_of(before)
    assert preview_ports.find(number_of(before), token_of(before)) is None
    assert preview_ports.find(number_of(after), token_of(after))


@pytest.mark.django_db(transaction=True)
def test_tabs_that_open_at_once_share_no_port(make_sandbox: Any) -> None:
    sandbox = make_sandbox()
    preview_ports.hold("first", [8100, 8101, 8102])

    def tab(port: int) -> tuple[int, int]:
        try:
            return port, number_of(opened(Sandbox.objects.get(pk=sandbox.pk), port))
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(tab, [5000, 5001, 5002] * 2))
    assert len(found) == 3  # the same for both tabs of a port
    assert {number for _, number in found} == {8100, 8101, 8102}


@pytest.mark.parametrize("text", ["8100-", "x", "8200-8100", "0-5", "65000-65536", "-"])
def test_a_range_that_is_none_is_named_before_the_start(settings: Any, text: str) -> None:
    settings.PREVIEW_PORTS = text
    assert [problem.id for problem in check_sandbox_settings(None)] == ["sandbox.E013"]


def test_one_port_is_a_range_too(settings: Any) -> None:
    settings.PREVIEW_PORTS = "8100"
    assert list(preview_ports.wanted()) == [8100]
