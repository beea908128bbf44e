"""A kind whose promise is not kept is off, said so, and on again at the operator's word."""

from typing import Any

import pytest

from classroom.models import User
from sandbox import creation, hosts, lifecycle
from sandbox.errors import KindOff
from sandbox.models import Sandbox, State
from sandbox.promises import ALL_KINDS, PROMISES, Finding, Verdict, missing_for, require
from sandbox.specs import MachineSpec, SandboxSpec

pytestmark = pytest.mark.usefixtures("dispatched", "fresh_rates")
DOCKER = SandboxSpec(machines=(MachineSpec(name="laptop", kind="docker"),))


def findings(**verdicts: str) -> dict[str, Finding]:
    found = {promise.id: Finding(Verdict.KEPT, "") for promise in PROMISES}
    for name, verdict in verdicts.items():
        found[name.replace("_", "-")] = Finding(Verdict(verdict), "")
    return found


def test_each_promise_says_what_is_so_and_what_to_change() -> None:
    assert len({promise.id for promise in PROMISES}) == len(PROMISES)
    for promise in PROMISES:
        assert promise.kinds, promise.id
        assert not promise.required_by & promise.told_for, promise.id
        for words in (promise.kept, promise.broken, promise.change):
            assert words.endswith("."), promise.id


def test_what_each_kind_requires() -> None:
    required = {
        kind: {promise.id for promise in PROMISES if kind in promise.required_by}
        for kind in ALL_KINDS
    }
    for_all = {"isolated-network", "memory-limit", "process-limit", "seccomp"}
    assert required["shell"] == for_all | {"runtime-shell", "egress-shell"}
    of_docker = {"runtime-docker", "egress-docker", "user-namespaces"}
    assert required["docker"] == for_all | of_docker


@pytest.mark.parametrize("verdict", ["not kept", "not known"])
def test_a_kind_is_off_without_what_it_requires(verdict: str) -> None:
    found = findings(user_namespaces=verdict)
    require(["shell"], found)
    with pytest.raises(KindOff) as caught:
        require(["shell", "docker"], found)
    assert "docker" in caught.value.message
    assert "SANDBOX_ACCEPT_RISK=user-namespaces" in caught.value.hint
    assert ("could not be found out" in caught.value.message) == (verdict == "not known")


def test_a_promise_that_is_only_told_switches_nothing_off() -> None:
    told = [promise.id for promise in PROMISES if not promise.required_by]
    assert {"storage-quota", "kvm", "cgroup-delegation"} <= set(told)
    require(ALL_KINDS, findings(**{name.replace("-", "_"): "not kept" for name in told}))


def test_an_accepted_risk_switches_it_on_and_no_other(settings: Any) -> None:
    found = findings(seccomp="not kept", memory_limit="not kept")
    settings.SANDBOX_ACCEPT_RISK = ["seccomp"]
    with pytest.raises(KindOff) as caught:
        require(["shell"], found)
    assert "SANDBOX_ACCEPT_RISK=memory-limit" in caught.value.hint
    settings.SANDBOX_ACCEPT_RISK = ["seccomp", "memory-limit"]
    require(["shell"], found)
    assert len(missing_for("shell", found)) == 2, "accepted is not kept"


def test_a_promise_that_an_older_version_did_not_know_is_not_known() -> None:
    found = findings()
    del found["seccomp"]
    with pytest.raises(KindOff):
        require(["shell"], found)


def test_start_of_a_kind_that_is_off_is_refused(
    learner: User, spec: SandboxSpec, examined: Any
) -> None:
    examined(user_namespaces="not kept")
    with pytest.raises(KindOff):
        lifecycle.request_start(learner, DOCKER, course="c", lesson="l")
    assert not Sandbox.objects.exists()
    assert lifecycle.request_start(learner, spec, course="c", lesson="l").state == State.REQUESTED


def test_availability_speaks_for_the_host_and_for_kinds(examined: Any, settings: Any) -> None:
    examined(user_namespaces="not kept")
    assert hosts.availability().available
    assert hosts.availability(["shell"]).available
    refused = hosts.availability(["shell", "docker"])
    assert not refused.available
    assert "user namespace" in refused.message
    settings.SANDBOX_ACCEPT_RISK = ["user-namespaces"]
    assert hosts.availability(["docker"]).available


def test_the_worker_makes_no_machine_of_a_kind_that_went_off(
    make_sandbox: Any, examined: Any, no_objects: list[str]
) -> None:
    sandbox = make_sandbox(State.REQUESTED)
    examined(isolated_network="not kept")
    creation.create(sandbox.pk)
    sandbox.refresh_from_db()
    assert (sandbox.state, sandbox.error_code) == (State.FAILED, "kind_off")
    assert "SANDBOX_ACCEPT_RISK=isolated-network" in sandbox.error_hint


def test_messages_fit_the_row() -> None:
    for promise in PROMISES:
        for kind in promise.required_by:
            with pytest.raises(KindOff) as caught:
                require([kind], findings(**{promise.id.replace("-", "_"): "not kept"}))
            assert len(caught.value.message) <= 500
            assert len(caught.value.hint) <= 500
