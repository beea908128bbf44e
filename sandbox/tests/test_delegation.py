"""Which control group files a `docker` machine's engine gets, from /proc/PID/cgroup."""

from pathlib import Path
from unittest.mock import patch

import pytest

from sandbox import delegation
from sandbox.delegation import NOT_DELEGATED, V1_FILES, V2_FILES, cgroup_directories
from sandbox.errors import EngineDown

V1 = """\
9:name=systemd:/docker/abc
7:cpu,cpuacct:/docker/abc
6:memory:/docker/abc
2:net_cls,net_prio:/
0::/
"""
V2 = "0::/system.slice/docker-abc.scope\n"


def test_v1_has_a_directory_for_each_controller() -> None:
    assert cgroup_directories(V1) == [
        (Path("/sys/fs/cgroup/systemd/docker/abc"), V1_FILES),
        (Path("/sys/fs/cgroup/cpu,cpuacct/docker/abc"), V1_FILES),
        (Path("/sys/fs/cgroup/memory/docker/abc"), V1_FILES),
    ]


def test_v2_has_one_directory() -> None:
    assert cgroup_directories(V2) == [
        (Path("/sys/fs/cgroup/system.slice/docker-abc.scope"), V2_FILES)
    ]


def test_the_root_group_is_never_given_away() -> None:
    assert cgroup_directories("0::/\n6:memory:/\n") == []


def test_a_path_with_a_colon_stays_whole() -> None:
    assert cgroup_directories("0::/machine/a:b\n")[0][0] == Path("/sys/fs/cgroup/machine/a:b")


@pytest.mark.parametrize("files", [V1_FILES, V2_FILES])
def test_the_machines_own_limits_stay_roots(files: tuple[str, ...]) -> None:
    assert not [name for name in files if name.startswith(("memory", "cpu", "pids", "io"))]


def test_a_machine_that_is_gone_gets_a_notice() -> None:
    with patch("sandbox.engine.inspect_container", return_value=None):
        assert delegation.delegate_cgroup("x" * 64) == NOT_DELEGATED


def test_a_failing_helper_gives_a_notice_and_no_error() -> None:
    found = {"State": {"Pid": 99}}
    with (
        patch("sandbox.engine.inspect_container", return_value=found),
        patch("sandbox.delegation._is_here", return_value=False),
        patch("sandbox.engine.run_helper", side_effect=EngineDown),
    ):
        assert delegation.delegate_cgroup("x" * 64) == NOT_DELEGATED


def test_the_helper_may_change_owners_and_nothing_else() -> None:
    with patch("sandbox.engine.run_helper", return_value=(0, "")) as run:
        delegation._delegate_by_helper(99)
    host = run.call_args[0][0]["HostConfig"]
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], ["CHOWN"])
    assert host["Binds"] == ["/sys/fs/cgroup:/sys/fs/cgroup:rw"]
    assert host["NetworkMode"] == "none"
    assert not host.get("Privileged")
