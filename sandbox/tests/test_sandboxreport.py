"""`manage.py sandboxreport`: what it prints, and its exit code."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from sandbox.models import Host
from sandbox.promises import PROMISES


@pytest.fixture(autouse=True)
def no_engine(settings: Any) -> None:
    """A process that reads what the worker kept."""
    settings.SANDBOX_ENGINE_ACCESS = False


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("sandboxreport", *arguments, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_all_kept_ends_with_0(examined: Any) -> None:
    examined()
    code, said = run()
    assert code == 0
    assert all(promise.id in said for promise in PROMISES)
    assert "shell    on" in said
    assert "docker   on" in said
    assert "→" not in said, "nothing to do"


def test_what_is_only_told_ends_with_0_and_says_what_to_change(examined: Any) -> None:
    examined(storage_quota="not kept")
    code, said = run()
    assert code == 0
    assert "✗ storage-quota" in said
    assert "Seen: seen <storage-quota>." in said
    assert "→ Keep the engine's data on XFS" in said


@pytest.mark.parametrize("verdict", ["not kept", "not known"])
def test_a_required_promise_that_is_not_kept_ends_with_1(examined: Any, verdict: str) -> None:
    examined(user_namespaces=verdict)
    code, said = run()
    assert code == 1
    assert "docker   off: User namespaces not kept" in said
    assert "shell    on" in said


def test_an_accepted_risk_shows_and_still_ends_with_1(examined: Any, settings: Any) -> None:
    examined(user_namespaces="not kept")
    settings.SANDBOX_ACCEPT_RISK = ["user-namespaces"]
    code, said = run()
    assert code == 1
    assert "not kept, accepted" in said
    assert "docker   on" in said
    assert "(accepted: User namespaces)" in said


def test_json_has_all_of_it(examined: Any) -> None:
    examined(kvm="not kept", seccomp="not kept")
    code, said = run("--json")
    assert code == 1
    found = json.loads(said)
    rows = {row["id"]: row for row in found["rows"]}
    assert set(rows) == {promise.id for promise in PROMISES}
    assert rows["kvm"]["verdict"] == "not kept"
    assert rows["kvm"]["told_for"] == ["vm"]
    assert rows["seccomp"]["todo"]
    assert found["all_kept"] is False
    assert [(kind["kind"], kind["on"]) for kind in found["kinds"]] == [
        ("shell", False),
        ("docker", False),
        ("vm", False),
    ]
    assert found["facts"]["engine"] == "20.10.0"


def test_a_host_that_nobody_examined_ends_with_1(host: Host) -> None:
    assert run() == (1, "This host was not examined yet.\n")


def test_examining_needs_a_process_that_reaches_the_engine(host: Host) -> None:
    with pytest.raises(CommandError, match="worker"):
        run("--again")
