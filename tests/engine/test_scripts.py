"""Checks and files on real machines: what the learner can't read, how scripts end."""

import hashlib
import time
from datetime import timedelta

import pytest

from sandbox import assembly, creation, machines
from sandbox.errors import BadRequest
from sandbox.models import Machine, Sandbox, State
from sandbox.specs import MachineSpec
from tests.engine.conftest import Start
from tests.engine.probes import as_learner, as_root

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]


def test_a_script_that_closes_its_output_early_is_waited_for(shared_shell: Machine) -> None:
    done = machines.run_in(shared_shell, b"exec >&- 2>&-\nsleep 0.7\nexit 3\n")
    assert (done.exit_code, done.timed_out) == (3, False)
    assert done.seconds >= 0.7


def test_a_script_that_leaves_something_running_does_not_hang(shared_shell: Machine) -> None:
    done = machines.run_in(shared_shell, b"sleep 300 & echo started\n", timeout_seconds=8)
    try:
        assert done.stdout == "started\n"
        assert done.seconds < 6
        assert (done.exit_code, done.timed_out) == (0, False)
    finally:
        as_root(shared_shell, "pkill -x sleep")


@pytest.mark.parametrize(("script", "code"), [("kill -9 $$", 137), ("exit 124", 124)])
def test_an_early_end_is_no_timeout(shared_shell: Machine, script: str, code: int) -> None:
    done = machines.run_in(shared_shell, script.encode())
    assert (done.exit_code, done.timed_out) == (code, False)


@pytest.mark.parametrize("machine", ["shared_shell", "shared_docker"])
def test_time_over_ends_the_script_and_its_children(
    request: pytest.FixtureRequest, machine: str
) -> None:
    target = request.getfixturevalue(machine)
    script = b"trap '' TERM; sleep 4567 & sleep 4567; wait"
    done = machines.run_in(target, script, timeout_seconds=1)
    assert (done.exit_code, done.timed_out) == (None, True)
    time.sleep(0.3)
    assert "4567" not in as_root(target, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").text


def test_both_outputs_are_kept_apart_and_cut(shared_shell: Machine) -> None:
    script = b"yes out | head -c 200000; yes err | head -c 200000 >&2; exit 7"
    done = machines.run_in(shared_shell, script)
    assert done.exit_code == 7
    assert len(done.stdout) == len(done.stderr) == machines.OUTPUT_LIMIT_BYTES
    assert set(done.stdout.split()) <= {"out", "ou", "o"}
    assert set(done.stderr.split()) <= {"err", "er", "e"}


# files


def read(machine: Machine, path: str) -> str:
    return as_learner(machine, f"cat {path}").text


def test_a_file_lands_where_it_was_meant_to(shell: Machine) -> None:
    content = bytes(range(256)) * 4096
    box, name = shell.sandbox, shell.name
    assert machines.write_file(box, name, "~/deep/er/big.bin", content) == len(content)
    digest = as_learner(shell, "sha256sum < ~/deep/er/big.bin").text.split()[0]
    assert digest == hashlib.sha256(content).hexdigest()
    with pytest.raises(BadRequest, match="too large"):
        machines.write_file(box, name, "~/bigger", content + b"x")


@pytest.mark.parametrize("path", ["~/it's $(date) `id`; rm -rf ~", "~/-rf", "~/ä b\nc"])
def test_odd_names_are_names(shell: Machine, path: str) -> None:
    machines.write_file(shell.sandbox, shell.name, path, b"odd")
    assert as_learner(shell, "cat ~/*").text == "odd"


def test_a_link_is_followed_and_the_mode_is_kept(shell: Machine) -> None:
    as_learner(shell, "mkdir ~/real; echo old > ~/real/run; chmod 754 ~/real/run; "
                      "ln -s real/run ~/link")  # fmt: skip
    machines.write_file(shell.sandbox, shell.name, "~/link", b"new")
    said = as_learner(shell, "cat ~/real/run; stat -c ' %a' ~/real/run; readlink ~/link; ls ~/real")
    assert said.text == "new 754\nreal/run\nrun\n"


@pytest.mark.parametrize(
    "path", ["/usr/bin/x", "/etc/passwd", "/root/x", "/proc/version", "~/folder"]
)
def test_a_forbidden_place_is_refused_with_the_reason(shell: Machine, path: str) -> None:
    as_learner(shell, "mkdir ~/folder")
    with pytest.raises(BadRequest, match="could not be written"):
        machines.write_file(shell.sandbox, shell.name, path, b"x")
    assert as_learner(shell, "ls -A ~/folder; ls -A ~ | grep slipway").text == ""


@pytest.mark.parametrize("path", ["relative", "", "~", "~other/x", "/tmp/", "/tmp/a\0b", "~/"])
def test_a_path_that_is_none_is_refused(shell: Machine, path: str) -> None:
    with pytest.raises(BadRequest, match="path"):
        machines.write_file(shell.sandbox, shell.name, path, b"x")


def test_a_full_disk_leaves_the_old_file_whole(shell: Machine) -> None:
    as_learner(shell, "echo precious > ~/file; dd if=/dev/zero of=~/fill bs=64k 2>/dev/null; "
                      "truncate -s -65536 ~/fill")  # fmt: skip
    with pytest.raises(BadRequest, match="No space left"):
        machines.write_file(shell.sandbox, shell.name, "~/file", b"x" * 900_000)
    assert read(shell, "~/file") == "precious\n"


# adoption


def test_a_second_worker_adopts_what_the_first_one_made(start: Start) -> None:
    sandbox = start(MachineSpec(name="laptop", kind="shell"))
    first = sandbox.machines.get().container_id
    Sandbox.objects.update(
        state=State.STARTING, heartbeat_at=sandbox.created_at - timedelta(hours=1)
    )
    creation.create(sandbox.pk)
    sandbox.refresh_from_db()
    machine = sandbox.machines.get()
    assert (sandbox.state, machine.container_id) == (State.READY, first)
    assert machine.shell_pid
    assert len(assembly.objects_of(sandbox.pk)) == 1
