"""Machines on the real engine: made, used, checked, taken apart, with nothing left."""

import gc
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from classroom.models import User
from sandbox import assembly, engine, hostconfig, hosts, lifecycle, machines, reaper
from sandbox.errors import BadRequest, EngineDown
from sandbox.models import Machine, Sandbox, State
from sandbox.specs import MachineSpec, SandboxSpec

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]


def volumes_of(machine: Machine) -> set[str]:
    """Names of the volumes the machine writes to, those that nobody named included."""
    found = engine.inspect_container(machine.container_id)
    assert found
    return {m["Name"] for m in found["Mounts"] if m["Type"] == "volume" and m["RW"]}


@pytest.fixture
def start(transactional_db: None) -> Iterator[Callable[..., Sandbox]]:
    """Start a sandbox of the given machines, as a worker would; it is ended afterwards."""
    hosts.refresh()
    made: list[str] = []

    def begin(*specs: MachineSpec, expect: str = State.READY) -> Sandbox:
        learner = User.objects.create_user(f"learner-{len(made)}")
        sandbox = lifecycle.request_start(
            learner, SandboxSpec(machines=specs), course="course", lesson="lesson"
        )
        made.append(sandbox.pk)
        lifecycle.create_now(sandbox)
        assert sandbox.state == expect, (sandbox.error_message, sandbox.stages)
        return sandbox

    # Work for the workers stays here; the tests do it themselves.
    with patch("sandbox.dispatch.current_app.send_task"):
        yield begin
        for sandbox in Sandbox.objects.filter(pk__in=made):
            lifecycle.destroy_now(sandbox)


@pytest.fixture
def shell(start: Callable[..., Sandbox]) -> Sandbox:
    return start(MachineSpec(name="box", kind="shell"))


@pytest.fixture
def docker(start: Callable[..., Sandbox]) -> Sandbox:
    return start(MachineSpec(name="box", kind="docker"))


def learner_says(sandbox: Sandbox, script: str, **options: int) -> str:
    result = machines.run_script(sandbox, "box", script, user="learner", **options)
    return result.stdout + result.stderr


@pytest.mark.parametrize("kind", ["shell", "docker"])
def test_made_used_and_taken_apart(kind: str, start: Callable[..., Sandbox]) -> None:
    sandbox = start(MachineSpec(name="box", kind=kind))
    machine = sandbox.machines.get()
    volumes = volumes_of(machine)
    assert bool(volumes) == (kind == "docker")
    assert machine.kernel_release
    assert machine.boot_id
    assert machine.notice == ""
    assert learner_says(sandbox, "hostname").strip() == "box"
    result = machines.run_script(sandbox, "box", "echo found; exit 3")
    assert (result.exit_code, result.stdout) == (3, "found\n")
    kinds = sorted(what for what, _, _ in assembly.objects_of(sandbox.pk))
    assert kinds == (["container", "volume"] if kind == "docker" else ["container"])
    lifecycle.destroy_now(sandbox)
    assert sandbox.state == State.GONE
    assert assembly.objects_of(sandbox.pk) == []
    assert not any(engine.volume_exists(name) for name in volumes)
    assert engine.inspect_container(machine.container_id) is None


def test_two_machines_know_each_other_and_nothing_else(start: Callable[..., Sandbox]) -> None:
    sandbox = start(MachineSpec(name="box", kind="shell"), MachineSpec(name="other", kind="shell"))
    serve = "cd /tmp && echo hello > index.html && (python3 -m http.server 8080 >/dev/null 2>&1 &)"
    machines.run_script(sandbox, "other", serve, user="learner")
    fetch = "for n in 1 2 3 4 5 6; do curl -s -m 2 other:8080 && break; sleep 0.3; done"
    assert learner_says(sandbox, fetch) == "hello\n"
    with socket.socket() as host:
        # Every port of this host, as far as one can stand for all.
        host.bind(("0.0.0.0", 0))
        host.listen()
        port = host.getsockname()[1]
        gateway = learner_says(sandbox, "ip route | awk '/^default/ {print $3}'").strip()
        for address in {gateway, *host_addresses()} - {""}:
            said = learner_says(sandbox, f"curl -s -m 1 {address}:{port}; echo code=$?")
            assert said in ("code=7\n", "code=28\n"), (address, said)
    said = learner_says(sandbox, "curl -s -m 3 http://example.org/; echo code=$?")
    assert said in ("code=6\n", "code=28\n")


