"""What each kind was created with, by the engine's account; inside: test_kinds_inside.py."""

import json
from typing import Any

import pytest
from django.conf import settings

from sandbox import engine
from sandbox.hostconfig import DATA_ROOT, SECCOMP_DOCKER, longest_life_seconds
from sandbox.images import image_ref, seed_volume
from sandbox.specs import RUNNABLE_KINDS, limits_of
from tests.engine.test_attacks_limits import PLACES

pytestmark = pytest.mark.engine
KINDS = pytest.mark.parametrize("kind", sorted(RUNNABLE_KINDS))


# What would share something of the host's, or lift a wall, if an engine were asked for it.
NOT_GIVEN = (
    "Binds", "VolumesFrom", "PortBindings", "PublishAllPorts", "Links", "ExtraHosts", "GroupAdd",
    "DeviceCgroupRules", "DeviceRequests", "Sysctls", "CgroupParent", "OomKillDisable", "Init",
    "CpuRealtimeRuntime", "ContainerIDFile",
)  # fmt: skip


def _default_runtime() -> str:
    return str(engine.info()["DefaultRuntime"])


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
    for empty in NOT_GIVEN:
        assert not host.get(empty), empty
    assert host["RestartPolicy"]["Name"] == "no"
    assert host["OomScoreAdj"] == 500, "a host without memory ends a machine first"
    assert (host["Dns"], host["DnsOptions"]) == (["192.0.2.1"], ["timeout:1", "attempts:1"])
    for place, options in host["Tmpfs"].items():
        assert {"nosuid", "nodev"} <= set(options.split(",")), place
        assert "size=" in options, place
        assert "nr_inodes=" in options, place


@KINDS
def test_whose_it_is_what_it_runs_and_what_the_engine_keeps_of_it(
    kind: str, found: dict[str, Any]
) -> None:
    host, config = found["HostConfig"], found["Config"]
    assert host["Runtime"] == (limits_of(kind).runtime or _default_runtime())
    assert host["LogConfig"]["Config"]["max-size"] == "1m"
    assert host["LogConfig"]["Config"]["max-file"] == "1"
    assert config["User"] == "1000:1000"
    labels = {name for name in config["Labels"] if name.startswith("slipway.")}
    assert labels == {"slipway.instance", "slipway.sandbox", "slipway.machine"}
    assert config["Labels"]["slipway.instance"] == settings.SLIPWAY_INSTANCE
    assert not config.get("ExposedPorts")
    assert not config.get("Volumes")
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
    assert not host["Ulimits"]
    assert host["Tmpfs"].keys() == {*PLACES}
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
    assert not host["Devices"], "this one is emulated"
    assert not host["Ulimits"]
    assert not [mount for mount in found["Mounts"] if mount["RW"]]


def test_the_engines_default_seccomp_profile_is_a_profile() -> None:
    """`shell` and `vm` name none; an engine started with `unconfined` would give them nothing."""
    (filters,) = [o for o in engine.info()["SecurityOptions"] if o.startswith("name=seccomp")]
    assert filters.split("profile=")[1] in ("default", "builtin")
