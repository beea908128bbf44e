"""What the reaper does when the world around it changed: on real machines, in this process."""

import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from sandbox import assembly, creation, engine, hostconfig, hosts, lifecycle, reaper
from sandbox.errors import DiskFull
from sandbox.images import image_ref
from sandbox.models import Host, Sandbox, State
from sandbox.specs import MachineSpec
from tests.engine.conftest import Start, TrueAfter
from tests.engine.site_learners import eventually

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]
SHELL = MachineSpec(name="laptop", kind="shell")
STRAYS = 50
STRANGERS = 5
DAY_SECONDS = 86400


def docker(*words: str) -> list[str]:
    return subprocess.check_output(["docker", *words], text=True).split()


def is_running(sandbox: Sandbox) -> bool:
    return assembly.runs(sandbox)


# a host that was started anew


@pytest.mark.fault("reboot")
@pytest.mark.parametrize("command", [("rm", "--force"), ("kill",)])
def test_after_a_reboot_one_pass_ends_all_rows(
    start: Start, command: tuple[str, ...], true_after: TrueAfter
) -> None:
    sandboxes = [start(SHELL), start(SHELL)]
    docker(*command, *(s.machines.get().container_id for s in sandboxes))
    began = time.monotonic()
    reaper.reconcile()
    true_after(time.monotonic() - began)
    for sandbox in sandboxes:
        sandbox.refresh_from_db()
        assert (sandbox.state, sandbox.error_code) == (State.FAILED, "machine_died")
        assert assembly.objects_of(sandbox.pk) == []


# strays


@pytest.fixture
def strangers() -> Iterator[list[str]]:
    """Containers of somebody else."""
    made = [docker("create", "--network=none", image_ref("shell"))[0] for _ in range(STRANGERS)]
    yield made
    docker("rm", "--force", *made)


def strays(count: int) -> list[str]:
    """Ids of sandboxes that no row knows, with a container each."""
    ids = [f"stray{secrets.token_hex(4)}" for _ in range(count)]

    def make(sandbox_id: str) -> None:
        labels = [f"--label={k}={v}" for k, v in assembly.labels_of(sandbox_id, "laptop").items()]
        docker("create", "--network=none", *labels, image_ref("shell"))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(make, ids))
    return ids


def left_of(ids: list[str]) -> set[str]:
    found = engine.objects_labelled(assembly.instance_label())
    return {labels.get("slipway.sandbox", "") for *_, labels in found} & set(ids)


@pytest.mark.fault("strays")
def test_strays_go_within_two_passes_and_strangers_stay(
    strangers: list[str], true_after: TrueAfter
) -> None:
    ids = strays(STRAYS)
    assert left_of(ids) == set(ids)
    began = time.monotonic()
    reaper.reconcile()
    reaper.reconcile()
    true_after(time.monotonic() - began)
    assert left_of(ids) == set()
    known = docker("ps", "--all", "--quiet", "--no-trunc")
    assert set(strangers) <= set(known)


