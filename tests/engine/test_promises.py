"""Probes on the real engine: each tells a host that keeps its promise from one that does not."""

import re
from typing import Any
from unittest.mock import patch

import docker
import pytest

from sandbox import engine, examination, hostconfig, hosts, lifecycle
from sandbox.errors import KindOff
from sandbox.probes import (
    confinement,
    containers,
    control_groups,
    limits,
    network,
    runtimes,
    storage,
    virtualisation,
)
from sandbox.promises import PROMISES, Verdict
from sandbox.specs import MachineSpec
from tests.engine.conftest import Start

pytestmark = pytest.mark.engine


def with_host_config(**changes: Any) -> Any:
    """Machines, and so helpers, that are made otherwise than Slipway makes them."""
    original = hostconfig.container_body

    def changed(*arguments: Any, **more: Any) -> dict[str, Any]:
        body = original(*arguments, **more)
        body["HostConfig"] |= changes
        return body

    return patch.object(hostconfig, "container_body", changed)


def test_this_host_keeps_what_the_machines_require() -> None:
    for probe in (
        confinement.filters,
        confinement.user_namespaces,
        limits.limits,
        network.network,
        runtimes.runtimes,
        control_groups.control_groups,
    ):
        for promise, finding in probe().items():
            if "too busy" in finding.evidence:
                continue
            if promise != "mandatory-access":
                assert finding.verdict == Verdict.KEPT, (promise, finding.evidence)


def test_a_machine_without_a_filter_is_noticed() -> None:
    with with_host_config(SecurityOpt=["seccomp=unconfined"]):
        found = confinement.filters()["seccomp"]
    assert (found.verdict, "mode 0" in found.evidence) == ("not kept", True)


def test_a_profile_that_refuses_namespaces_is_noticed() -> None:
    # The engine's default profile stands for a host that refuses them.
    with with_host_config(SecurityOpt=["apparmor=unconfined"]):
        found = confinement.user_namespaces()["user-namespaces"]
    assert found.verdict == "not kept"
    assert "max_user_namespaces" in found.evidence


def test_a_device_that_is_missing_is_noticed() -> None:
    tun = {
        "PathOnHost": "/dev/net/tun-missing",
        "PathInContainer": "/dev/net/tun",
        "CgroupPermissions": "rw",
    }
    with with_host_config(Devices=[tun]):
        found = confinement.user_namespaces()["user-namespaces"]
    assert (found.verdict, "no /dev/net/tun" in found.evidence) == ("not kept", True)


def test_limits_that_do_not_hold_are_noticed() -> None:
    original = limits.body_of

    def unlimited(*arguments: Any, **_small: Any) -> dict[str, Any]:
        return original(*arguments, Memory=0, MemorySwap=0, PidsLimit=0, NanoCpus=0)

    with patch.object(limits, "body_of", unlimited):
        found = limits.limits()
    # What a busy host gives no program anyway tells nothing of a limit.
    cpu = found.pop("cpu-limit")
    assert cpu.verdict == "not kept" or "too busy" in cpu.evidence
    assert {finding.verdict for finding in found.values()} == {"not kept"}


def plain_network(name: str, labels: dict[str, str]) -> str:
    """An internal network as the engine makes it: with an address of the host on it."""
    made = docker.from_env().api.create_network(
        name, driver="bridge", internal=True, labels=labels, check_duplicate=True
    )
    return str(made["Id"])


def test_a_network_with_a_way_to_the_host_is_noticed() -> None:
    with patch.object(engine, "create_network", plain_network):
        found = network.network()["isolated-network"]
    assert found.verdict == "not kept", found.evidence
    assert "(network mode: none)" in found.evidence


def test_the_mode_that_isolates_a_network_is_told() -> None:
    found = network.network()["isolated-network"]
    assert found.verdict == "kept", found.evidence
    assert re.search(
        r"\(network mode: (inhibit_ipv4=true|gateway_mode_ipv4=isolated)\)", found.evidence
    )


