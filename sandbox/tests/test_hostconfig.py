"""What each kind of machine may do, row by row; a change here is a change of isolation."""

import json
from typing import Any

import pytest

from sandbox.hostconfig import DATA_ROOT, GuestWish, container_body, longest_life_seconds
from sandbox.images import image_ref, seed_volume

KINDS = ["shell", "docker", "vm"]
MIB = 1024 * 1024


def body(kind: str, network: str | None = None) -> dict[str, Any]:
    return container_body(kind, "laptop", {"a": "b"}, network=network, data_volume="data-1")


def host(kind: str, network: str | None = None) -> dict[str, Any]:
    return body(kind, network)["HostConfig"]


@pytest.mark.parametrize("kind", KINDS)
def test_never_privileged_and_all_capabilities_dropped(kind: str) -> None:
    config = host(kind)
    assert not config.get("Privileged")
    assert config["CapDrop"] == ["ALL"]


def test_shell_gets_no_capability_back() -> None:
    assert "CapAdd" not in host("shell")


def test_docker_gets_back_only_what_newuidmap_needs() -> None:
    assert host("docker")["CapAdd"] == ["SETUID", "SETGID"]


def test_shell_has_no_new_privileges_and_the_default_seccomp_profile() -> None:
    assert host("shell")["SecurityOpt"] == ["no-new-privileges"]


def test_docker_carries_the_text_of_its_seccomp_profile() -> None:
    options = dict(option.split("=", 1) for option in host("docker")["SecurityOpt"])
    profile = json.loads(options["seccomp"])
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert options["apparmor"] == "unconfined"
    assert "no-new-privileges" not in options


@pytest.mark.parametrize(
    ("kind", "memory", "pids", "cpus"),
    [("shell", 256, 256, 1.0), ("docker", 1024, 512, 2.0), ("vm", 640, 256, 1.0)],
)
def test_limits_come_from_the_settings(kind: str, memory: int, pids: int, cpus: float) -> None:
    config = host(kind)
    assert config["Memory"] == memory * MIB
    assert config["MemorySwap"] == config["Memory"], "no swap beyond the limit"
    assert config["PidsLimit"] == pids
    assert config["NanoCpus"] == int(cpus * 1e9)


@pytest.mark.parametrize("kind", KINDS)
def test_operator_changes_limits_and_runtime_of_one_kind(settings: Any, kind: str) -> None:
    others = {other: host(other) for other in KINDS if other != kind}
    setattr(settings, f"SANDBOX_{kind.upper()}_MEMORY_MIB", 64)
    setattr(settings, f"SANDBOX_{kind.upper()}_PIDS", 17)
    setattr(settings, f"SANDBOX_RUNTIME_{kind.upper()}", "runsc")
    config = host(kind)
    assert (config["Memory"], config["PidsLimit"], config["Runtime"]) == (64 * MIB, 17, "runsc")
    assert {other: host(other) for other in others} == others


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_host_is_mounted(kind: str) -> None:
    config = host(kind)
    assert not config.get("Binds")
    assert all(mount["Type"] == "volume" for mount in config.get("Mounts", []))
    assert not config.get("VolumesFrom")
    assert "docker.sock" not in json.dumps(config)


@pytest.mark.parametrize("kind", KINDS)
def test_no_namespace_is_shared_with_the_host(kind: str) -> None:
    config = host(kind)
    for mode in ("PidMode", "UTSMode", "UsernsMode"):
        assert not config.get(mode)
    assert config["IpcMode"] == "private"
    assert config["CgroupnsMode"] == "private"
    assert config["NetworkMode"] == "none"


@pytest.mark.parametrize("kind", KINDS)
def test_network_is_none_or_the_sandboxs_own(kind: str) -> None:
    made = body(kind, "slipway-x")
    assert made["HostConfig"]["NetworkMode"] == "slipway-x"
    assert made["NetworkingConfig"] == {"EndpointsConfig": {"slipway-x": {"Aliases": ["laptop"]}}}
    assert body(kind)["NetworkingConfig"] == {"EndpointsConfig": {}}


@pytest.mark.parametrize("kind", KINDS)
def test_no_port_is_published_and_no_name_is_looked_up_outside(kind: str) -> None:
    config = host(kind, "slipway-x")
    assert not config.get("PortBindings")
    assert not config.get("PublishAllPorts")
    assert config["Dns"] == ["192.0.2.1"]
    assert config["DnsOptions"] == ["timeout:1", "attempts:1"]


