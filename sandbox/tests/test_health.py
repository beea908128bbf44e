"""Probes for operators, and the checks of the settings."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.utils import timezone

from sandbox.checks import POSITIVE
from sandbox.models import Host, State
from sandbox.promises import PROMISES


def test_healthz_answers_without_anything_else(client: Client) -> None:
    assert client.get("/healthz").status_code == 200


def test_readyz_is_200_only_when_start_works(client: Client, host: Host) -> None:
    assert client.get("/readyz").json() == {"ready": True, "reasons": []}
    Host.objects.update(problem="Machine images are missing: x.")
    said = client.get("/readyz")
    assert said.status_code == 503
    assert said.json()["reasons"] == ["Machine images are missing: x."]


def test_readyz_is_503_without_a_worker(client: Client, db: None) -> None:
    assert client.get("/readyz").status_code == 503


def test_readyz_is_503_when_the_worker_went_silent(client: Client, host: Host) -> None:
    Host.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    assert client.get("/readyz").status_code == 503


def test_readyz_is_503_only_when_every_kind_is_off(client: Client, examined: Any) -> None:
    examined(user_namespaces="not kept")
    assert client.get("/readyz").status_code == 200
    examined(isolated_network="not kept")
    said = client.get("/readyz")
    assert said.status_code == 503
    assert said.json()["reasons"] == [
        "Every kind of machine is off: manage.py sandboxreport says why."
    ]


def test_readyz_is_503_without_courses(
    client: Client, host: Host, settings: Any, tmp_path: Path
) -> None:
    settings.COURSES_PATH = tmp_path
    assert "course" in client.get("/readyz").json()["reasons"][0]


def test_metrics_count_every_state(client: Client, make_sandbox: Any) -> None:
    make_sandbox()
    text = client.get("/metrics").content.decode()
    assert 'slipway_sandboxes{state="ready"} 1.0' in text
    assert all(f'state="{state}"' in text for state in State.values)


def found(settings_ids: str) -> set[str]:
    return {check.id for check in run_checks() if check.id and check.id.startswith(settings_ids)}


def test_the_defaults_are_valid() -> None:
    assert found("sandbox.") == set()


@pytest.mark.parametrize("name", POSITIVE)
def test_zero_is_refused(settings: Any, name: str) -> None:
    setattr(settings, name, 0)
    assert "sandbox.E001" in found("sandbox.")


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("DOCKER_HOST", "/var/run/docker.sock", "sandbox.E002"),
        ("SANDBOX_MEMORY_PERCENT", 0, "sandbox.E003"),
        ("SANDBOX_MEMORY_PERCENT", 401, "sandbox.E003"),
        ("TERMINAL_WINDOW_BYTES", 128 * 1024, "sandbox.E004"),
        ("SANDBOX_STALL_SECONDS", 4, "sandbox.E014"),
        ("SANDBOX_STALL_SECONDS", 46, "sandbox.E014"),
        ("START_RATE_LEARNER", "many", "sandbox.E010"),
        ("START_RATE_LEARNER", "", "sandbox.E010"),
        ("START_RATE_ADDRESS", "10/fortnight", "sandbox.E010"),
        ("START_RATE_ADDRESS", "0/minute", "sandbox.E010"),
        ("SANDBOX_ACCEPT_RISK", ["seccomp", "no-such-promise"], "sandbox.E011"),
    ],
)
def test_wrong_values_are_named(settings: Any, name: str, value: Any, check: str) -> None:
    setattr(settings, name, value)
    problems = [problem for problem in run_checks() if problem.id == check]
    assert problems
    assert problems[0].hint
    assert name in problems[0].msg


def test_the_hint_about_risks_lists_every_promise(settings: Any) -> None:
    settings.SANDBOX_ACCEPT_RISK = ["no-such-promise"]
    [problem] = [problem for problem in run_checks() if problem.id == "sandbox.E011"]
    assert "no-such-promise" in problem.msg
    assert all(promise.id in str(problem.hint) for promise in PROMISES)


@pytest.mark.parametrize("rate", ["1/second", "30/5 minute", "600 per hour"])
def test_rates_may_be_written_in_each_way_that_the_limiter_reads(settings: Any, rate: str) -> None:
    settings.START_RATE_LEARNER = rate
    assert found("sandbox.") == set()
