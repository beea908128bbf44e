"""What a lesson may ask for."""

from typing import Any

import pytest
from pydantic import ValidationError

from sandbox.specs import MachineSpec, SandboxSpec, limits_of, memory_of

MIB = 1024 * 1024


def spec(*machines: dict[str, Any], **more: Any) -> SandboxSpec:
    return SandboxSpec.model_validate({"machines": machines, **more})


LAPTOP = {"name": "laptop", "kind": "shell"}
PRODUCTION = {"name": "production", "kind": "docker"}


def test_a_spec_survives_the_database() -> None:
    made = spec(LAPTOP, PRODUCTION, previews=[{"machine": "laptop", "port": 80, "title": "App"}])
    assert SandboxSpec.model_validate(made.model_dump(mode="json")) == made


@pytest.mark.parametrize(
    "machines",
    [
        [],
        [LAPTOP, LAPTOP],
        [{"name": "Laptop", "kind": "shell"}],
        [{"name": "-rm", "kind": "shell"}],
        [{"name": "a" * 32, "kind": "shell"}],
        [{"name": "laptop\n", "kind": "shell"}],
        [{"name": "laptop", "kind": "privileged"}],
        [LAPTOP | {"cap_add": ["ALL"]}],
        [{"name": f"m{number}", "kind": "shell"} for number in range(7)],
    ],
)
def test_what_does_not_fit_is_refused(machines: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        spec(*machines)


@pytest.mark.parametrize(
    "preview",
    [
        {"machine": "other", "port": 80, "title": "x"},
        {"machine": "laptop", "port": 0, "title": "x"},
        {"machine": "laptop", "port": 65536, "title": "x"},
    ],
)
def test_previews_name_a_machine_and_a_port(preview: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        spec(LAPTOP, previews=[preview])


def test_nobody_passes_engine_options() -> None:
    with pytest.raises(ValidationError):
        spec(LAPTOP, privileged=True)


def test_a_machine_alone_needs_no_network() -> None:
    assert not spec(LAPTOP).needs_network
    assert spec(LAPTOP, PRODUCTION).needs_network
    assert not spec(LAPTOP, PRODUCTION, network="none").needs_network


def test_memory_is_the_sum_of_the_kinds() -> None:
    assert memory_of(spec(LAPTOP, PRODUCTION)) == (256 + 1024) * MIB


def test_a_kind_that_can_not_run_has_no_limits() -> None:
    with pytest.raises(KeyError):
        limits_of("hypervisor")


def test_a_guest_is_small_and_logged_in_unless_the_lesson_says_otherwise() -> None:
    plain = MachineSpec(name="house", kind="vm")
    assert (plain.guest, plain.login, plain.is_plain) == ("small", "auto", True)
    assert not MachineSpec(name="house", kind="vm", guest="full").is_plain
    assert not MachineSpec(name="house", kind="vm", login="prompt").is_plain


@pytest.mark.parametrize("more", [{"guest": "-m 8G"}, {"login": "root"}, {"accelerator": "kvm"}])
def test_a_guest_has_sizes_and_no_engine_options(more: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        spec({"name": "house", "kind": "vm"} | more)


def test_a_vm_beside_a_container_needs_no_network() -> None:
    assert not spec(LAPTOP, {"name": "house", "kind": "vm"}).needs_network
    assert spec(LAPTOP, PRODUCTION, {"name": "house", "kind": "vm"}).needs_network


def test_specs_do_not_change() -> None:
    with pytest.raises(ValidationError):
        MachineSpec(name="a", kind="shell").name = "b"  # type: ignore[misc]
