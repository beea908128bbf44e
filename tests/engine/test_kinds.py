"""What each kind was created with, by the engine's account, and what it can do, by its own."""

import json
from typing import Any

import pytest

from sandbox import engine
from sandbox.hostconfig import DATA_ROOT, SECCOMP_DOCKER, longest_life_seconds
from sandbox.images import image_ref, seed_volume
from sandbox.models import Machine
from sandbox.specs import RUNNABLE_KINDS, limits_of
from tests.engine.probes import as_root, control_groups, unprotected
from tests.engine.screen import typed

pytestmark = pytest.mark.engine
KINDS = pytest.mark.parametrize("kind", sorted(RUNNABLE_KINDS))


@pytest.fixture
def machine(request: pytest.FixtureRequest, kind: str) -> Machine:
    return request.getfixturevalue(f"shared_{kind}")


@pytest.fixture
def found(machine: Machine) -> dict[str, Any]:
    inspected = engine.inspect_container(machine.container_id)
    assert inspected is not None
    return inspected


@KINDS
def test_what_every_kind_is_made_with(kind: str, found: dict[str, Any]) -> None:
    host, limits = found["HostConfig"], limits_of(kind)
    assert not host["Privileged"]
    assert host["CapDrop"] == ["ALL"]
    assert host["Memory"] == host["MemorySwap"] == limits.memory_bytes
    assert host["PidsLimit"] == limits.pids
    assert host["NanoCpus"] == int(limits.cpus * 1e9)
    assert host["NetworkMode"] == "none"
    assert (host["IpcMode"], host["CgroupnsMode"]) == ("private", "private")
    for mode in ("PidMode", "UTSMode", "UsernsMode"):
        assert host[mode] == "", "none is the host's"
    for empty in ("Binds", "VolumesFrom", "PortBindings", "Links", "ExtraHosts", "GroupAdd"):
        assert not host.get(empty), empty
    assert not host["PublishAllPorts"]
    assert host["RestartPolicy"]["Name"] == "no"
    assert host["LogConfig"]["Config"]["max-size"] == "1m"
    config = found["Config"]
    assert config["User"] == "1000:1000"
    assert config["Image"] == image_ref(kind)
    assert config["Entrypoint"][0] == "/usr/local/sbin/slipway-init"
    assert f"SLIPWAY_DEADLINE_SECONDS={longest_life_seconds()}" in config["Env"]


@pytest.mark.parametrize("kind", ["shell"])
def test_what_a_shell_is_made_with(kind: str, found: dict[str, Any]) -> None:
    host = found["HostConfig"]
    assert host["SecurityOpt"] == ["no-new-privileges"], "and the default seccomp profile"
    assert not host["CapAdd"]
    assert host["ReadonlyRootfs"]
    assert "/proc/kcore" in host["MaskedPaths"]
    assert "/proc/sys" in host["ReadonlyPaths"]
    assert not host["Devices"]
    assert not found["Mounts"], "tmpfs only"


@pytest.mark.parametrize("kind", ["docker"])
def test_what_a_docker_machine_is_made_with(kind: str, found: dict[str, Any]) -> None:
    host = found["HostConfig"]
    options = dict(option.split("=", 1) for option in host["SecurityOpt"])
    assert options.keys() == {"seccomp", "apparmor"}
    assert json.loads(options["seccomp"]) == json.loads(SECCOMP_DOCKER.read_text())
    assert host["CapAdd"] == ["SETUID", "SETGID"]
    assert host["MaskedPaths"] == host["ReadonlyPaths"] == []
    assert [device["PathOnHost"] for device in host["Devices"]] == ["/dev/net/tun"]
    assert host["Ulimits"] == [{"Name": "memlock", "Soft": 8 << 20, "Hard": 8 << 20}]
    assert host["Tmpfs"].keys() == {"/dev/shm", "/sys/fs/cgroup"}
    mounts = {mount["Destination"]: mount for mount in found["Mounts"]}
    assert mounts.keys() == {DATA_ROOT, "/seed-images"}
    assert mounts["/seed-images"]["Name"] == seed_volume()
    assert not mounts["/seed-images"]["RW"]


@pytest.mark.parametrize("kind", ["vm"])
def test_what_a_vm_is_made_with(kind: str, found: dict[str, Any]) -> None:
    """The walls of a shell around QEMU; this host's KVM only where it was seen to work."""
    host = found["HostConfig"]
    assert host["SecurityOpt"] == ["no-new-privileges"], "and the default seccomp profile"
    assert not host["CapAdd"]
    assert host["ReadonlyRootfs"]
    assert "/proc/kcore" in host["MaskedPaths"]
    assert "/proc/sys" in host["ReadonlyPaths"]
    assert host["Tmpfs"].keys() == {"/tmp", "/run", "/dev/shm"}
    assert all("size=" in options and "nr_inodes=" in options for options in host["Tmpfs"].values())
    assert {device["PathOnHost"] for device in host["Devices"] or []} <= {"/dev/kvm"}
    assert not [mount for mount in found["Mounts"] if mount["RW"]]


LOOK = """id -u; ls -d /sys/class/net/* | xargs -n1 basename | tr '\\n' ' '; echo
touch /etc/probe 2>/dev/null && rm /etc/probe && echo wrote; touch /seed-images/x 2>/dev/null && echo seed
cat /proc/mounts"""


def test_what_a_shell_can_do_by_its_own_account(shared_shell: Machine) -> None:
    assert "wrote" in unprotected(LOOK).text
    uid, cards, mounts = typed(shared_shell, LOOK).text.split("\n", 2)
    assert (uid, cards.split()) == ("1000", ["lo"])
    assert "wrote" not in mounts
    assert next(line for line in mounts.splitlines() if " / " in line).split()[3][:3] == "ro,"


def test_what_a_docker_machine_can_do_by_its_own_account(shared_docker: Machine) -> None:
    seed = as_root(shared_docker, LOOK).text
    assert seed.startswith("1000\n")
    assert "wrote" not in seed
    assert "seed\n" not in seed.split("\n", 2)[2].replace("/seed-images", "")
    inside = typed(shared_docker, LOOK).text
    assert inside.startswith("0\n"), "root of its own user namespace"
    mine = typed(shared_docker, "docker run --rm --memory 48m alpine cat /proc/1/limits >/dev/null")
    assert mine.code == 0


@KINDS
def test_the_limits_hold_for_the_control_group_it_is_in(kind: str, found: dict[str, Any]) -> None:
    """Read on this host, from the kernel itself."""
    directories = control_groups(found["State"]["Pid"])
    values = {}
    for name in ("memory.limit_in_bytes", "memory.max", "pids.max", "cpu.cfs_quota_us", "cpu.max"):
        for directory in directories:
            if (directory / name).exists():
                values[name] = (directory / name).read_text().split()[0]
    limits = limits_of(kind)
    memory = values.get("memory.limit_in_bytes") or values["memory.max"]
    assert int(memory) == limits.memory_bytes
    assert int(values["pids.max"]) == limits.pids
    quota = values.get("cpu.cfs_quota_us") or values["cpu.max"]
    assert int(quota) == int(limits.cpus * 100_000)
