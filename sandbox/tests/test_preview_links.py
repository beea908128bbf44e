"""Addresses of previews: their form, who may guess them, how long they work."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from sandbox import preview_links
from sandbox.errors import BadRequest, MachineNotFound, SandboxNotReady
from sandbox.models import Preview, Sandbox, State

LOCAL = "localhost:8000"


@pytest.fixture
def sandbox(make_sandbox: Any) -> Sandbox:
    return make_sandbox()


def host_of(url: str) -> str:
    return url.removeprefix("http://").rstrip("/")


def opened(sandbox: Sandbox, port: int = 5000) -> str:
    return host_of(preview_links.open_link(sandbox, "laptop", port, site_host=LOCAL))


def test_the_token_fits_a_dns_label_without_case(sandbox: Sandbox) -> None:
    label, _, parent = opened(sandbox, 65535).partition(".")
    assert re.fullmatch(r"p-[a-z2-7]{1,40}-65535", label)
    assert len(label) <= 63
    assert parent == LOCAL


def test_an_address_finds_its_port_whatever_its_case(sandbox: Sandbox) -> None:
    host = opened(sandbox)
    for form in (host, host.upper()):
        found = preview_links.find(form)
        assert found is not None
        assert (found.machine, found.port, found.sandbox) == ("laptop", 5000, sandbox)
        assert preview_links.is_preview_host(form)


@pytest.mark.parametrize("site", ["localhost:9000", "localhost", "localhost:", "localhost:8000:1"])
def test_an_address_under_another_port_of_the_site_is_refused(sandbox: Sandbox, site: str) -> None:
    host = opened(sandbox).replace(LOCAL, site)
    assert preview_links.find(host) is None


@pytest.mark.parametrize(
    ("url", "parent"),
    [
        ("https://learn.example.org", "preview.example.org"),
        ("https://learn.example.org", "Preview.Example.org:443"),
        ("http://learn.example.org", "preview.example.org:80"),
    ],
)
def test_the_schemes_own_port_may_be_written_or_not(
    sandbox: Sandbox, settings: Any, url: str, parent: str
) -> None:
    settings.SITE_URL, settings.PREVIEW_HOST = url, parent
    link = preview_links.open_link(sandbox, "laptop", 80, site_host="learn.example.org")
    scheme, _, host = link.rstrip("/").partition("://")
    name = host.partition(":")[0].lower()
    standard = {"http": "80", "https": "443"}[scheme]
    for form in (host, name, f"{name}:{standard}", f"{name}."):
        assert preview_links.is_preview_host(form), form
        assert preview_links.find(form), form
    assert preview_links.is_preview_host(f"{name}:8000"), "and so never the site"
    assert preview_links.find(f"{name}:8000") is None


def test_the_label_alone_is_no_address(sandbox: Sandbox) -> None:
    host = opened(sandbox)
    label = host.partition(".")[0]
    for form in (label, f"{label}.example.org", f"{label}.x.{LOCAL}", f"{label}\n.{LOCAL}"):
        assert preview_links.find(form) is None, form


def test_opening_again_gives_the_address_its_whole_time_anew(sandbox: Sandbox) -> None:
    host = opened(sandbox)
    Preview.objects.update(expires_at=timezone.now() + timedelta(seconds=5))
    assert opened(sandbox) == host
    assert Preview.objects.get().expires_at > timezone.now() + timedelta(seconds=3000)


def test_the_same_port_keeps_its_address_and_another_gets_another(sandbox: Sandbox) -> None:
    assert opened(sandbox) == opened(sandbox)
    assert opened(sandbox, 5001) != opened(sandbox)


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_get_one_address(sandbox: Sandbox) -> None:
    def tab(_: int) -> str:
        try:
            return opened(sandbox)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(tab, range(4)))) == 1


def test_every_changed_character_is_refused(sandbox: Sandbox) -> None:
    host = opened(sandbox)
    token = host[2:34]
    for position in range(len(token)):
        other = "a" if token[position] != "a" else "b"
        forged = token[:position] + other + token[position + 1 :]
        assert preview_links.find(host.replace(token, forged)) is None


def test_another_port_is_refused(sandbox: Sandbox) -> None:
    assert preview_links.find(opened(sandbox).replace("-5000.", "-22.")) is None


def test_a_genuine_token_without_a_row_is_refused(sandbox: Sandbox) -> None:
    host = opened(sandbox)
    Preview.objects.all().delete()
    assert preview_links.find(host) is None


def test_a_new_secret_key_ends_all_addresses(sandbox: Sandbox, settings: Any) -> None:
    host = opened(sandbox)
    settings.SECRET_KEY = "another"
    assert preview_links.find(host) is None


def test_an_expired_address_is_refused_and_opening_gives_a_fresh_one(sandbox: Sandbox) -> None:
    host = opened(sandbox)
    Preview.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert preview_links.find(host) is None
    assert opened(sandbox) != host


def test_a_revoked_address_is_refused_and_opening_gives_a_fresh_one(sandbox: Sandbox) -> None:
    host = opened(sandbox)
    Preview.objects.update(revoked_at=timezone.now())
    assert preview_links.find(host) is None
    assert opened(sandbox) != host


@pytest.mark.parametrize("state", [State.STOPPING, State.GONE, State.FAILED, State.REQUESTED])
def test_a_sandbox_that_is_not_up_shows_nothing(sandbox: Sandbox, state: str) -> None:
    host = opened(sandbox)
    Sandbox.objects.update(state=state)
    assert preview_links.find(host) is None
    sandbox.refresh_from_db()
    with pytest.raises(SandboxNotReady):
        opened(sandbox)


@pytest.mark.parametrize("port", [0, -1, 65536, 2375, 2376])
def test_ports_that_are_not_shown(sandbox: Sandbox, port: int) -> None:
    with pytest.raises(BadRequest):
        opened(sandbox, port)


def test_an_unknown_machine_has_no_preview(sandbox: Sandbox) -> None:
    with pytest.raises(MachineNotFound):
        preview_links.open_link(sandbox, "other", 80, site_host=LOCAL)


@pytest.mark.parametrize(
    "host",
    ["localhost:8000", "p-.localhost:8000", "p-x-1.example.org", "x.p-a-1.localhost:8000", ""],
)
def test_other_hosts_are_no_previews(sandbox: Sandbox, host: str) -> None:
    assert preview_links.find(host) is None


def test_another_parent_is_the_sites_own_business(sandbox: Sandbox) -> None:
    assert not preview_links.is_preview_host(opened(sandbox).replace("localhost", "example.org"))


@pytest.mark.parametrize("site", ["192.168.1.5:8000", "classroom.example:8000", "[fe80::1]:8000"])
def test_localhost_names_are_only_given_to_who_sees_them(sandbox: Sandbox, site: str) -> None:
    with pytest.raises(preview_links.PreviewNeedsName):
        preview_links.open_link(sandbox, "laptop", 80, site_host=site)


@pytest.mark.parametrize("site", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"])
def test_localhost_is_localhost_in_any_spelling(sandbox: Sandbox, site: str) -> None:
    assert preview_links.open_link(sandbox, "laptop", 80, site_host=site)


def test_a_real_preview_name_works_from_anywhere(sandbox: Sandbox, settings: Any) -> None:
    settings.PREVIEW_HOST = "previews.example.org"
    url = preview_links.open_link(sandbox, "laptop", 80, site_host="192.168.1.5:8000")
    assert host_of(url).endswith(".previews.example.org")


def test_without_a_preview_name_there_are_none(sandbox: Sandbox, settings: Any) -> None:
    settings.PREVIEW_HOST = ""
    with pytest.raises(preview_links.PreviewNeedsName):
        opened(sandbox)
    assert not preview_links.is_preview_host("p-a-1.localhost:8000")
