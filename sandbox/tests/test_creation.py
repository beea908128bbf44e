"""The worker's part of Start and Stop, with an engine that does as it is told."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation

from sandbox import assembly, creation, transitions
from sandbox.assembly import MachineFacts
from sandbox.errors import EngineDown, ImageMissing, MachineFailed, SetupFailed
from sandbox.models import Sandbox, State
from sandbox.specs import MachineSpec

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("dispatched")]
FACTS = MachineFacts("c" * 64, "slipway/shell:1", "6.1.0", "boot-1", 9, "")


class Engine:
    """Records what the creation asks for; `during` runs in the middle of making a machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.during: Callable[[], None] = lambda: None
        self.preparing: Callable[[], None] = lambda: None
        self.removed = 0
        monkeypatch.setattr(assembly, "make_machine", self.make)
        monkeypatch.setattr(assembly, "make_network", lambda pk: f"net-{pk}")
        monkeypatch.setattr(assembly, "prepare_machine", self.prepare)
        monkeypatch.setattr(assembly, "remove_objects", self.remove)

    def make(
        self,
        pk: str,
        spec: MachineSpec,
        network: str | None,
        on_stage: Callable[[str], None],
        **more: Any,
    ) -> MachineFacts:
        on_stage("created")
        self.during()
        on_stage("started")
        return FACTS

    def prepare(self, machine: Any, spec: MachineSpec, on_stage: Callable[[str], None]) -> None:
        self.preparing()

    def remove(self, pk: str) -> int:
        self.removed += 1
        return 1


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(monkeypatch)


def created(sandbox: Sandbox) -> Sandbox:
    creation.create(sandbox.pk)
    sandbox.refresh_from_db()
    return sandbox


def failing(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_creation_ends_ready_with_what_the_machine_said(make_sandbox: Any, fake: Engine) -> None:
    sandbox = created(make_sandbox(State.REQUESTED))
    machine = sandbox.machines.get()
    assert sandbox.state == State.READY
    assert [stage["name"] for stage in sandbox.stages] == ["created", "started", "prompt"]
    assert (machine.ready, machine.kernel_release, machine.shell_pid) == (True, "6.1.0", 9)
    assert fake.removed == 0


def test_a_second_worker_does_nothing(make_sandbox: Any, fake: Engine) -> None:
    sandbox = make_sandbox(State.REQUESTED)
    fake.during = lambda: creation.create(sandbox.pk)
    assert created(sandbox).attempts == 1


@pytest.mark.parametrize("error", [ImageMissing(), EngineDown(), MachineFailed()])
def test_a_failure_is_said_in_its_own_words_and_cleaned_up(
    make_sandbox: Any, fake: Engine, error: Any
) -> None:
    fake.during = failing(error)
    sandbox = created(make_sandbox(State.REQUESTED))
    assert (sandbox.state, sandbox.error_code) == (State.FAILED, error.code)
    assert sandbox.error_hint == error.hint
    assert fake.removed == 1
    assert sandbox.cleaned_at


def test_a_set_up_that_fails_fails_the_sandbox(make_sandbox: Any, fake: Engine) -> None:
    fake.preparing = failing(SetupFailed())
    sandbox = created(make_sandbox(State.REQUESTED))
    assert (sandbox.state, sandbox.error_code) == (State.FAILED, "setup_failed")
    assert not sandbox.machines.get().ready


def test_a_fault_of_ours_shows_no_insides(make_sandbox: Any, fake: Engine) -> None:
    fake.during = failing(ZeroDivisionError("secret detail"))
    sandbox = created(make_sandbox(State.REQUESTED))
    assert sandbox.state == State.FAILED
    assert "secret" not in sandbox.error_message + sandbox.error_hint
    with translation.override("de"):
        assert "Starten" in translation.gettext(sandbox.error_hint)


def test_an_engine_away_at_clean_up_leaves_it_to_the_reaper(
    make_sandbox: Any, fake: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.during = failing(EngineDown())
    monkeypatch.setattr(assembly, "remove_objects", lambda _: failing(EngineDown())())
    sandbox = created(make_sandbox(State.REQUESTED))
    assert sandbox.state == State.FAILED
    assert sandbox.cleaned_at is None


def test_a_stop_in_the_middle_wins_and_nothing_stays(make_sandbox: Any, fake: Engine) -> None:
    sandbox = make_sandbox(State.REQUESTED)
    fake.during = lambda: Sandbox.objects.filter(pk=sandbox.pk).update(state=State.STOPPING)
    assert created(sandbox).state == State.STOPPING
    assert fake.removed == 1


def test_a_machine_that_dies_of_a_stop_does_not_turn_it_into_a_failure(
    make_sandbox: Any, fake: Engine
) -> None:
    sandbox = make_sandbox(State.REQUESTED)

    def stopped() -> None:
        Sandbox.objects.filter(pk=sandbox.pk).update(state=State.STOPPING)
        raise MachineFailed

    fake.during = stopped
    assert (created(sandbox).state, sandbox.error_code) == (State.STOPPING, "")
    assert fake.removed == 1, "objects made after the stop's look must not stay"


def test_a_taken_over_creation_leaves_the_objects_to_the_new_worker(
    make_sandbox: Any, fake: Engine
) -> None:
    sandbox = make_sandbox(State.REQUESTED)
    fake.during = lambda: Sandbox.objects.filter(pk=sandbox.pk).update(claim="another")
    assert created(sandbox).state == State.STARTING
    assert fake.removed == 0


def test_reset_removes_the_old_machines_first(make_sandbox: Any, fake: Engine) -> None:
    sandbox = created(make_sandbox(State.REQUESTED, rebuild=True))
    assert sandbox.stages[0]["name"] == "cleared"
    assert (sandbox.state, sandbox.rebuild, fake.removed) == (State.READY, False, 1)


def test_stop_takes_apart_once(make_sandbox: Any, fake: Engine) -> None:
    sandbox = make_sandbox(State.STOPPING)
    creation.destroy(sandbox.pk)
    creation.destroy(sandbox.pk)
    sandbox.refresh_from_db()
    assert (sandbox.state, fake.removed) == (State.GONE, 1)
    assert sandbox.gone_at


def test_stop_without_an_engine_stays_stopping(
    make_sandbox: Any, fake: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "remove_objects", lambda _: failing(EngineDown())())
    sandbox = make_sandbox(State.STOPPING)
    creation.destroy(sandbox.pk)
    sandbox.refresh_from_db()
    assert sandbox.state == State.STOPPING


def test_a_live_sandbox_is_never_taken_apart(make_sandbox: Any, fake: Engine) -> None:
    creation.destroy(make_sandbox(State.READY).pk)
    assert fake.removed == 0


def test_the_heartbeat_goes_on_through_long_waits(
    make_sandbox: Any, fake: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    beats: list[str] = []
    monkeypatch.setattr(creation, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(transitions, "beat", lambda pk, token: beats.append(token))
    fake.during = lambda: time.sleep(0.2)
    created(make_sandbox(State.REQUESTED))
    assert len(beats) >= 3


def test_a_busy_database_does_not_silence_the_heartbeat(
    make_sandbox: Any, fake: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    from django.db import OperationalError

    beats: list[str] = []

    def locked(pk: str, token: str) -> None:
        beats.append(token)
        raise OperationalError("database is locked")

    monkeypatch.setattr(creation, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(transitions, "beat", locked)
    fake.during = lambda: time.sleep(0.2)
    assert created(make_sandbox(State.REQUESTED)).state == State.READY
    assert len(beats) >= 3
