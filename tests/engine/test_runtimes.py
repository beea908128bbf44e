"""SANDBOX_RUNTIME_<KIND>: passed to the engine, on a second one with a runtime that tells."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import assembly, engine, examination, hostconfig, hosts, lifecycle, machines
from sandbox.errors import KindOff
from sandbox.images import image_ref
from sandbox.models import make_sandbox_id
from sandbox.report import report
from sandbox.specs import RUNNABLE_KINDS, MachineSpec
from tests.engine.conftest import Start
from tests.engine.second_engine import SecondEngine, second_engine

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]
SHELL = MachineSpec(name="laptop", kind="shell")


class Recorder:
    """A runtime that writes its arguments down, a call a line, and is runc otherwise."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "calls"
        self.path = folder / "fake-runtime"
        self.path.write_text(
            f'#!/bin/sh\necho "$*" >>{self._log}\nexec runc "$@"\n', encoding="utf-8"
        )
        self.path.chmod(stat.S_IRWXU)

    def calls_for(self, container_id: str) -> list[str]:
        if not self._log.exists():
            return []
        lines = self._log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if container_id in line]


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    return Recorder(tmp_path_factory.mktemp("runtime"))


@pytest.fixture(scope="module")
def second(recorder: Recorder) -> Iterator[SecondEngine]:
    with second_engine(f"--add-runtime=fake={recorder.path}") as made:
        made.copy_image(image_ref("shell"))
        made.name_other_images()
        yield made


@pytest.fixture(autouse=True)
def on_the_second_engine(second: SecondEngine, nothing_left: None) -> Iterator[None]:
    with second.used_by_slipway():
        yield


def test_a_machine_runs_under_the_runtime_of_its_kind(
    request_sandbox: Start, recorder: Recorder, settings: Any
) -> None:
    settings.SANDBOX_RUNTIME_SHELL = "fake"
    sandbox = lifecycle.create_now(request_sandbox(SHELL))
    assert sandbox.state == "ready", sandbox.error_message
    machine = sandbox.machines.get()
    found = engine.inspect_container(machine.container_id)
    assert found is not None
    assert found["HostConfig"]["Runtime"] == "fake"
    calls = recorder.calls_for(machine.container_id)
    assert any(" create " in call for call in calls), calls
    assert any(" start " in call for call in calls), calls
    said = machines.run_script(sandbox, "laptop", "hostname", user="learner")
    assert said.stdout == "laptop\n"
    assert any(" exec " in call for call in recorder.calls_for(machine.container_id))


@pytest.mark.parametrize("kind", sorted(RUNNABLE_KINDS - {"shell"}))
def test_the_other_kinds_are_made_and_started_under_theirs(
    recorder: Recorder, settings: Any, kind: str
) -> None:
    """Their images are not on this engine: what runs is a shell, made as this kind is."""
    setattr(settings, f"SANDBOX_RUNTIME_{kind.upper()}", "fake")
    owner = make_sandbox_id()
    name, labels = assembly.object_name(owner, "laptop"), assembly.labels_of(owner, "laptop")
    engine.create_volume(name, labels)
    body = hostconfig.container_body(kind, "laptop", labels, network=None, data_volume=name)
    try:
        container_id = engine.create_container(name, body)
        engine.start_container(container_id)
        found = engine.inspect_container(container_id)
        assert found is not None
        assert (found["HostConfig"]["Runtime"], found["State"]["Running"]) == ("fake", True)
        calls = recorder.calls_for(container_id)
        assert any(" create " in call for call in calls), calls
        assert any(" start " in call for call in calls), calls
    finally:
        assembly.remove_objects(owner)


def test_without_the_setting_it_is_the_engines_default(
    request_sandbox: Start, recorder: Recorder
) -> None:
    sandbox = lifecycle.create_now(request_sandbox(SHELL))
    assert sandbox.state == "ready", sandbox.error_message
    container_id = sandbox.machines.get().container_id
    found = engine.inspect_container(container_id)
    assert found is not None
    assert found["HostConfig"]["Runtime"] == "runc"
    assert recorder.calls_for(container_id) == []


def test_the_report_names_the_runtime_that_ran(settings: Any) -> None:
    for kind in RUNNABLE_KINDS:
        setattr(settings, f"SANDBOX_RUNTIME_{kind.upper()}", "fake")
    hosts.refresh()
    examination.examine()
    rows = {row.id: (row.verdict, row.evidence) for row in report().rows}
    for kind in RUNNABLE_KINDS:
        assert rows[f"runtime-{kind}"] == ("kept", "fake ran a container"), kind
    assert {kind.runtime for kind in report().kinds} == {"fake"}
    assert next(kind for kind in report().kinds if kind.kind == "shell").on


def test_an_unknown_runtime_is_a_clear_error_and_the_report_says_so(
    request_sandbox: Start, settings: Any
) -> None:
    settings.SANDBOX_RUNTIME_SHELL = "missing"
    # Started before the host was examined: the engine's refusal is what the learner sees.
    sandbox = lifecycle.create_now(request_sandbox(SHELL))
    assert sandbox.state == "failed"
    assert "runtime" in sandbox.error_message.lower()
    assert "missing" in sandbox.error_message
    examination.examine()
    row = next(row for row in report().rows if row.id == "runtime-shell")
    assert row.verdict == "not kept"
    assert "SANDBOX_RUNTIME_SHELL=missing" in row.evidence
    assert "fake" in row.evidence, "the runtimes that there are"
    assert not report().all_kept
    with pytest.raises(KindOff) as caught:
        request_sandbox(SHELL)
    assert "runtime" in caught.value.message
    assert "SANDBOX_RUNTIME_SHELL" in caught.value.hint


def test_another_engine_is_examined_anew(second: SecondEngine) -> None:
    here = hosts.refresh()
    examination.examine()
    assert examination.is_current(hosts.refresh())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            second, "address", os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        )
        with second.used_by_slipway():
            assert not examination.is_current(hosts.refresh())
    assert hosts.refresh().engine_digest == here.engine_digest
