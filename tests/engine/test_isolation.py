"""Attacks: each must succeed in an unprotected container, and fail in every kind of ours."""

import pytest

from sandbox import machines
from sandbox.models import Machine
from sandbox.specs import MachineSpec
from tests.engine.conftest import Start
from tests.engine.probes import Outcome, as_learner, as_root, unprotected

pytestmark = pytest.mark.engine

ATTACKS = {
    "make a device": "mknod /tmp/probe-$$ b 7 0 && rm -f /tmp/probe-$$",
    "mount": "mkdir -p /tmp/m && mount -t tmpfs none /tmp/m && umount /tmp/m",
    "new mount namespace": "unshare -m true",
    "new network namespace": "unshare -n true",
    # The same value again: harmless where it works.
    "kernel setting": 'f=/proc/sys/kernel/core_pattern; v=$(cat $f) && echo "$v" > $f',
    "disks of the host": "find /dev -type b | grep -q .",
    "kernel log": "exec 3</dev/kmsg",
    "write the system": "touch /usr/bin/probe && rm /usr/bin/probe",
    "change the host name": "hostname probe",
}
# `docker` machines make user namespaces: that is how their engine works. Shells must not.
SHELL_ATTACKS = ATTACKS | {"new user namespace": "unshare -U true"}


@pytest.fixture(scope="module")
def unprotected_outcomes() -> dict[str, Outcome]:
    """All attacks in one unprotected container each would be slow; one runs them in turn."""
    lines = [f"( {script} ) >/dev/null 2>&1; echo \"$? {name}\"" for name, script in
             SHELL_ATTACKS.items()]  # fmt: skip
    said = unprotected("\n".join(lines)).text
    pairs = [line.split(" ", 1) for line in said.splitlines()]
    return {name: Outcome(int(code), "") for code, name in pairs}


@pytest.mark.parametrize("name", SHELL_ATTACKS)
def test_the_attack_is_a_real_one(unprotected_outcomes: dict[str, Outcome], name: str) -> None:
    assert unprotected_outcomes[name].code == 0


@pytest.mark.parametrize("name", SHELL_ATTACKS)
def test_it_fails_in_a_shell_for_the_learner_and_for_root(shared_shell: Machine, name: str) -> None:
    for run in (as_learner, as_root):
        assert run(shared_shell, SHELL_ATTACKS[name]).code not in (0, None), run.__name__


@pytest.mark.parametrize("name", ATTACKS)
def test_it_fails_in_a_docker_machine_outside_the_learners_namespace(
    shared_docker: Machine, name: str
) -> None:
    assert as_root(shared_docker, ATTACKS[name]).code not in (0, None)


# In the user namespace the learner is root of what is theirs; the host stays out of reach.
HOSTS_OWN = ("make a device", "kernel setting", "disks of the host", "kernel log")


@pytest.mark.parametrize("name", HOSTS_OWN)
def test_it_fails_where_the_learner_of_a_docker_machine_is(
    shared_docker: Machine, name: str
) -> None:
    assert as_learner(shared_docker, ATTACKS[name]).code not in (0, None)


def status(outcome: Outcome) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in outcome.text.splitlines() if ":\t" in line)


@pytest.mark.parametrize("run", [as_learner, as_root])
def test_a_shell_has_no_capability_and_can_get_none(shared_shell: Machine, run: object) -> None:
    assert int(status(unprotected("cat /proc/self/status"))["CapBnd"], 16) > 0
    found = status(run(shared_shell, "cat /proc/self/status"))  # type: ignore[operator]
    for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(found[field], 16) == 0, field
    assert found["NoNewPrivs"] == "1"
    assert found["Seccomp"] == "2"


def test_the_learners_own_shell_has_none_either(shared_shell: Machine) -> None:
    found = status(
        as_learner(
            shared_shell, 'cat /proc/$(cut -d";" -f1 /run/slipway/login | cut -d= -f2)/status'
        )
    )
    assert int(found["CapBnd"], 16) == 0
    assert found["NoNewPrivs"] == "1"