@pytest.mark.parametrize("kind", KINDS)
def test_runs_as_the_learner_on_a_terminal(kind: str) -> None:
    made = body(kind)
    assert made["User"] == "1000:1000"
    assert (made["Tty"], made["OpenStdin"], made["StdinOnce"]) == (True, True, False)
    assert made["Hostname"] == "laptop"
    assert made["Image"] == image_ref(kind)
    assert made["Labels"] == {"a": "b"}
    assert not {"Entrypoint", "Cmd", "WorkingDir"} & made.keys(), "the image's own"


def test_shells_root_is_read_only_and_writable_only_where_it_is_bounded() -> None:
    config = host("shell")
    assert config["ReadonlyRootfs"] is True
    places = {"/home/learner", "/tmp", "/var/tmp", "/run", "/opt", "/srv", "/dev/shm"}
    assert config["Tmpfs"].keys() == places


@pytest.mark.parametrize("kind", KINDS)
def test_memory_file_systems_are_bounded_in_bytes_and_in_files(kind: str) -> None:
    tmpfs = host(kind)["Tmpfs"]
    assert "/dev/shm" in tmpfs
    for place, options in tmpfs.items():
        words = options.split(",")
        assert {"nosuid", "nodev"} <= set(words), place
        assert any(word.startswith("size=") for word in words), place
        assert any(word.startswith("nr_inodes=") for word in words), place


def test_docker_gets_its_data_volume_the_seed_read_only_and_tun() -> None:
    config = host("docker")
    data, seed = config["Mounts"]
    assert data == {"Type": "volume", "Source": "data-1", "Target": DATA_ROOT}
    assert (seed["Source"], seed["ReadOnly"]) == (seed_volume(), True)
    assert [device["PathOnHost"] for device in config["Devices"]] == ["/dev/net/tun"]
    assert config["MaskedPaths"] == []
    assert config["ReadonlyPaths"] == []


def test_shell_keeps_the_engines_masked_paths_and_gets_no_device() -> None:
    assert not {"MaskedPaths", "ReadonlyPaths", "Devices", "Mounts"} & host("shell").keys()


@pytest.mark.parametrize("kind", KINDS)
def test_log_is_bounded_and_the_engine_never_restarts_a_machine(kind: str) -> None:
    config = host(kind)
    assert config["LogConfig"]["Config"]["max-size"] == "1m"
    assert config["RestartPolicy"] == {"Name": "no"}


def test_the_machines_own_deadline_comes_after_all_extensions(settings: Any) -> None:
    settings.SANDBOX_LIFETIME_SECONDS = 100
    settings.SANDBOX_EXTENSIONS = 3
    settings.SANDBOX_EXTEND_SECONDS = 10
    assert longest_life_seconds() > 130
    assert f"SLIPWAY_DEADLINE_SECONDS={longest_life_seconds()}" in body("shell")["Env"]


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(KeyError):
        body("hypervisor")


def guest(**wish: Any) -> dict[str, Any]:
    made = GuestWish(**wish)
    return container_body("vm", "house", {}, network=None, data_volume="", guest=made)


def test_a_vm_machine_is_confined_like_a_shell() -> None:
    config = host("vm")
    assert "CapAdd" not in config
    assert config["SecurityOpt"] == ["no-new-privileges"], "and the default seccomp profile"
    assert config["ReadonlyRootfs"] is True
    assert not {"MaskedPaths", "ReadonlyPaths", "Devices", "Mounts"} & config.keys()
    assert config["Tmpfs"].keys() == {"/tmp", "/run", "/dev/shm"}


def test_a_vm_machine_gets_the_hosts_kvm_only_where_it_was_seen_to_work() -> None:
    config = guest(accelerator="kvm", kvm_group=108)["HostConfig"]
    assert [device["PathOnHost"] for device in config["Devices"]] == ["/dev/kvm"]
    assert config["GroupAdd"] == ["108"]
    assert "Devices" not in guest()["HostConfig"]


def test_snapshots_are_read_only() -> None:
    (mount,) = guest(snapshots="snapshots-1")["HostConfig"]["Mounts"]
    assert (mount["Source"], mount["ReadOnly"]) == ("snapshots-1", True)


def test_the_machine_is_told_which_guest_it_runs() -> None:
    said = guest(size="full", login="prompt")["Env"]
    assert {"SLIPWAY_GUEST=full", "SLIPWAY_LOGIN=prompt", "SLIPWAY_ACCELERATOR=tcg"} <= set(said)
