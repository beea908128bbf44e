"""Two beats, or two workers that take the same tick: the real tasks, twice at the same time.

The engine is one on which every machine comes up after a moment; all else is as it runs.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from classroom.models import User
from sandbox import assembly, events, hosts, lifecycle, pool, pool_keeper, tasks
from sandbox.assembly import MachineFacts
from sandbox.models import Host, Sandbox, State, WarmMachine, WarmState
from sandbox.specs import SandboxSpec

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("dispatched", "fresh_rates", "host"),
]
Sent = list[tuple[str, str]]
MIB = 1024**2
TICKS = 4
# As long as both are in the middle of their work at once.
MAKING_SECONDS = 0.03


class Engine:
    """What was made and removed on it, by owner; refuses nothing."""

    def __init__(self) -> None:
        self.made: Counter[str] = Counter()
        self.removed: Counter[str] = Counter()
        self.making = self.most = 0
        self._lock = threading.Lock()

    def make(self, owner: str, *_: Any, **__: Any) -> MachineFacts:
        with self._lock:
            self.made[owner] += 1
            self.making += 1
            self.most = max(self.most, self.making)
        time.sleep(MAKING_SECONDS)
        with self._lock:
            self.making -= 1
        return MachineFacts(owner.ljust(64, "0"), "slipway/shell:1", "6.1.0", "boot-1", 9, "")

    def remove(self, owner: str) -> int:
        with self._lock:
            self.removed[owner] += 1
        time.sleep(MAKING_SECONDS)
        return 1


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, host: Host) -> Engine:
    made = Engine()
    monkeypatch.setattr(assembly, "make_machine", made.make)
    monkeypatch.setattr(assembly, "prepare_machine", lambda *_: None)
    monkeypatch.setattr(assembly, "make_network", lambda _: "network")
    for name in ("remove_objects", "remove_owned"):
        monkeypatch.setattr(assembly, name, made.remove)
    monkeypatch.setattr(pool_keeper, "_engine_started_at", lambda _: "then")
    monkeypatch.setattr(pool_keeper, "is_fresh", lambda _: True)
    monkeypatch.setattr(hosts, "refresh", lambda: Host.objects.get(pk=hosts.NAME))
    monkeypatch.setattr("sandbox.examination.ensure", lambda: None)
    monkeypatch.setattr("sandbox.disk.end_oversized", lambda: None)
    return made


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(events, "publish", lambda pk, event: found.append((pk, event)))
    return found


def twice(*calls: Callable[[], Any]) -> None:
    """Each of these calls in two threads, all let go in the same moment."""
    gate = threading.Barrier(2 * len(calls))

    def one(call: Callable[[], Any]) -> None:
        try:
            gate.wait(10)
            call()
        finally:
            connection.close()

    with ThreadPoolExecutor(2 * len(calls)) as threads:
        list(threads.map(one, [*calls, *calls]))


def start(name: str, spec: SandboxSpec) -> Sandbox:
    learner, _ = User.objects.get_or_create(username=name)
    return lifecycle.request_start(learner, spec, course="c", lesson="l", address="::1")


def test_a_pool_is_filled_once(engine: Engine, settings: Any) -> None:
    settings.SANDBOX_POOL_SHELL, settings.SANDBOX_POOL_DOCKER, settings.SANDBOX_POOL_VM = 5, 0, 0
    pool.expect(Counter({("shell", "laptop"): 1}))
    for _ in range(TICKS):
        twice(tasks.reap, tasks.refill)
    assert WarmMachine.objects.filter(state=WarmState.READY).count() == 5
    assert set(engine.made.values()) == {1}, "each machine was made once"
    assert len(engine.made) == 5
    assert engine.most <= settings.SANDBOX_POOL_IN_FLIGHT
    assert engine.removed == {}


def test_a_pool_that_is_too_large_loses_only_what_is_too_much(
    engine: Engine, settings: Any
) -> None:
    settings.SANDBOX_POOL_SHELL, settings.SANDBOX_POOL_DOCKER, settings.SANDBOX_POOL_VM = 2, 0, 0
    pool.expect(Counter({("shell", "laptop"): 1}))
    now = timezone.now()
    for number in range(5):
        WarmMachine.objects.create(
            kind="shell",
            name="laptop",
            state=WarmState.READY,
            memory_bytes=MIB,
            ready_at=now + timedelta(seconds=number),
            expires_at=now + timedelta(hours=1),
        )
    for _ in range(TICKS):
        twice(tasks.reap)
    assert WarmMachine.objects.filter(state=WarmState.READY).count() == 2


def test_each_sandbox_is_made_once(engine: Engine, settings: Any, spec: SandboxSpec) -> None:
    settings.SANDBOX_CREATES_IN_FLIGHT = 2
    asked = [start(f"p{number}", spec) for number in range(4)]
    twice(*(lambda pk=sandbox.pk: tasks.create(pk) for sandbox in asked))
    assert engine.made == {sandbox.pk: 1 for sandbox in asked}
    assert engine.most <= 2
    assert {*Sandbox.objects.values_list("state", "attempts")} == {(State.READY, 1)}


def test_the_queue_lets_in_as_many_as_there_is_room_for(
    engine: Engine, host: Host, settings: Any, spec: SandboxSpec, dispatched: Sent
) -> None:
    settings.SANDBOX_POOL_SHELL = settings.SANDBOX_POOL_DOCKER = settings.SANDBOX_POOL_VM = 0
    settings.SANDBOX_MEMORY_PERCENT = 100
    Host.objects.update(memory_bytes=3 * settings.SANDBOX_SHELL_MEMORY_MIB * MIB)
    asked = [start(f"p{number}", spec) for number in range(8)]
    Sandbox.objects.filter(pk__in=[s.pk for s in asked[:2]]).update(state=State.GONE)
    dispatched.clear()
    twice(tasks.reap, tasks.reap)
    states = list(Sandbox.objects.order_by("created_at").values_list("state", flat=True))
    assert states == [State.GONE] * 2 + [State.REQUESTED] * 3 + [State.QUEUED] * 3
    assert Counter(dispatched) == {("create", sandbox.pk): 1 for sandbox in asked[3:5]}


def test_who_is_warned_is_warned_once(
    engine: Engine, make_sandbox: Any, told: list[tuple[str, dict[str, Any]]]
) -> None:
    sandbox = make_sandbox(expires_at=timezone.now() + timedelta(seconds=60))
    for _ in range(TICKS):
        twice(tasks.reap, tasks.reap)
    kinds = [event["type"] for pk, event in told if pk == sandbox.pk]
    assert Counter(kinds) == {"state": 1, "warning": 1}


def test_what_is_over_is_stopped_and_removed_once(
    engine: Engine, make_sandbox: Any, dispatched: Sent
) -> None:
    sandbox = make_sandbox(expires_at=timezone.now() - timedelta(seconds=1))
    for _ in range(TICKS):
        twice(tasks.reap, tasks.reap)
    assert [sent for sent in dispatched if sent[0] == "destroy"] == [("destroy", sandbox.pk)]
    twice(lambda: tasks.destroy(sandbox.pk))
    sandbox.refresh_from_db()
    assert sandbox.state == State.GONE
    assert not sandbox.extensions


def test_a_silent_creation_is_taken_over_by_one(
    engine: Engine, make_sandbox: Any, settings: Any
) -> None:
    settings.SANDBOX_STALL_SECONDS = 5
    silent = timezone.now() - timedelta(seconds=60)
    sandbox = make_sandbox(State.STARTING, claim="dead", attempts=1, heartbeat_at=silent)
    for _ in range(2):
        twice(tasks.reap, lambda: tasks.create(sandbox.pk))
    sandbox.refresh_from_db()
    assert (sandbox.state, sandbox.attempts) == (State.READY, 2)
    assert engine.made == {sandbox.pk: 1}


def test_a_clock_that_was_set_moves_deadlines_once(engine: Engine, make_sandbox: Any) -> None:
    sandbox = make_sandbox()
    before = sandbox.expires_at
    boot, wall = time.clock_gettime(time.CLOCK_BOOTTIME), time.time()
    # As kept before the clock was set ahead by an hour.
    Host.objects.update(clock_boot=boot, clock_wall=wall - 3600)
    twice(tasks.reap, tasks.reap)
    sandbox.refresh_from_db()
    assert abs((sandbox.expires_at - before).total_seconds() - 3600) < 60
