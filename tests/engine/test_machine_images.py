"""The machine images on a real engine: markers, shell, deadline, tunnel, and an engine inside.

Plain docker command line, so that nothing here depends on the platform's own use of the engine.
"""

import contextlib
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import images
from sandbox.images import image_ref, seed_volume
from sandbox.images.definitions import INIT_PATH, LIBRARY_PATH

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(shutil.which("docker") is None, reason="not run: no docker client"),
]

PACKAGE = Path(images.__file__).parent
READY = re.compile(
    rb"\x1b\]777;slipway;ready;pid=(\d+);kernel=([^;]+);boot=([0-9a-f-]+);hostname=([^;\x07]+)\x07"
)
PROMPT = re.compile(rb"\x1b\]133;B\x07")

HOME = "uid=1000,gid=0,mode=0775"
SHELL_OPTIONS = [
    "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none",
    "--pids-limit=128", "--memory=192m", "--memory-swap=192m",
    f"--tmpfs=/home/learner:rw,exec,nosuid,nodev,size=64m,{HOME}",
    "--tmpfs=/tmp:rw,exec,nosuid,nodev,size=32m,mode=1777",
    f"--tmpfs=/run:rw,nosuid,nodev,size=8m,{HOME}",
]  # fmt: skip
DOCKER_OPTIONS = [
    "--cap-drop=ALL", "--cap-add=SETUID", "--cap-add=SETGID", "--network=none",
    f"--security-opt=seccomp={PACKAGE / 'docker' / 'seccomp.json'}",
    "--security-opt=systempaths=unconfined", "--security-opt=apparmor=unconfined",
    "--device=/dev/net/tun", "--cgroupns=private", "--pids-limit=512",
    "--tmpfs=/sys/fs/cgroup:ro,nosuid,nodev,noexec,size=4k", "--ulimit=memlock=8388608",
    "--memory=1g", "--memory-swap=1g", "--volume=/home/learner/.local/share/docker",
    f"--volume={seed_volume()}:/seed-images:ro",
]  # fmt: skip


def docker(*arguments: str, stdin: str | None = None, code: int = 0) -> str:
    done = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, text=True)
    assert done.returncode == code, f"docker {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


# The login on the container's own TTY, which a test can attach to without our console.
ON_TTY = {
    "shell": ("--login", f"{LIBRARY_PATH}/login"),
    "docker": ("--service", f"{LIBRARY_PATH}/engine", "--login", f"{LIBRARY_PATH}/login"),
}


class Machine:
    """A machine with its TTY attached from the first byte."""

    def __init__(self, kind: str, *options: str) -> None:
        self.name = f"slipway-test-{uuid.uuid4().hex[:10]}"
        self.output = b""
        base = SHELL_OPTIONS if kind == "shell" else DOCKER_OPTIONS
        arguments = ["--interactive", "--tty", "--hostname=laptop", *base, *options]
        arguments += [f"--entrypoint={INIT_PATH}", image_ref(kind), *ON_TTY[kind]]
        docker("create", "--name", self.name, *arguments)
        pid, self.tty = pty.fork()
        if pid == 0:
            time.sleep(0.1)
            os.execvp("docker", ["docker", "start", "--attach", "--interactive", self.name])
        fcntl.ioctl(self.tty, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def wait(self, pattern: re.Pattern[bytes], seconds: float = 20) -> re.Match[bytes]:
        """The first match in what was not consumed yet; everything up to its end is consumed."""
        end = time.monotonic() + seconds
        while not (match := pattern.search(self.output)):
            left = end - time.monotonic()
            assert left > 0, f"no {pattern.pattern!r} in {self.output!r}"
            if select.select([self.tty], [], [], left)[0]:
                try:
                    self.output += os.read(self.tty, 65536)
                except OSError:  # the other end is closed: the machine has ended
                    time.sleep(0.05)
        self.output = self.output[match.end() :]
        return match

    def type(self, text: str) -> None:
        os.write(self.tty, text.encode())

    def run(self, command: str) -> int:
        """Type a command at the prompt and return its exit code, read from its end mark."""
        self.type(command + "\r")
        code = int(self.wait(re.compile(rb"\x1b\]133;D;(\d+)\x07"))[1])
        self.wait(PROMPT)
        return code

    def script(self, text: str, user: str = "1000", code: int = 0) -> str:
        """Run a script in the machine the way checks do: on standard input of `bash -s`."""
        return docker("exec", "-i", "-u", user, self.name, "/bin/bash", "-s", stdin=text, code=code)

    def wait_exit(self, seconds: float = 15) -> int:
        return int(subprocess.check_output(["docker", "wait", self.name], timeout=seconds))

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.name)
        with contextlib.suppress(OSError):
            os.close(self.tty)


