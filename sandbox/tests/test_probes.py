"""What probes conclude from what their scripts said; that the scripts say it, see tests/engine."""

import pytest

from sandbox.probes import confinement, control_groups, limits, network, virtualisation
from sandbox.probes.containers import Said, read

LOOK = {"seccomp": "2", "confined": "docker-default (enforce)", "unshare": "no"}


def test_output_is_split_into_values_and_the_rest() -> None:
    said = read("one=1\nan error: x=y z\n\ntwo= a b \n")
    assert said.values == {"one": "1", "two": "a b"}
    assert "an error" in said.rest


@pytest.mark.parametrize(
    ("docker", "shell", "verdict"),
    [
        (Said(LOOK), Said(LOOK), "kept"),
        (Said(LOOK), Said(LOOK | {"seccomp": "0"}), "not kept"),
        (Said(LOOK | {"seccomp": "0"}), Said(LOOK), "not kept"),
        (Said(LOOK), Said(LOOK | {"unshare": "yes"}), "not kept"),
        (Said(refused="seccomp is not enabled in your kernel"), Said(LOOK), "not kept"),
        (Said(refused="no such runtime"), Said(LOOK), "not known"),
        (Said(LOOK), Said(rest="bash: not found"), "not known"),
    ],
)
def test_seccomp(docker: Said, shell: Said, verdict: str) -> None:
    assert confinement.judge_seccomp({"docker": docker, "shell": shell}).verdict == verdict


@pytest.mark.parametrize(
    ("look", "verdict"),
    [
        (Said({"confined": "docker-default (enforce)"}), "kept"),
        (Said({"confined": "system_u:system_r:container_t:s0:c1,c2"}), "kept"),
        (Said({"confined": "unconfined"}), "not kept"),
        (Said({"confined": ""}), "not kept"),
        (Said(refused="x"), "not known"),
    ],
)
def test_the_security_module(look: Said, verdict: str) -> None:
    assert confinement.judge_module(look).verdict == verdict


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (Said({"ids": "65537", "tun": "yes"}), "kept"),
        (Said({"ids": "65537", "tun": "no"}), "not kept"),
        (Said({"ids": "1", "tun": "yes"}), "not kept"),
        (Said({"tun": "yes"}, rest="unshare: unshare failed"), "not kept"),
        (Said(refused='gathering device information "/dev/net/tun"'), "not kept"),
        (Said(refused="unknown runtime"), "not known"),
    ],
)
def test_user_namespaces(said: Said, verdict: str) -> None:
    assert confinement.judge_namespaces(said).verdict == verdict


def test_ubuntus_switch_is_part_of_the_evidence() -> None:
    said = Said({"apparmor_restrict_unprivileged_userns": "1"}, rest="Permission denied")
    evidence = confinement.judge_namespaces(said).evidence
    assert "apparmor_restrict_unprivileged_userns=1" in evidence
    assert "Permission denied" in evidence


def test_limits_that_hold_and_limits_that_do_not() -> None:
    held = {"memory": "held", "processes": "23", "share": "0.2", "throttled": "5"}
    assert {f.verdict for f in limits.judge(Said(held)).values()} == {"kept"}
    loose = {"memory": "taken", "processes": "72", "share": "1.0", "throttled": "0"}
    assert {f.verdict for f in limits.judge(Said(loose)).values()} == {"not kept"}
    assert {f.verdict for f in limits.judge(Said(refused="no")).values()} == {"not known"}


def test_what_a_limits_helper_did_not_get_to_is_not_known() -> None:
    found = limits.judge(Said({"memory": "held"}, rest="Killed"))
    assert found["memory-limit"].verdict == "kept"
    assert found["process-limit"].verdict == "not known"


def test_where_the_kernel_counts_nothing_the_share_decides() -> None:
    said = {"memory": "held", "processes": "1", "throttled": "?"}
    assert limits.judge(Said(said | {"share": "0.21"}))["cpu-limit"].verdict == "kept"
    assert limits.judge(Said(said | {"share": "0.99"}))["cpu-limit"].verdict == "not kept"


@pytest.mark.parametrize(
    ("tried", "verdict"),
    [
        (Said({"near": "yes", "open": "", "tried": "8"}), "kept"),
        (Said({"near": "yes", "open": "10.0.0.1"}), "not kept"),
        (Said({"near": "no", "open": "10.0.0.1"}), "not kept"),
        (Said({"near": "no", "open": ""}), "not known"),
        (Said(rest="Traceback"), "not known"),
        (Said(refused="no"), "not known"),
    ],
)
def test_the_network(tried: Said, verdict: str) -> None:
    assert network.judge(tried).verdict == verdict


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        ({"com.docker.network.bridge.inhibit_ipv4": "true"}, "inhibit_ipv4=true"),
        ({"com.docker.network.bridge.gateway_mode_ipv4": "isolated"}, "gateway_mode_ipv4=isolated"),
        ({"com.docker.network.bridge.name": "br0"}, "none"),
    ],
)
def test_the_mode_of_a_network(options: dict[str, str], mode: str) -> None:
    assert network.mode_of(options) == mode


@pytest.mark.parametrize(
    ("notice", "values", "verdict"),
    [
        ("", {"owned": "yes", "limit": "137"}, "kept"),
        ("", {"owned": "yes", "limit": "no"}, "not kept"),
        ("", {"owned": "yes"}, "not kept"),
        ("", {"owned": "no"}, "not kept"),
        ("not delegated", {"owned": "yes", "limit": "137"}, "not kept"),
    ],
)
def test_control_groups(notice: str, values: dict[str, str], verdict: str) -> None:
    assert control_groups.judge(notice, Said(values)).verdict == verdict


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (Said(rest="kvm: 20 million loops in a guest took 9 ms"), "kept"),
        (Said(rest="tcg: KVM_CREATE_VM: Operation not permitted"), "not kept"),
        (Said(refused='gathering device information "/dev/kvm": no such file'), "not kept"),
        (Said(refused="unknown runtime"), "not known"),
        (Said(rest=""), "not known"),
    ],
)
def test_kvm(said: Said, verdict: str) -> None:
    assert virtualisation.judge(said).verdict == verdict


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (Said({"ended": "0", "version": "10.0.13"}), "kept"),
        (Said({"ended": "1"}, rest="failed to install seccomp syscall filter"), "not kept"),
        (Said({"ended": "124"}), "not kept"),
        (Said(refused="no such image"), "not known"),
        (Said(rest="bash: not found"), "not known"),
    ],
)
def test_guests(said: Said, verdict: str) -> None:
    assert virtualisation.judge_qemu(said).verdict == verdict
