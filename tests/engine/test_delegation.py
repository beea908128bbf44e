"""What a `docker` machine gets of its control group, and that its PID 1 stays out of reach."""

import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from sandbox import delegation, engine
from sandbox.models import Machine
from tests.engine.conftest import bare_machine
from tests.engine.probes import as_learner, control_groups, unprotected
from tests.engine.screen import typed

pytestmark = pytest.mark.engine
ROOT = Path("/sys/fs/cgroup")
DEADLINE_SECONDS = 8
V1 = not (ROOT / "cgroup.controllers").exists()
ON_V1 = pytest.mark.skipif(not V1, reason="not run: this host has cgroup v2")


def groups(machine: Machine) -> list[Path]:
    found = engine.inspect_container(machine.container_id)
    assert found is not None
    return control_groups(found["State"]["Pid"])


@ON_V1
def test_directories_and_process_lists_are_the_learners_and_limits_roots(
    shared_docker: Machine,
) -> None:
    seen = groups(shared_docker)
    assert any("memory" in str(group) for group in seen)
    for group in seen:
        own = "freezer" not in str(group)
        owned = {path.name for path in group.iterdir() if path.is_file() and path.stat().st_uid}
        assert owned == ({"tasks", "cgroup.procs"} if own else set()), group
        assert bool(group.stat().st_uid) is own


def frozen_script(setup: str) -> str:
    return f"""{setup}
    mkdir $d/z || exit 1; sleep 50 & p=$!
    echo $p >$d/z/cgroup.procs || exit 1
    echo FROZEN >$d/z/freezer.state || exit 1
    cat $d/z/freezer.state; echo THAWED >$d/z/freezer.state; kill $p; wait 2>/dev/null
    rmdir $d/z; exit 0"""


@ON_V1
def test_nothing_can_be_frozen(shared_docker: Machine) -> None:
    """What is frozen on v1 can't be killed, and the machine could never be removed."""
    mounted = "d=/tmp/f; mkdir -p $d; mount -t cgroup -o freezer none $d || exit 1"
    assert unprotected(frozen_script(mounted), CgroupnsMode="private").text != ""
    for found in (mounted, "d=/sys/fs/cgroup/freezer", "d=/run/slipway-kept/freezer"):
        assert typed(shared_docker, frozen_script(found)).code not in (0, None, 127)
    began = typed(shared_docker, "docker run -d --name still alpine sleep 60", 30)
    assert began.code == 0, began.text
    try:
        paused = typed(shared_docker, "docker pause still", 30)
        assert paused.code not in (0, None, 127)
    finally:
        assert typed(shared_docker, "docker rm -f still", 30).code == 0


# All that a learner can do to PID 1 with control groups, and the terminal stopped.
HOLD = """for g in $(find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d); do
  mkdir -p $g/hold; echo 1 >$g/hold/cgroup.procs
  echo FROZEN >$g/hold/freezer.state; echo 1 >$g/hold/cgroup.freeze
  echo 1000 >$g/hold/cpu.cfs_quota_us; echo 1000000 >$g/hold/cpu.cfs_period_us
  echo 1 >$g/hold/memory.oom_control
  echo 4096 >$g/hold/memory.limit_in_bytes; echo 0 >$g/hold/memory.force_empty
done 2>/dev/null
cat /sys/fs/cgroup/memory/hold/cgroup.procs
python3 -c 'import termios; termios.tcflow(0, termios.TCOOFF)' </dev/pts/0"""


@pytest.mark.parametrize("kind", ["shell", "docker"])
def test_a_machine_ends_at_its_deadline_whatever_its_learner_does(kind: str) -> None:
    with patch("sandbox.hostconfig.longest_life_seconds", return_value=DEADLINE_SECONDS):
        machines = bare_machine(kind)
        machine = next(machines)
        began = time.monotonic()
    held = as_learner(machine, HOLD)
    if kind == "docker" and V1:
        assert "1" in held.text.split(), "PID 1 is where the learner wants it"
    while (found := engine.inspect_container(machine.container_id)) and found["State"]["Running"]:
        assert time.monotonic() - began < 3 * DEADLINE_SECONDS, "it should have ended"
        time.sleep(0.3)
    assert found
    assert found["State"]["ExitCode"] == 0, "by itself"
    machines.close()


def test_a_machine_whose_containers_stand_still_is_removed_at_once() -> None:
    machines = bare_machine("docker")
    machine = next(machines)
    as_learner(machine, "docker run -d --name still alpine sleep 600; docker pause still", 30)
    began = time.monotonic()
    machines.close()
    assert time.monotonic() - began < 8
    assert not engine.inspect_container(machine.container_id)


# cgroup v2 without its controllers is beside v1 on a hybrid host: enough to see who may move
# and freeze what, which is the kernel's doing and not the engine's.


@pytest.fixture
def v2_group() -> Iterator[Path]:
    mount = ROOT if not V1 else ROOT / "unified"
    if not (mount / "cgroup.procs").exists():
        pytest.skip("not run: no cgroup v2 hierarchy is mounted on this host")
    group = mount / f"slipway-test-{uuid.uuid4().hex[:8]}"
    group.mkdir()
    yield group
    for child in sorted(group.rglob("*"), reverse=True):
        if child.is_dir():
            child.rmdir()
    group.rmdir()


def as_uid(uid: int, script: str) -> int:
    return subprocess.run(["bash", "-c", script], user=uid, group=uid, timeout=10).returncode


def test_on_v2_the_learner_can_not_freeze_pid_1(v2_group: Path) -> None:
    first, second = (
        subprocess.Popen(["sleep", "60"], user=1000, group=1000, extra_groups=[]) for _ in range(2)
    )
    try:
        for process in (first, second):
            (v2_group / "cgroup.procs").write_text(str(process.pid))
        mount = ROOT if not V1 else ROOT / "unified"
        script = ["/bin/bash", str(delegation.SCRIPT), str(first.pid), "1000"]
        for _ in range(2):  # a second worker may take the machine over
            subprocess.run(
                script, check=True, env={**os.environ, "SLIPWAY_CGROUP_ROOT": str(mount)}
            )
        learner, machine = v2_group / "learner", v2_group / "machine"
        assert (machine / "cgroup.procs").read_text().split() == [str(first.pid)]
        assert (learner / "cgroup.procs").read_text().split() == [str(second.pid)]
        assert (v2_group / "cgroup.procs").read_text() == ""
        assert not (machine / "machine").exists()
        assert (
            as_uid(1000, f"mkdir {learner}/z && echo {second.pid} >{learner}/z/cgroup.procs") == 0
        )
        assert as_uid(1000, f"echo 1 >{learner}/z/cgroup.freeze") == 0, "their own they may"
        for refused in (
            f"echo {first.pid} >{learner}/z/cgroup.procs",
            f"echo {first.pid} >{learner}/cgroup.procs",
            f"echo {second.pid} >{machine}/cgroup.procs",
            f"echo 1 >{machine}/cgroup.freeze",
            f"echo 1 >{v2_group}/cgroup.freeze",
            f"mkdir {machine}/z",
        ):
            assert as_uid(1000, refused + " 2>/dev/null") != 0, refused
        second.kill()
        assert second.wait(5) == -9, "what is frozen on v2 can be ended"
    finally:
        for process in (first, second):
            process.kill()
            process.wait()


def test_a_worker_in_a_container_delegates_the_same(shared_docker: Machine) -> None:
    with patch("sandbox.delegation.is_here", return_value=False):
        assert delegation.delegate_cgroup(shared_docker.container_id) == ""