@pytest.fixture(scope="module")
def shell() -> Iterator[Machine]:
    machine = Machine("shell")
    try:
        machine.wait(PROMPT)
        yield machine
    finally:
        machine.remove()  # also one that never came to its prompt


@pytest.fixture(scope="module")
def engine() -> Iterator[Machine]:
    """A docker machine whose engine is ready, with its cgroup delegated where this process may."""
    machine = Machine("docker")
    try:
        pid = ""
        while pid in ("", "0"):
            pid = docker("inspect", "--format", "{{.State.Pid}}", machine.name).strip()
        delegate = PACKAGE / "docker/rootfs/usr/local/lib/slipway/delegate"
        subprocess.run([str(delegate), pid, "1000"], check=False)
        machine.wait(READY, 40)
        machine.wait(PROMPT)
        yield machine
    finally:
        machine.remove()


def test_the_marker_tells_the_shells_own_pid_and_kernel() -> None:
    machine = Machine("shell")
    try:
        pid, kernel, boot, hostname = (value.decode() for value in machine.wait(READY).groups())
        machine.wait(PROMPT)
        machine.type("echo pid=$$.\r")
        assert machine.wait(re.compile(rb"pid=(\d+)\."))[1].decode() == pid
        assert kernel == os.uname().release
        assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        assert hostname == "laptop"
        assert machine.script("cat /run/slipway/login").startswith(f"pid={pid};")
    finally:
        machine.remove()


def test_a_shell_that_ends_is_followed_by_a_new_one(shell: Machine) -> None:
    shell.type("exit 7\r")
    shell.wait(re.compile(rb"shell ended with exit code 7, starting a new one"))
    shell.wait(READY)
    shell.wait(PROMPT)
    assert shell.run("true") == 0


def test_ctrl_c_and_job_control_work(shell: Machine) -> None:
    shell.type("sleep 60\r")
    shell.wait(re.compile(rb"133;C"))
    time.sleep(0.2)
    shell.type("\x03")
    assert shell.wait(re.compile(rb"133;D;(\d+)"))[1] == b"130"
    shell.wait(PROMPT)
    shell.type("sleep 60\r")
    shell.wait(re.compile(rb"133;C"))
    time.sleep(0.2)
    shell.type("\x1a")
    shell.wait(re.compile(rb"Stopped"))
    shell.wait(PROMPT)
    assert shell.run("kill %1") == 0


def test_marks_come_once_per_command_and_survive_another_prompt(shell: Machine) -> None:
    assert shell.run("false") == 1
    assert shell.run("PS1='> '") == 0
    assert shell.run("(exit 3)") == 3
    shell.type("\r")
    shell.wait(PROMPT)
    assert b"133;D" not in shell.output


def test_the_learner_cannot_end_or_stop_pid_1(shell: Machine) -> None:
    shell.script("kill -KILL 1; kill -TERM 1; kill -STOP 1; kill -INT 1; kill -HUP 1; true")
    time.sleep(0.7)
    assert shell.run("true") == 0


def test_orphans_are_reaped(shell: Machine) -> None:
    shell.script("for i in 1 2 3 4 5; do (sleep 0.05 & ) ; done; sleep 0.8")
    assert "defunct" not in shell.script("ps -ef")


@pytest.mark.parametrize("kind", ["shell", "docker"])
def test_no_program_may_raise_its_rights(kind: str) -> None:
    options = ["--rm", "--network=none", "--user=0", "--entrypoint=/bin/sh", image_ref(kind)]
    assert docker("run", *options, "-c", "find / -xdev -type f -perm /6000") == ""


@pytest.mark.parametrize("kind", ["shell", "docker"])
def test_nothing_of_the_build_host_is_in_the_image(kind: str) -> None:
    look = "cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null; ls /etc/apt/auth.conf* /etc/apt/apt.conf.d"
    options = ["--rm", "--network=none", "--user=0", "--entrypoint=/bin/sh", image_ref(kind)]
    text = docker("run", *options, "-c", f"{look}; true")
    assert re.findall(r"//([^/ ]+)", text) == []
    assert "mmdebstrap" not in text


def test_packages_install_offline_in_the_shell_machine(shell: Machine) -> None:
    shell.script("pip install --quiet --user humanize==3.14.0")
    old = shell.script("python3 -c 'import humanize; print(hasattr(humanize, \"metric\"))'")
    shell.script("pip install --quiet --user humanize==4.12.3")
    new = shell.script("python3 -c 'import humanize; print(humanize.metric(1500, \"V\"))'")
    assert (old.strip(), new.strip()) == ("False", "1.50 kV")


