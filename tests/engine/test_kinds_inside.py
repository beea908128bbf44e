"""What each kind can do, by its own account and by that of this host's kernel."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from bench import processes
from sandbox import engine
from sandbox.models import Machine
from sandbox.specs import RUNNABLE_KINDS, limits_of
from tests.engine.probes import as_root, control_groups, unprotected, unprotected_once
from tests.engine.screen import typed
from tests.engine.vm_machine import around

pytestmark = pytest.mark.engine
KINDS = pytest.mark.parametrize("kind", sorted(RUNNABLE_KINDS))


def process_status(pid: int) -> dict[str, str]:
    """What this host's kernel says of one of its processes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def user_namespace(pid: int | str = "self") -> str:
    return str(Path(f"/proc/{pid}/ns/user").readlink())


def pids_of(first: int) -> dict[str, int]:
    """Processes of a machine by the names of their programs, as this host sees them."""
    named = {}
    for pid in processes.tree(first):
        with contextlib.suppress(OSError):  # some come and go
            named[Path(f"/proc/{pid}/comm").read_text().strip()] = pid
    return named


# What a container runtime puts into /dev by itself (OCI runtime specification, "Default Devices").
STANDARD_DEVICES = (
    "console", "core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr",
    "stdin", "stdout", "tty", "urandom", "zero",
)  # fmt: skip

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


@pytest.mark.parametrize("kind", ["docker"])
def test_its_engine_is_in_a_user_namespace_below_a_process_without_rights(
    kind: str, found: dict[str, Any]
) -> None:
    first = found["State"]["Pid"]
    programs = pids_of(first)
    assert {"rootlesskit", "slirp4netns", "dockerd"} <= programs.keys()
    assert user_namespace(first) == user_namespace(), "PID 1 is the host's, without a right"
    assert user_namespace(programs["dockerd"]) != user_namespace()
    for name in ("rootlesskit", "slirp4netns", "dockerd"):
        status = process_status(programs[name])
        assert (status["Uid"].split()[0], status["Seccomp"]) == ("1000", "2"), name
    assert int(process_status(programs["rootlesskit"])["CapEff"], 16) == 0


NEWIDMAP = ["/usr/bin/newgidmap", "/usr/bin/newuidmap"]
# Programs with capabilities of their own, by the attribute that the kernel reads.
RIGHTS = """exec python3 - <<'PY'
import os
for folder, _, names in os.walk("/usr"):
    for path in (f"{folder}/{name}" for name in names):
        try:
            os.getxattr(path, "security.capability", follow_symlinks=False)
        except OSError:
            continue
        print(path)
PY"""


def test_only_the_id_mapping_programs_of_a_docker_machine_have_capabilities(
    shared_docker: Machine, shared_shell: Machine
) -> None:
    assert sorted(as_root(shared_docker, RIGHTS).text.split()) == NEWIDMAP
    assert as_root(shared_shell, RIGHTS).text == ""


def assert_devices_are_seen(image: str) -> None:
    """Those that an open container is given beside the standard ones."""
    found = {*unprotected_once("ls /dev", image).text.split()}
    assert "kmsg" in found - {*STANDARD_DEVICES}
    assert len(found - {*STANDARD_DEVICES}) > 1, "a disk as well"


def test_a_docker_machine_has_its_tunnel_device_and_no_other(shared_docker: Machine) -> None:
    assert_devices_are_seen("docker")
    said = as_root(shared_docker, "stat -c %A:%t:%T /dev/net/tun; ls /dev; ls /dev/net").text
    mode, *names = said.split()
    assert mode == "crw-rw-rw-:a:c8"
    assert {*names} <= {*STANDARD_DEVICES, "net", "tun"}


def test_shell_and_vm_have_no_device_of_the_hosts(
    shared_shell: Machine, shared_vm: Machine
) -> None:
    for image in ("shell", "vm"):
        assert_devices_are_seen(image)
    for said in (as_root(shared_shell, "ls /dev"), around(shared_vm, "/bin/ls", "/dev")):
        assert "null" in said.text.split(), "it did look"
        assert {*said.text.split()} <= {*STANDARD_DEVICES}


def test_limits_of_an_inner_container_reach_the_kernel(shared_docker: Machine) -> None:
    v1, v2 = (
        "cpu/cpu.cfs_quota_us pids/pids.max memory/memory.limit_in_bytes",
        "cpu.max pids.max memory.max",
    )
    look = f"cat {v1} 2>/dev/null || cat {v2}"
    limits = "--cpus 0.5 --pids-limit 77 --memory 48m"
    command = f"docker run --rm {limits} -w /sys/fs/cgroup alpine sh -c '{look}'"
    said = typed(shared_docker, command, 30).text.split()
    assert [word for word in said if word != "100000"] == ["50000", "77", str(48 << 20)]


LIMIT_FILES = (
    "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "cpu.cfs_quota_us",
    "memory.max", "memory.swap.max", "cpu.max", "pids.max",
)  # fmt: skip


@KINDS
def test_the_limits_hold_for_the_control_group_it_is_in(kind: str, found: dict[str, Any]) -> None:
    """Read on this host, from the kernel itself."""
    directories = control_groups(found["State"]["Pid"])
    values = {}
    for name in LIMIT_FILES:
        for directory in directories:
            if (directory / name).exists():
                values[name] = (directory / name).read_text().split()[0]
    limits = limits_of(kind)
    memory = values.get("memory.limit_in_bytes") or values["memory.max"]
    assert int(memory) == limits.memory_bytes
    assert int(values["pids.max"]) == limits.pids
    quota = values.get("cpu.cfs_quota_us") or values["cpu.max"]
    assert int(quota) == int(limits.cpus * 100_000)
    # v1 counts memory and swap together, v2 swap alone; some kernels count no swap.
    if swap := values.get("memory.swap.max"):
        assert int(swap) == 0
    elif engine.info()["SwapLimit"]:
        assert int(values["memory.memsw.limit_in_bytes"]) == limits.memory_bytes
