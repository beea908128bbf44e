"""A real guest in a `vm` machine: boots, lets a learner in on its serial console, runs scripts."""

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import assembly, engine, machines
from sandbox.machines import run_in
from sandbox.models import Machine, make_sandbox_id
from sandbox.specs import MachineSpec
from tests.engine.conftest import bare_machine
from tests.engine.probes import as_learner, as_root
from tests.engine.screen import open_screen, typed

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def house() -> Iterator[Machine]:
    """One `vm` machine for all tests of this module."""
    yield from bare_machine("vm")


def test_its_kernel_is_its_own_and_the_containers_is_the_hosts(house: Machine) -> None:
    uname = typed(house, "uname -r; cat /proc/sys/kernel/random/boot_id").text.split()
    host_boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert uname[0] != platform.release()
    assert uname[1] != host_boot_id
    around = engine_exec(house, ["/bin/uname", "-r"])
    assert around == platform.release(), "the machine around the guest is a container"


def engine_exec(machine: Machine, command: list[str]) -> str:
    """Run a command in the machine, not in its guest."""
    import asyncio

    work = machines.exec_collect(
        machine.container_id, command, b"", user="1000:1000", env={}, wait_seconds=20
    )
    code, out, err = asyncio.run(work)
    assert code == 0, err
    return out.decode().strip()


def test_the_learner_is_logged_in_at_a_prompt_with_marks(house: Machine) -> None:
    done = typed(house, "id -un; tty; false")
    assert done.text.split() == ["learner", "/dev/ttyS0"]
    assert done.code == 1, "read from the shell's own mark"


def test_it_has_the_machines_name_and_the_right_time(house: Machine) -> None:
    import time

    before = time.time()
    name, now = as_root(house, "hostname; date +%s").text.split()
    assert name == "laptop"
    assert before - 5 < int(now) < time.time() + 5


@pytest.mark.parametrize("user", ["root", "learner"])
def test_scripts_run_in_the_guest_as_the_user_who_is_asked_for(house: Machine, user: str) -> None:
    script = b'id -un; uname -r; echo "$LAB_COLOUR"; echo wrong >&2; exit 7'
    done = run_in(house, script, user=user, env={"LAB_COLOUR": "a b;c"})  # type: ignore[arg-type]
    who, kernel, colour = done.stdout.splitlines()
    assert (who, colour, done.stderr, done.exit_code) == (user, "a b;c", "wrong\n", 7)
    assert kernel != platform.release()


def test_a_script_that_takes_too_long_is_ended_in_the_guest(house: Machine) -> None:
    done = run_in(house, b"sleep 4242", timeout_seconds=1)
    assert (done.timed_out, done.exit_code) == (True, None)
    assert "4242" not in as_root(house, "ps").text


def test_output_is_cut_and_the_script_still_ends(house: Machine) -> None:
    done = run_in(house, b"yes | head -c 1000000; echo end >&2", timeout_seconds=20)
    assert done.exit_code == 0
    assert len(done.stdout) == machines.OUTPUT_LIMIT_BYTES
    assert done.stderr == "end\n"


def test_a_script_is_nowhere_a_file_or_an_argument(house: Machine) -> None:
    secret = "marrow" + "bone"  # noqa: S105
    look = f"""x={secret}
    ( sleep 0.2; grep -rl "$(echo marrow)""bone" /proc/[0-9]*/cmdline /proc/[0-9]*/environ \
      /tmp /run /home /root 2>/dev/null ) | grep -v /proc/self
    true"""
    assert secret not in as_learner(house, "cat /proc/[0-9]*/cmdline").text
    assert as_root(house, look).text.strip() == ""


def test_files_of_a_lesson_arrive_with_mode_and_owner(house: Machine, tmp_path: Path) -> None:
    tool = tmp_path / "home/learner/bin/tool"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\necho works\n")
    tool.chmod(0o755)
    (tmp_path / "opt").mkdir()
    (tmp_path / "opt/data").write_bytes(bytes(range(256)) * 4000)
    machines.copy_tree(house, tmp_path)
    said = as_learner(house, "bin/tool; stat -c %U bin/tool /opt/data; md5sum </opt/data").text
    assert said.split()[:3] == ["works", "learner", "root"]


async def test_the_guest_knows_the_size_of_the_learners_window(house: Machine) -> None:
    screen = await open_screen(house)
    await screen.terminal.resize(132, 43)
    screen.data = b""
    await screen.type("sleep 0.3; stty size")
    await screen.until(rb"43 132\r\n", 15)
    screen.leave()
    screen.terminal.close()


def test_the_shell_comes_again_when_it_ends(house: Machine) -> None:
    before = typed(house, "echo $PPID; echo shell=$$").text
    assert before
    as_root(house, "kill -HUP $(cat /run/slipway/session); sleep 1")
    assert typed(house, "id -un").text == "learner\n"


def test_what_a_machine_says_of_its_guest() -> None:
    sandbox_id = make_sandbox_id()
    stages: list[str] = []
    try:
        spec = MachineSpec(name="house", kind="vm")
        facts = assembly.make_machine(sandbox_id, spec, None, stages.append)
        assert facts.kernel_release != platform.release()
        assert facts.guest["host_kernel_release"] == platform.release()
        assert facts.guest["host_boot_id"] != facts.boot_id
        assert facts.guest["accelerator"] == "tcg"
        assert facts.guest["emulated"].startswith("Emulated: ")
        assert facts.guest["guest_hangs"] == 0
        assert stages[:2] == ["created", "started"]
        assert {"booting guest", "restoring guest"} & set(stages)
        assert engine.inspect_container(facts.container_id) is not None
    finally:
        assembly.remove_owned(sandbox_id)