def host_addresses() -> list[str]:
    """This machine's IPv4 addresses, the engine's bridges included."""
    listing = subprocess.check_output(["hostname", "-I"], text=True)
    return [address for address in listing.split() if "." in address]


def test_the_engine_inside_runs_builds_and_limits(docker: Sandbox) -> None:
    assert "Hello" in learner_says(docker, "docker run --rm hello-world", timeout_seconds=30)
    build = """
mkdir -p ~/app && cd ~/app
printf 'flask==3.1.0\\n' > requirements.txt
printf 'import flask\\nprint("flask is here")\\n' > app.py
cat > Dockerfile <<'END'
FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
EXPOSE 5000
CMD ["python", "app.py"]
END
docker build -q -t app . </dev/null && docker run --rm app
"""
    assert "flask is here" in learner_says(docker, build, timeout_seconds=120)
    limited = "docker run --rm --memory 64m alpine cat /sys/fs/cgroup/memory/memory.limit_in_bytes"
    limited += " /sys/fs/cgroup/memory.max 2>/dev/null"
    assert "67108864" in learner_says(docker, limited, timeout_seconds=30)
    assert "box" in learner_says(docker, "docker ps >/dev/null && hostname")


def test_the_learner_cannot_read_a_check_while_it_runs(shell: Sandbox) -> None:
    learner_says(
        shell,
        "(for n in $(seq 40); do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ; "
        "ls -l /proc/[0-9]*/fd; sleep 0.05; done > /tmp/seen 2>/dev/null &)",
    )
    secret = "the-answer-is-4711"
    env = {"LAB_TASK": "secret-task"}
    machines.run_script(shell, "box", f"x={secret}; sleep 1.5", env=env)
    assert secret not in learner_says(shell, "sleep 1; cat /tmp/seen")


def test_a_script_that_hangs_is_ended_inside_too(shell: Sandbox) -> None:
    result = machines.run_script(shell, "box", "sleep 987", timeout_seconds=1)
    assert result.timed_out
    assert result.exit_code is None
    assert "987" not in learner_says(shell, "ps -eo args")


def test_endless_output_is_cut(shell: Sandbox) -> None:
    result = machines.run_script(shell, "box", "timeout 1 yes", timeout_seconds=5)
    assert len(result.stdout) == machines.OUTPUT_LIMIT_BYTES


@pytest.mark.parametrize("kind", ["shell", "docker"])
def test_files_are_written_as_the_learner(kind: str, start: Callable[..., Sandbox]) -> None:
    sandbox = start(MachineSpec(name="box", kind=kind))
    assert machines.write_file(sandbox, "box", "~/new/a b.txt", b"one\n") == 4
    machines.write_file(sandbox, "box", "/home/learner/new/a b.txt", b"two\n")
    assert "two" in learner_says(sandbox, "cat ~/new/'a b.txt'; stat -c %U ~/new/'a b.txt'")
    with pytest.raises(BadRequest, match="could not be written"):
        machines.write_file(sandbox, "box", "/etc/passwd", b"x")
    assert "root:" in learner_says(sandbox, "cat /etc/passwd")


def test_lesson_files_keep_their_modes(start: Callable[..., Sandbox], tmp_path: Path) -> None:
    (tmp_path / "home/learner/app").mkdir(parents=True)
    (tmp_path / "opt/site").mkdir(parents=True)
    script = tmp_path / "home/learner/app/run"
    script.write_text("#!/bin/sh\necho ran\n")
    script.chmod(0o750)
    (tmp_path / "opt/site/config").write_text("x=1\n")
    spec = MachineSpec(
        name="box", kind="shell", files_from=str(tmp_path), setup="echo set > /opt/site/setup\n"
    )
    sandbox = start(spec)
    said = learner_says(sandbox, "~/app/run; stat -c '%a %U' ~/app/run; cat /opt/site/*")
    assert said == "ran\n750 learner\nx=1\nset\n"