def test_the_deadline_ends_the_machine() -> None:
    machine = Machine("shell", "--env=SLIPWAY_DEADLINE_SECONDS=2")
    try:
        machine.wait(PROMPT)
        machine.type("trap '' TERM HUP INT; sleep 100\r")
        machine.wait(re.compile(rb"time of this machine is over"), 6)
        assert machine.wait_exit() == 0
    finally:
        machine.remove()


def test_a_stop_from_outside_is_quick_and_orderly() -> None:
    machine = Machine("shell")
    try:
        machine.wait(PROMPT)
        started = time.monotonic()
        docker("stop", "--time", "10", machine.name)
        assert time.monotonic() - started < 4
        assert machine.wait_exit() == 0
    finally:
        machine.remove()


# Answers only after the client has closed its half, so a tunnel that loses it would hang or stay empty.
ANSWER_AFTER_END = """cat >/tmp/server.py <<'END'
import socket
listening = socket.create_server(("127.0.0.1", 7007))
connection, _ = listening.accept()
received = b"".join(iter(lambda: connection.recv(65536), b""))
connection.sendall(received.upper())
END
nohup python3 /tmp/server.py >/dev/null 2>&1 &
until ss -ltn | grep -q :7007; do sleep 0.05; done"""


def test_the_tunnel_passes_bytes_and_half_closes(shell: Machine) -> None:
    shell.script(ANSWER_AFTER_END)
    connect = ["exec", "-i", shell.name, "/usr/local/sbin/slipway-init", "connect"]
    assert docker(*connect, "7007", stdin="sent " * 100_000) == "SENT " * 100_000
    refused = subprocess.run(["docker", *connect, "7008"], input="", capture_output=True, text=True)
    assert refused.returncode == 1
    assert "refused" in refused.stderr


def test_a_service_that_fails_says_why() -> None:
    machine = Machine(
        "docker", "--env=XDG_RUNTIME_DIR=/run/user/1000", "--env=SLIPWAY_SERVICE_SECONDS=0.05"
    )
    try:
        machine.wait(re.compile(rb"777;slipway;failed;the service was not ready in time\x07"))
        assert machine.wait_exit() == 1
    finally:
        machine.remove()


def test_the_docker_machine_runs_containers(engine: Machine) -> None:
    assert "inside a container" in engine.script("docker run --rm hello-world")
    assert engine.script("docker run --rm alpine echo hi") == "hi\n"


def test_the_docker_shell_keeps_its_pid_through_the_namespaces(engine: Machine) -> None:
    login = engine.script("cat /run/slipway/login")
    engine.type("echo pid=$$.\r")
    pid = engine.wait(re.compile(rb"pid=(\d+)\."))[1].decode()
    engine.wait(PROMPT)
    assert login.startswith(f"pid={pid};")


def test_published_ports_are_reachable_by_the_tunnel(engine: Machine) -> None:
    engine.script("docker run -d --name web -p 8080:80 nginx:alpine && sleep 1")
    connect = ["exec", "-i", engine.name, "/usr/local/sbin/slipway-init", "connect", "8080"]
    page = docker(*connect, stdin="GET / HTTP/1.0\r\n\r\n")
    engine.script("docker rm -f web")
    assert "nginx is running" in page


@pytest.mark.parametrize("buildkit", ["0", "1"])
def test_builds_install_packages_offline(engine: Machine, buildkit: str) -> None:
    engine.script(
        f"""set -e
        mkdir -p ~/app{buildkit} && cd ~/app{buildkit}
        printf 'FROM python:3.11-slim\\nRUN pip install -q itsdangerous==2.2.0\\n' > Dockerfile
        DOCKER_BUILDKIT={buildkit} docker build -q -t app{buildkit} .
        docker run --rm app{buildkit} python -c 'import itsdangerous'"""
    )


def test_seed_images_are_all_there_and_say_what_they_are(engine: Machine) -> None:
    listed = engine.script("docker images --format '{{.Repository}}:{{.Tag}}'").split()
    assert set(images.seed_images()) <= set(listed)
    label = '{{index .Config.Labels "org.slipway.stand-in"}}'
    assert "Debian" in engine.script(f"docker image inspect --format '{label}' alpine")


def test_seed_images_can_be_saved_pushed_and_pulled_by_digest(engine: Machine) -> None:
    engine.script(
        """set -e
        docker save alpine | tar -t >/dev/null
        docker run -d --name registry -p 5000:5000 registry:2
        until curl -fs localhost:5000/v2/ >/dev/null; do sleep 0.1; done
        docker tag alpine localhost:5000/alpine:1
        docker push -q localhost:5000/alpine:1
        named=$(docker image inspect -f '{{index .RepoDigests 0}}' localhost:5000/alpine:1)
        docker rmi localhost:5000/alpine:1
        docker pull -q "$named"
        docker run --rm "$named" true
        docker rmi "$named"
        docker rm -f -v registry"""
    )