def test_a_docker_machine_is_bounded_by_the_two_of_newuidmap(shared_docker: Machine) -> None:
    found = status(as_root(shared_docker, "cat /proc/self/status"))
    assert int(found["CapEff"], 16) == 0
    assert int(found["CapBnd"], 16) == (1 << 6) | (1 << 7), "SETGID and SETUID"
    assert found["Seccomp"] == "2"


@pytest.mark.parametrize("machine", ["shared_shell", "shared_docker"])
def test_no_program_changes_who_one_is(request: pytest.FixtureRequest, machine: str) -> None:
    find = "find / -xdev -perm /6000 -type f 2>/dev/null | head"
    assert as_root(request.getfixturevalue(machine), find).text == ""


@pytest.mark.parametrize("machine", ["shared_shell", "shared_docker"])
def test_the_engines_socket_is_not_there(request: pytest.FixtureRequest, machine: str) -> None:
    script = "test -S /var/run/docker.sock -o -S /run/docker.sock"
    bound = ["/var/run/docker.sock:/var/run/docker.sock"]
    assert unprotected(script, Binds=bound).code == 0
    assert as_learner(request.getfixturevalue(machine), script).code == 1
    assert as_root(request.getfixturevalue(machine), script).code == 1


FORKS = """python3 - <<'PY'
import os, signal, time
made = []
try:
    for _ in range(1200):
        pid = os.fork()
        if pid == 0:
            time.sleep(30)
            os._exit(0)
        made.append(pid)
except OSError as error:
    print(error.strerror)
print("made", len(made))
for pid in made:
    os.kill(pid, signal.SIGKILL)
PY"""


def test_a_fork_bomb_stops_at_the_limit(shared_shell: Machine) -> None:
    assert "made 1200" in unprotected(FORKS).text
    said = as_learner(shared_shell, FORKS).text
    assert "Resource temporarily unavailable" in said
    assert int(said.split("made ")[1].split()[0]) < 256
    assert as_learner(shared_shell, "echo alive").text == "alive\n", "usable when it is over"


HOG = "python3 -c 'x = bytearray(600 * 1024 * 1024); print(\"had it\")'"


def test_memory_over_the_limit_ends_the_program_and_no_other_sandbox(
    shell: Machine, shared_shell: Machine
) -> None:
    assert "had it" in unprotected(HOG).text
    began = as_learner(shared_shell, "cat /run/slipway/login").text
    done = machines.run_in(shell, HOG.encode(), user="learner", timeout_seconds=30)
    assert (done.exit_code, done.timed_out) == (137, False)
    assert "had it" not in done.stdout
    assert as_learner(shared_shell, "cat /run/slipway/login").text == began
    assert as_learner(shell, "echo alive").text == "alive\n"


@pytest.mark.parametrize("place", ["/tmp", "/var/tmp", "/home/learner", "/run", "/dev/shm"])
def test_every_writable_place_is_full_one_day(shared_shell: Machine, place: str) -> None:
    fill = f"dd if=/dev/zero of={place}/fill bs=1M count=300 2>&1; code=$?; rm -f {place}/fill; exit $code"
    assert unprotected(fill.replace(place, "/tmp")).code == 0
    done = as_learner(shared_shell, fill)
    assert done.code == 1
    assert "No space left on device" in done.text


def test_a_limit_of_the_operator_is_the_machines(start: Start, settings: object) -> None:
    settings.SANDBOX_SHELL_PIDS = 60  # type: ignore[attr-defined]
    settings.SANDBOX_SHELL_MEMORY_MIB = 128  # type: ignore[attr-defined]
    machine = start(MachineSpec(name="small", kind="shell")).machines.get()
    said = as_learner(machine, FORKS).text
    assert int(said.split("made ")[1].split()[0]) < 60