def test_a_set_up_that_fails_leaves_nothing(start: Callable[..., Sandbox]) -> None:
    spec = MachineSpec(name="box", kind="shell", setup="echo no >&2; exit 1")
    sandbox = start(spec, expect=State.FAILED)
    assert sandbox.error_code == "setup_failed"
    assert assembly.objects_of(sandbox.pk) == []


def test_an_image_the_lesson_needs_and_nobody_has_fails_clearly(
    start: Callable[..., Sandbox],
) -> None:
    spec = MachineSpec(name="box", kind="docker", images=("no-such-image:1",))
    sandbox = start(spec, expect=State.FAILED)
    assert "image" in sandbox.error_message


def test_reset_replaces_the_machine(shell: Sandbox) -> None:
    learner_says(shell, "touch ~/mine")
    first = shell.machines.get().container_id
    lifecycle.request_reset(shell)
    lifecycle.create_now(shell)
    assert shell.state == State.READY
    assert shell.machines.get().container_id != first
    assert "mine" not in learner_says(shell, "ls ~")


def test_a_machine_that_died_fails_its_sandbox(shell: Sandbox) -> None:
    engine.remove_object("container", shell.machines.get().container_id)
    reaper.verify(shell.pk)
    shell.refresh_from_db()
    assert (shell.state, shell.error_code) == (State.FAILED, "machine_died")


def test_objects_without_a_row_are_removed(shell: Sandbox) -> None:
    sandbox_id = shell.pk
    Machine.objects.all().delete()
    Sandbox.objects.all().delete()
    assert assembly.objects_of(sandbox_id)
    reaper.reconcile()
    assert assembly.objects_of(sandbox_id) == []


def test_an_engine_that_is_away_turns_start_off(settings: object, db: None) -> None:
    settings.DOCKER_HOST = "unix:///nowhere/docker.sock"  # type: ignore[attr-defined]
    host = hosts.refresh()
    assert host.problem == EngineDown.message
    assert not hosts.availability().available
    with pytest.raises(EngineDown):
        assembly.objects_of("aaaaaaaaaaaa")


def test_a_machine_ends_by_itself_at_its_deadline(
    start: Callable[..., Sandbox], settings: object
) -> None:
    original = hostconfig.longest_life_seconds
    hostconfig.longest_life_seconds = lambda: 2
    try:
        sandbox = start(MachineSpec(name="box", kind="shell"))
    finally:
        hostconfig.longest_life_seconds = original
    deadline = time.monotonic() + 10
    while engine.inspect_container(sandbox.machines.get().container_id)["State"]["Running"]:
        assert time.monotonic() < deadline, "PID 1 did not end the machine"
        time.sleep(0.2)


def test_a_learner_has_one_sandbox_however_often_start_is_pressed(shell: Sandbox) -> None:
    learner = User.objects.get(pk=shell.learner_id)
    spec = SandboxSpec.model_validate(shell.spec)
    again = lifecycle.request_start(learner, spec, course="course", lesson="lesson")
    assert again.pk == shell.pk
    lifecycle.create_now(again)
    assert len(assembly.objects_of(shell.pk)) == 1


def test_calls_leave_no_connections_open() -> None:
    """A worker makes thousands, about containers that come and go."""

    def descriptors() -> int:
        gc.collect()  # answers hold theirs until they are collected
        return len(list(Path("/proc/self/fd").iterdir()))

    engine.inspect_container("nobody")
    before = descriptors()
    for number in range(50):
        engine.inspect_container(f"nobody-{number}")
        engine.volume_exists(f"nobody-{number}")
    assert descriptors() <= before + 2
