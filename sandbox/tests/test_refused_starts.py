"""Starts that are refused, as a caller of the API hears it: status, code, message, hint, when to try again."""

import platform
import shutil
from collections import namedtuple
from typing import Any

import pytest
from django.test import Client

from classroom.models import Token, User
from sandbox import engine, hosts, lifecycle
from sandbox.errors import DiskFull
from sandbox.models import Host, Sandbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("dispatched", "fresh_rates")]
Usage = namedtuple("Usage", "total used free")
GIB = 1024**3


def press(learner: User, address: str = "192.0.2.1") -> Any:
    """Press Start at an address of one's own."""
    return Client(REMOTE_ADDR=address).post(
        "/api/v1/sandboxes",
        {"course": "playground", "lesson": "shell"},
        content_type="application/json",
        headers={"authorization": f"Bearer {Token.issue(learner, 'test')}"},
    )


def refusal(answer: Any, status: int, code: str) -> dict[str, Any]:
    """What is said of a refusal, which must say all that it should."""
    assert answer.status_code == status
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["hint"]
    assert int(answer.headers["Retry-After"]) > 0
    return error


def test_who_starts_too_often_is_told_when_to_try_again(
    learner: User, stranger: User, host: Host, settings: Any
) -> None:
    settings.START_RATE_LEARNER = "2/minute"
    for _ in range(2):
        started = press(learner)
        assert started.status_code == 202
        lifecycle.destroy_now(Sandbox.objects.get(pk=started.json()["id"]))
    refused = press(learner, "192.0.2.2")
    assert "Too many starts" in refusal(refused, 429, "too_many")["message"]
    assert int(refused.headers["Retry-After"]) <= 60
    assert lifecycle.live_sandbox(learner) is None
    assert press(stranger).status_code == 202, "only the learner is limited, not the address"


def test_an_address_from_which_too_many_start_is_told_when_to_try_again(
    host: Host, settings: Any
) -> None:
    settings.START_RATE_ADDRESS = "2/minute"
    people = [User.objects.create_user(f"p{number}") for number in range(4)]
    assert [press(person).status_code for person in people[:2]] == [202, 202]
    refused = press(people[2])
    assert "Too many starts" in refusal(refused, 429, "too_many")["message"]
    assert int(refused.headers["Retry-After"]) <= 60
    assert lifecycle.live_sandbox(people[2]) is None
    assert press(people[3], "192.0.2.2").status_code == 202, "only the address is limited"


def test_who_finds_the_queue_full_is_told_so_at_once(host: Host, settings: Any) -> None:
    Host.objects.update(memory_bytes=300 * 1024**2)
    settings.SANDBOX_MEMORY_PERCENT, settings.SANDBOX_QUEUE_LIMIT = 100, 2
    people = [User.objects.create_user(f"p{number}") for number in range(4)]
    taken = [press(person) for person in people[:3]]
    assert [answer.status_code for answer in taken] == [202] * 3
    assert [answer.json()["state"] for answer in taken] == ["requested", "queued", "queued"]
    assert [answer.json()["queue_position"] for answer in taken] == [1, 1, 2]
    refused = press(people[3])
    assert "queue is full" in refusal(refused, 503, "out_of_capacity")["message"]
    assert refused.headers["Retry-After"] == "120"
    assert Sandbox.objects.count() == 3


# a full disk


@pytest.mark.parametrize(
    ("used_percent", "full"), [(None, False), (94.9, False), (95.0, True), (100.0, True)]
)
def test_a_disk_is_full_from_95_percent_on(
    settings: Any, used_percent: float | None, full: bool
) -> None:
    assert settings.SANDBOX_DISK_FULL_PERCENT == 95
    assert hosts.is_disk_full(used_percent) is full


@pytest.mark.parametrize(("used", "full"), [(949, False), (950, True)])
def test_a_start_on_a_full_disk_is_refused_with_the_reason(
    learner: User, monkeypatch: pytest.MonkeyPatch, used: int, full: bool
) -> None:
    info = {
        "KernelVersion": platform.release(),
        "MemTotal": 64 * GIB,
        "ServerVersion": "20.10.0",
        "DockerRootDir": "/",
    }
    monkeypatch.setattr(engine, "info", lambda: info)
    monkeypatch.setattr(hosts, "missing_images", list)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1100, used, 1000 - used))
    monkeypatch.setattr(hosts, "_measured", _with_memory(hosts._measured))
    hosts.refresh()
    answer = press(learner)
    if not full:
        assert answer.status_code == 202
        return
    error = refusal(answer, 503, "disk_full")
    assert error["message"] == "The disk of the machines' host is 95 % full."
    assert error["hint"] == DiskFull.hint
    assert answer.headers["Retry-After"] == "60"
    assert not Sandbox.objects.exists()


def _with_memory(measured: Any) -> Any:
    """A host that has memory left, whatever this one has."""
    return lambda info: measured(info) | {"memory_available_bytes": 32 * GIB}
