"""What a machine may use up: processes, memory, space, files, logs; and that only itself suffers."""

import asyncio
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from sandbox import engine, machines
from sandbox.models import Machine
from sandbox.specs import MachineSpec, limits_of
from tests.engine.conftest import Start, bare_machine
from tests.engine.probes import as_learner, as_root, control_groups, unprotected_once
from tests.engine.screen import Screen, open_screen, typed

pytestmark = pytest.mark.engine
KINDS = pytest.mark.parametrize("kind", ["shell", "docker"])
ECHO_SECONDS = 0.5
# The requirement is a minute; a few seconds overfill the log many times as well.
FLOOD_SECONDS = float(os.environ.get("SLIPWAY_FLOOD_SECONDS", "3"))
# The engine's `local` driver keeps a full file of 1 MB beside the one it writes. It changes files after the
# message that fills one, so each may be longer by a message; the container's own small files lie there too.
LOG_CAP_BYTES = 2_000_000
LOG_SLACK_BYTES = 100_000

FORKS = """python3 - <<'PY'
import os, signal, time
made = []
try:
    for _ in range(1200):
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        made.append(pid)
except OSError as error:
    print(error.strerror)
print("made", len(made))
for pid in made:
    os.kill(pid, signal.SIGKILL)
PY"""


@pytest.fixture
def victim(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine of its own for what can't be tidied up."""
    yield from bare_machine(request.getfixturevalue("kind"))


async def echo_seconds(screen: Screen) -> float:
    """Seconds from typing an echo to its output, the longest of some."""
    took = []
    for number in range(11):
        # What the terminal printed for an earlier test is on the screen again.
        mark = secrets.token_hex(4)
        began = time.monotonic()
        await screen.type(f"echo {mark}-$(({number} + 100))")
        await screen.until(f"{mark}-{number + 100}\r\n".encode())
        took.append(time.monotonic() - began)
    return max(took)


def processes(machine: Machine) -> int:
    """Processes of a machine as the engine counts them."""
    api = docker.from_env().api
    try:
        return api.stats(machine.container_id, stream=False)["pids_stats"]["current"]
    finally:
        api.close()


@KINDS
def test_a_fork_bomb_stops_at_the_limit_and_a_neighbour_does_not_notice(
    kind: str, victim: Machine, shared_shell: Machine
) -> None:
    async def bomb() -> tuple[int, float]:
        near, bombed = await open_screen(shared_shell), await open_screen(victim)
        await bombed.type(":(){ :|:& };:")
        await bombed.until(rb"fork: retry|[Rr]esource temporarily unavailable", 30)
        seconds = await echo_seconds(near)
        count = await asyncio.to_thread(processes, victim)
        for screen in (near, bombed):
            screen.leave()
            screen.terminal.close()
        return count, seconds

    limit = limits_of(kind).pids
    assert "made 1200" in unprotected_once(FORKS).text
    count, seconds = asyncio.run(bomb())
    assert limit - 20 <= count <= limit, "the bomb did go off, and no further"
    assert seconds < ECHO_SECONDS


def test_a_fork_bomb_that_ends_leaves_the_machine_usable(shared_shell: Machine) -> None:
    said = typed(shared_shell, FORKS).text
    assert "Resource temporarily unavailable" in said
    assert int(said.split("made ")[1].split()[0]) < limits_of("shell").pids
    assert typed(shared_shell, "echo alive").text == "alive\n"


HOG = "python3 -c 'x = bytearray({}); print(\"had it\")'"


@KINDS
def test_twice_the_memory_ends_something_of_this_sandbox_and_no_other(
    kind: str, victim: Machine, shared_shell: Machine
) -> None:
    hog = HOG.format(2 * limits_of(kind).memory_bytes)
    assert "had it" in unprotected_once(hog).text
    began = typed(shared_shell, "cat /run/slipway/login; echo $PPID").text
    # Whatever the kernel picks: the program, or in a `docker` machine its engine.
    done = machines.run_in(victim, hog.encode(), user="learner", timeout_seconds=30)
    assert (done.exit_code, done.timed_out) == (137, False)
    assert "had it" not in done.stdout
    assert typed(shared_shell, "cat /run/slipway/login; echo $PPID").text == began


def test_twice_the_memory_typed_at_the_prompt_ends_the_program_only(shell: Machine) -> None:
    outcome = typed(shell, HOG.format(2 * limits_of("shell").memory_bytes))
    assert outcome.code == 137
    assert "had it" not in outcome.text
    assert typed(shell, "echo alive").text == "alive\n"


PLACES = ["/tmp", "/var/tmp", "/home/learner", "/run", "/opt", "/srv", "/dev/shm"]
MANY_FILES = """exec python3 - <<'PY'
import os, sys
folder = "{place}/many"
os.mkdir(folder)
made, code = 0, 0
try:
    while made < 30000:
        os.close(os.open(f"{{folder}}/{{made}}", os.O_CREAT | os.O_WRONLY))
        made += 1
except OSError as error:
    code = error.errno
for number in range(made):
    os.unlink(f"{{folder}}/{{number}}")
os.rmdir(folder)
print(os.strerror(code))
sys.exit(code != 0)
PY"""


@pytest.mark.parametrize("place", PLACES)
def test_every_writable_place_of_a_shell_is_full_one_day(shared_shell: Machine, place: str) -> None:
    fill = f"f={place}/fill; dd if=/dev/zero of=$f bs=1M count=300; code=$?; rm -f $f; exit $code"
    assert unprotected_once(fill.replace(place, "/tmp")).code == 0
    done = typed(shared_shell, fill)
    assert done.code == 1
    assert "No space left on device" in done.text


@pytest.mark.parametrize("place", PLACES)
def test_and_of_many_small_files_too(shared_shell: Machine, place: str) -> None:
    assert unprotected_once(MANY_FILES.format(place="/dev/shm")).text == "Success\n"
    done = typed(shared_shell, MANY_FILES.format(place=place), 60)
    assert (done.code, done.text) == (1, "No space left on device\n")


def test_the_shared_memory_of_a_docker_machine_is_full_one_day_too(shared_docker: Machine) -> None:
    """Its other places are on the disk, which is measured: tests/engine/test_disk.py."""
    fill = "f={}/fill; dd if=/dev/zero of=$f bs=1M count=300; code=$?; rm -f $f; exit $code"
    assert unprotected_once(fill.format("/tmp")).code == 0
    assert unprotected_once(MANY_FILES.format(place="/dev/shm")).text == "Success\n"
    for run in (typed, as_root):
        done = run(shared_docker, fill.format("/dev/shm"))
        assert (done.code, "No space left on device" in done.text) == (1, True)
        done = run(shared_docker, MANY_FILES.format(place="/dev/shm"), 60)
        assert (done.code, done.text) == (1, "No space left on device\n")


def test_nothing_else_of_a_shell_can_be_written(shared_shell: Machine) -> None:
    find = (
        "find / -xdev -type d -writable 2>/dev/null; awk '{print $2}' /proc/mounts | "
        "while read d; do [ -w $d ] && [ -d $d ] && echo $d; done"
    )
    assert "/usr/bin" in unprotected_once(find).text.split()
    assert set(typed(shared_shell, find).text.split()) <= {*PLACES, "/dev/mqueue"}


@KINDS
def test_a_flood_of_output_leaves_logs_within_their_cap(kind: str, victim: Machine) -> None:
    folder = Path(engine.info()["DockerRootDir"]) / "containers" / victim.container_id
    if not folder.exists():
        pytest.skip("not run: the engine's files are not on this host, or not readable")

    async def flood(seconds: float, into: str) -> int:
        screen = await open_screen(victim)
        screen.data = b""
        # So long, and on a busy host at least so much.
        least = f"yes flooding-the-log | head -c {2 * LOG_CAP_BYTES}"
        await screen.type(f"{{ timeout {seconds:g} yes flooding-the-log; {least}; }} {into}")
        await screen.until(rb"133;D;0", seconds + 120)
        screen.leave()
        screen.terminal.close()
        return screen.terminal.ring.end

    def kept_bytes() -> int:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    # What the terminal prints does not pass the engine, and it logs none of it.
    assert asyncio.run(flood(0.1, "")) > LOG_CAP_BYTES, "it was a flood"
    assert kept_bytes() < LOG_SLACK_BYTES
    # The container's own TTY, where PID 1 speaks, is the learner's to write to; and is logged.
    asyncio.run(flood(FLOOD_SECONDS, ">/dev/console"))
    # A change of files leaves one full file and an empty one.
    assert LOG_CAP_BYTES / 2 - LOG_SLACK_BYTES < kept_bytes() < LOG_CAP_BYTES + LOG_SLACK_BYTES


# Four loops for two seconds; prints the share of one processor that they got.
LOOPS = """python3 - <<'PY'
import os, time
began = time.monotonic()
for _ in range(4):
    if os.fork() == 0:
        while time.monotonic() < began + 2:
            pass
        os._exit(0)
for _ in range(4):
    os.wait()
spent = os.times()
print((spent.children_user + spent.children_system) / (time.monotonic() - began))
PY"""


def throttled(machine: Machine) -> int:
    """In how many periods the machine had used up its share of the processors."""
    found = engine.inspect_container(machine.container_id)
    assert found is not None
    stats = [path / "cpu.stat" for path in control_groups(found["State"]["Pid"])]
    told = "".join(path.read_text() for path in stats if path.exists())
    return sum(map(int, re.findall(r"^nr_throttled (\d+)$", told, re.M)))


@pytest.mark.django_db(transaction=True)
def test_a_limit_of_the_operator_is_the_machines(start: Start, settings: object) -> None:
    settings.SANDBOX_SHELL_PIDS = 60  # type: ignore[attr-defined]
    settings.SANDBOX_SHELL_MEMORY_MIB = 128  # type: ignore[attr-defined]
    settings.SANDBOX_SHELL_CPUS = 0.05  # type: ignore[attr-defined]
    machine = start(MachineSpec(name="small", kind="shell")).machines.get()
    said = as_learner(machine, FORKS, 60).text
    assert int(said.split("made ")[1].split()[0]) < 60
    # A busy host holds four loops back as well: the kernel counts when it was the limit.
    before = throttled(machine)
    assert float(as_learner(machine, LOOPS, 60).text) < 0.1, "twice the limit"
    assert throttled(machine) > before