def test_a_network_that_connects_nobody_proves_nothing() -> None:
    original = network._try

    def ask_for_nobody(*arguments: Any) -> Any:
        with patch.object(network, "NEIGHBOUR", "nobody"):
            return original(*arguments)

    with patch.object(network, "_try", ask_for_nobody):
        found = network.network()["isolated-network"]
    assert found.verdict == "not known", found.evidence


def test_a_group_that_is_not_handed_over_is_noticed() -> None:
    with patch.object(control_groups, "delegate_cgroup", lambda _id: ""):
        found = control_groups.control_groups()["cgroup-delegation"]
    assert found.verdict == "not kept"
    assert "not handed over" in found.evidence


def test_storage_is_kept_only_where_a_volume_takes_no_more_than_its_size() -> None:
    found = storage.storage()["storage-quota"]
    on_xfs = "xfs" in storage.data_root(engine.info())
    assert found.verdict in (("kept", "not kept") if on_xfs else ("not kept",)), found.evidence

    def without_size(name: str, labels: dict[str, str], _options: dict[str, str]) -> None:
        engine_create(name, labels)

    engine_create = engine.create_volume
    with patch.object(engine, "create_volume", without_size):
        found = storage.storage()["storage-quota"]
    assert found.verdict == "not kept"
    assert "took 32 MiB" in found.evidence


def test_kvm_in_a_container_says_what_it_says_on_the_host() -> None:
    from sandbox import kvm

    found = virtualisation.virtualisation()["kvm"]
    assert (found.verdict == "kept") == kvm.probe()[0], found.evidence
    with patch.object(kvm, "DEVICE", "/dev/kvm-missing"):
        found = virtualisation.virtualisation()["kvm"]
    assert (found.verdict, found.evidence) == ("not kept", "the host has no /dev/kvm-missing")


def test_a_runtime_that_the_engine_has_not_is_named_with_those_it_has(settings: Any) -> None:
    settings.SANDBOX_RUNTIME_SHELL = "no-such-runtime"
    found = runtimes.runtimes()
    assert found["runtime-docker"].verdict == "kept"
    assert found["runtime-shell"].verdict == "not kept"
    assert "SANDBOX_RUNTIME_SHELL=no-such-runtime" in found["runtime-shell"].evidence
    assert "runc" in found["runtime-shell"].evidence


@pytest.fixture
def examined(transactional_db: None) -> None:
    hosts.refresh()
    examination.examine()


def test_an_examination_finds_all_of_it_out_and_leaves_nothing(examined: None) -> None:
    found = hosts.findings_of(hosts.current())
    assert set(found) == {promise.id for promise in PROMISES}
    unclear = {name: f.evidence for name, f in found.items() if f.verdict == "not known"}
    # Beside other tests a busy loop may not get as much as its limit: the probe says so.
    assert "on a host too busy" in unclear.pop("cpu-limit", "on a host too busy")
    assert unclear == {}
    assert hosts.availability(["shell", "docker"]).available
    labels = containers.labels()
    label = "=".join(next(iter(labels.items())))
    left = [
        found for found in engine.objects_labelled(label) if containers.HELPER_LABEL in found[3]
    ]
    assert left == []


def test_what_a_killed_examination_left_is_removed_by_the_next(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.refresh()
    name = containers.object_name()
    engine.create_network(name, containers.labels())
    body = containers.body_of("shell", ["/bin/sleep", "600"], network=name)
    container_id = engine.create_container(name, body)
    engine.start_container(container_id)
    monkeypatch.setattr(examination, "PROBES", ())
    monkeypatch.setattr(examination, "PROMISES", ())
    examination.examine()
    assert engine.inspect_container(container_id) is None


def test_a_kind_whose_promise_breaks_fails_to_start_and_leaves_nothing(
    request_sandbox: Start, examined: None
) -> None:
    sandbox = request_sandbox(MachineSpec(name="laptop", kind="shell"))
    with patch.object(engine, "create_network", plain_network):
        examination.examine()
    lifecycle.create_now(sandbox)
    assert (sandbox.state, sandbox.error_code) == ("failed", "kind_off")
    with pytest.raises(KindOff, match="reach the host"):
        request_sandbox(MachineSpec(name="laptop", kind="shell"))