@pytest.mark.fault("strays")
def test_one_removal_that_hangs_does_not_hold_up_the_others(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = start(SHELL)
    docker("kill", dead.machines.get().container_id)
    ids = strays(6)
    hanging, real, let_go = min(ids), assembly.remove_objects, threading.Event()

    def remove(sandbox_id: str) -> int:
        if sandbox_id == hanging:
            let_go.wait(60)
        return real(sandbox_id)

    monkeypatch.setattr(assembly, "remove_objects", remove)
    monkeypatch.setattr(reaper, "REMOVAL_SECONDS", 3)
    began = time.monotonic()
    try:
        reaper.reconcile()
        assert time.monotonic() - began < 20
        assert left_of(ids) == {hanging}
        dead.refresh_from_db()
        assert dead.state == State.FAILED, "the pass went on to what died"
    finally:
        let_go.set()
    eventually(lambda: not left_of(ids), 15, "the one that hung")


# time that is over


@pytest.mark.fault("expiry")
def test_with_the_reaper_off_a_machine_ends_by_itself(
    start: Start, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SANDBOX_LIFETIME_SECONDS, settings.SANDBOX_EXTENSIONS = 3, 0
    monkeypatch.setattr(hostconfig, "DEADLINE_GRACE_SECONDS", 2)
    sandbox = start(SHELL)
    assert is_running(sandbox)
    deadline = time.monotonic() + 15
    while is_running(sandbox):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert Sandbox.objects.get(pk=sandbox.pk).state == State.READY, "nobody looked"


# a full disk


@pytest.mark.fault("disk")
def test_a_full_disk_refuses_starts_and_still_ends_what_is_over(
    start: Start, settings: Any
) -> None:
    sandbox = start(SHELL)
    settings.SANDBOX_DISK_FULL_PERCENT = 1
    Sandbox.objects.filter(pk=sandbox.pk).update(expires_at=timezone.now())
    reaper.reap()
    with pytest.raises(DiskFull, match=r"disk .* is \d+ % full") as refused:
        start(SHELL)
    assert "make room" in refused.value.hint
    creation.destroy(sandbox.pk)
    sandbox.refresh_from_db()
    assert (sandbox.state, assembly.objects_of(sandbox.pk)) == (State.GONE, [])


# a clock that was set


@pytest.mark.fault("clock")
@pytest.mark.parametrize("jump", [DAY_SECONDS, -DAY_SECONDS])
def test_a_clock_set_by_a_day_ends_nobody(
    start: Start, jump: int, caplog: pytest.LogCaptureFixture
) -> None:
    sandboxes = [start(SHELL), start(SHELL)]
    reaper.reap()
    # As the rows were if the clock had been wrong by `jump` until now.
    delta = timedelta(seconds=jump)
    host = Host.objects.get()
    assert host.clock_wall is not None
    Host.objects.update(clock_wall=host.clock_wall - jump)
    right: dict[str, Any] = {}
    for sandbox in sandboxes:
        sandbox.refresh_from_db()
        right[sandbox.pk] = sandbox.expires_at
        assert sandbox.expires_at is not None
        Sandbox.objects.filter(pk=sandbox.pk).update(
            expires_at=sandbox.expires_at - delta, last_seen_at=timezone.now() - delta
        )
    reaper.reap()
    for sandbox in sandboxes:
        sandbox.refresh_from_db()
        assert sandbox.state == State.READY
        assert abs((sandbox.expires_at - right[sandbox.pk]).total_seconds()) < 2  # type: ignore[operator]
        assert is_running(sandbox)
    assert "the wall clock jumped by" in caplog.text


# two beats


@pytest.mark.fault("beats")
def test_two_ticks_at_once_double_nothing(
    start: Start, dispatched: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    over, going_on = start(SHELL), start(SHELL)
    reaper.reap()
    dispatched.clear()
    host = Host.objects.get()
    assert host.clock_wall is not None
    Host.objects.update(clock_wall=host.clock_wall - DAY_SECONDS)
    day = timedelta(seconds=DAY_SECONDS)
    Sandbox.objects.filter(pk=over.pk).update(expires_at=timezone.now() - day)
    right = Sandbox.objects.get(pk=going_on.pk).expires_at
    assert right is not None
    Sandbox.objects.filter(pk=going_on.pk).update(expires_at=right - day, last_seen_at=right - day)
    both = threading.Barrier(2)

    def tick(_: int) -> None:
        try:
            both.wait()
            reaper.reap()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(tick, range(2)))
    assert dispatched.count("sandbox.tasks.destroy") == 1
    assert caplog.text.count("the wall clock jumped by") == 1
    going_on.refresh_from_db()
    assert going_on.expires_at is not None
    assert abs((going_on.expires_at - right).total_seconds()) < 2
    assert is_running(going_on)
    lifecycle.destroy_now(over)
    assert hosts.availability().available
