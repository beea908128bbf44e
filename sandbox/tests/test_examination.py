"""When the host is examined, by whom, and what is kept; the probes themselves: tests/engine."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from sandbox import examination, hosts
from sandbox.errors import SandboxEngineError
from sandbox.models import Host
from sandbox.promises import PROMISES, Finding, Verdict

KEPT = Finding(Verdict.KEPT, "seen")


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch, host: Host) -> Iterator[list[str]]:
    """An engine of which every probe finds everything kept; the list grows with each run."""
    runs: list[str] = []

    def probe() -> dict[str, Finding]:
        runs.append(threading.current_thread().name)
        return {promise.id: KEPT for promise in PROMISES}

    ids = tuple(promise.id for promise in PROMISES)
    monkeypatch.setattr(examination, "PROBES", ((probe, ids),))
    monkeypatch.setattr(examination, "_remove_leftovers", lambda: None)
    monkeypatch.setattr(examination, "_examined_here", threading.Event())
    monkeypatch.setattr(hosts, "refresh", hosts.current)
    monkeypatch.setattr("sandbox.engine.info", lambda: {"ServerVersion": "20.10.0"})
    yield runs
    connection.close()


def verdicts() -> set[str]:
    return {finding.verdict for finding in hosts.findings_of(hosts.current()).values()}


def row() -> Host:
    found = hosts.current()
    assert found is not None
    return found


def test_what_was_found_is_kept(probed: list[str]) -> None:
    assert examination.is_due(row())
    examination.examine()
    assert verdicts() == {"kept"}
    assert row().examination["facts"]["engine"] == "20.10.0"
    assert row().examining_since is None
    assert not examination.is_due(row())
    assert hosts.findings_of(row())["seccomp"] == KEPT


def test_a_tick_examines_once(probed: list[str]) -> None:
    for _ in range(3):
        examination.examine_if_due()
    assert len(probed) == 1


def test_a_worker_that_was_started_anew_looks_anew(probed: list[str], examined: Any) -> None:
    assert examination.is_current(examined())
    assert examination.is_due(row())


@pytest.mark.parametrize("change", ["engine", "runtime", "memory"])
def test_a_change_of_engine_or_settings_makes_it_due(
    probed: list[str], change: str, settings: Any
) -> None:
    examination.examine()
    if change == "engine":
        Host.objects.update(engine_digest="another")
    elif change == "runtime":
        settings.SANDBOX_RUNTIME_SHELL = "runsc"
    else:
        settings.SANDBOX_SHELL_MEMORY_MIB = 128
    assert examination.is_due(row())
    examination.ensure()
    assert len(probed) == 2


def test_accepting_a_risk_needs_no_examination(probed: list[str], settings: Any) -> None:
    examination.examine()
    settings.SANDBOX_ACCEPT_RISK = ["seccomp"]
    assert not examination.is_due(row())


def test_what_could_not_be_found_out_is_tried_again_after_a_while(
    probed: list[str], examined: Any
) -> None:
    examination.examine()
    host = examined(seccomp="not known")
    assert not examination.is_due(host)
    old = timezone.now() - timedelta(seconds=examination.RETRY_SECONDS + 1)
    host.examination["at"] = old.isoformat()
    assert examination.is_due(host)


def test_nothing_is_tried_while_engine_or_images_are_away(probed: list[str]) -> None:
    Host.objects.update(problem="Machine images are missing: x.")
    examination.examine_if_due()
    examination.ensure()
    examination.examine()
    assert probed == []


def test_a_probe_that_fails_leaves_its_promises_not_known(
    probed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> dict[str, Finding]:
        raise SandboxEngineError("The engine refused: no.")

    def defect() -> dict[str, Finding]:
        raise ZeroDivisionError

    others = tuple(p.id for p in PROMISES if p.id not in ("seccomp", "kvm"))
    monkeypatch.setattr(
        examination,
        "PROBES",
        ((refused, ("seccomp",)), (defect, ("kvm",)), (lambda: dict.fromkeys(others, KEPT), ())),
    )
    examination.examine()
    found = hosts.findings_of(row())
    assert found["seccomp"] == Finding(Verdict.UNKNOWN, "The engine refused: no.")
    assert found["kvm"].verdict == "not known"
    assert found["kvm"].evidence.startswith("the probe failed")
    assert found["storage-quota"] == KEPT
    assert row().examining_since is None


@pytest.mark.django_db(transaction=True)
def test_a_class_that_starts_at_once_is_one_examination(probed: list[str]) -> None:
    def create() -> None:
        try:
            examination.ensure()
            assert verdicts() == {"kept"}
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        for future in [threads.submit(create) for _ in range(8)]:
            future.result()
    assert len(probed) == 1


@pytest.mark.django_db(transaction=True)
def test_another_workers_examination_is_waited_for(probed: list[str]) -> None:
    Host.objects.update(examining_since=timezone.now())
    assert not examination.is_due(row())

    def other_worker() -> None:
        time.sleep(0.5)
        Host.objects.update(examining_since=None)
        connection.close()

    with ThreadPoolExecutor(1) as threads:
        threads.submit(other_worker)
        examination.examine()
    assert row().examining_since is None
    assert probed == []


def test_an_examination_whose_worker_was_killed_holds_nobody_up(probed: list[str]) -> None:
    lost = timezone.now() - timedelta(seconds=examination.LOST_SECONDS + 1)
    Host.objects.update(examining_since=lost)
    examination.examine_if_due()
    assert len(probed) == 1


def test_every_promise_has_its_probe() -> None:
    probed_ids = [promise for _probe, ids in examination.PROBES for promise in ids]
    assert sorted(probed_ids) == sorted(promise.id for promise in PROMISES)
