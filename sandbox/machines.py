"""Running scripts and writing files on a learner's machine. Worker processes only.

Scripts go in on standard input, never as a file or an argument, so that the learner can't
read a check; they get no environment but what is named. They are read whole before they
run: what they run would else have the rest of them on its own standard input.
"""

import asyncio
import contextlib
import io
import shlex
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox import stream
from sandbox.demux import Demultiplexer
from sandbox.errors import BadRequest, MachineDied, MachineNotFound, SandboxNotReady
from sandbox.models import USABLE, Machine, Sandbox

OUTPUT_LIMIT_BYTES = 64 * 1024
FILE_LIMIT_BYTES = 1024 * 1024
# The script's own limit ends it inside; this much later we stop waiting for the engine.
GRACE_SECONDS = 5
EXIT_POLL_SECONDS = 0.02
# 143: how a small guest's `timeout` ends when its program obeys.
TIMED_OUT = (124, 137, 143)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GUEST_COMMAND = "/usr/local/lib/slipway/guest"
INNER_ENGINE = "unix:///run/user/1000/docker.sock"
# Words are expanded before redirections are made (POSIX, "Simple Commands").
RUN_STANDARD_INPUT = ["/bin/bash", "-c", 'eval "$(cat)" </dev/null']
TAR = "/bin/tar -x -C / -p --no-same-owner --no-overwrite-dir -f -"
# What the small guest's tar knows of it.
BUSYBOX_TAR = "/bin/tar -x -C / -p -o -f -"
User = Literal["root", "learner"]


@dataclass(frozen=True)
class ScriptResult:
    """How a script ended. `exit_code` is None when it was stopped for time."""

    exit_code: int | None
    stdout: str
    stderr: str
    timed_out: bool
    seconds: float


def run_script(
    sandbox: Sandbox,
    machine_name: str,
    script: str,
    *,
    user: User = "root",
    env: Mapping[str, str] | None = None,
    timeout_seconds: int = 10,
) -> ScriptResult:
    """Run `script` with bash on a machine that is ready, and wait for its end.

    In a `docker` machine both users are uid 1000: root there can't enter the user
    namespace. Each output is cut at 64 KiB. Raises SandboxNotReady, MachineNotFound,
    EngineDown, MachineDied.
    """
    return run_in(
        machine_of(sandbox, machine_name),
        script.encode(),
        user=user,
        env=env,
        timeout_seconds=timeout_seconds,
    )


def machine_of(sandbox: Sandbox, name: str) -> Machine:
    """A machine of a sandbox that is ready. Raises SandboxNotReady, MachineNotFound."""
    if sandbox.state not in USABLE:
        raise SandboxNotReady
    machine = sandbox.machines.filter(name=name).first()
    if machine is None:
        raise MachineNotFound
    return machine


def run_in(
    machine: Machine,
    script: bytes,
    *,
    user: User = "root",
    env: Mapping[str, str] | None = None,
    timeout_seconds: int = 10,
) -> ScriptResult:
    """`run_script` for a machine whatever its sandbox's state (set-up runs before ready)."""
    return _run(
        machine,
        RUN_STANDARD_INPUT,
        script,
        user=user,
        env=env,
        timeout_seconds=timeout_seconds,
    )


def _run(
    machine: Machine,
    command: list[str],
    stdin: bytes,
    *,
    user: User,
    env: Mapping[str, str] | None,
    timeout_seconds: int,
) -> ScriptResult:
    began = time.monotonic()
    environment = _environment(machine, env or {})
    if machine.kind == "vm":
        # The bound is around the client: when it leaves, the agent ends the whole group. The
        # small guest's own `timeout` would end the first process only.
        command = in_guest(user, environment, command)
    bounded = ["/usr/bin/timeout", "-k", "2", str(timeout_seconds), *command]
    code, out, err = asyncio.run(
        exec_collect(
            machine.container_id,
            bounded,
            stdin,
            user=_engine_user(machine.kind, user),
            env={} if machine.kind == "vm" else environment,
            wait_seconds=timeout_seconds + GRACE_SECONDS,
        )
    )
    seconds = round(time.monotonic() - began, 2)
    # A script that was killed for its memory also ends with 137, but early.
    timed_out = code is None or (code in TIMED_OUT and seconds >= timeout_seconds)
    return ScriptResult(
        None if timed_out else code,
        out.decode(errors="replace"),
        err.decode(errors="replace"),
        timed_out,
        seconds,
    )


def in_guest(user: User, environment: Mapping[str, str], command: list[str]) -> list[str]:
    """The command that runs `command` in the guest of a `vm` machine, by its control port."""
    variables = [f"--env={name}={value}" for name, value in environment.items()]
    return [GUEST_COMMAND, "run", f"--user={user}", *variables, "--", *command]


def _engine_user(kind: str, user: User) -> str:
    if kind == "vm":
        return "1000:1000"  # of the machine around the guest; who it is in there, `run` says
    return "0:0" if user == "root" and kind != "docker" else "1000:1000"


def _environment(machine: Machine, env: Mapping[str, str]) -> dict[str, str]:
    base = {"PATH": PATH, "HOME": "/home/learner", "LANG": "C.UTF-8", "LAB_MACHINE": machine.name}
    if machine.kind == "docker":
        base["DOCKER_HOST"] = INNER_ENGINE
    return base | dict(env)


async def exec_collect(
    container_id: str,
    command: list[str],
    stdin: bytes,
    *,
    user: str,
    env: dict[str, str],
    wait_seconds: float,
) -> tuple[int | None, bytes, bytes]:
    """Run a command to its end; returns exit code (None: stopped waiting), stdout, stderr."""
    outputs = {1: bytearray(), 2: bytearray()}

    def keep(which: int, payload: bytes) -> None:
        room = OUTPUT_LIMIT_BYTES - len(outputs[which])
        outputs[which] += payload[: max(0, room)]

    exec_id, opened = await stream.exec_stream(container_id, command, user=user, env=env)
    ended = asyncio.Event()
    opened.listen(Demultiplexer(keep).feed, ended.set)
    try:
        async with asyncio.timeout(wait_seconds):
            opened.write(stdin)
            await opened.drained()
            opened.end_input()
            await ended.wait()
            # The outputs may end before the process does.
            while (code := await stream.exec_exit_code(exec_id)) is None:  # noqa: ASYNC110
                await asyncio.sleep(EXIT_POLL_SECONDS)
    except TimeoutError:
        code = None
    finally:
        opened.close()
    return code, bytes(outputs[1]), bytes(outputs[2])


def end_terminal(sandbox_id: str, machine_name: str, name: str) -> None:
    """End the shell of a terminal beside the main one; a machine that is gone is done."""
    found = Machine.objects.filter(sandbox=sandbox_id, name=machine_name).first()
    if found is None or not found.container_id:
        return
    command = ["/usr/local/sbin/slipway-init", "end-terminal", name]
    with contextlib.suppress(MachineDied):
        _run(found, command, b"", user="learner", env=None, timeout_seconds=5)


def write_file(sandbox: Sandbox, machine_name: str, path: str, content: bytes) -> int:
    """Write `content` to `path` as the learner, making its folders; return the bytes written.

    `path` is absolute or begins with `~/`. Raises BadRequest with the machine's own words
    when the learner's user may not write there, and the errors of `run_script`.
    """
    if len(content) > FILE_LIMIT_BYTES:
        raise BadRequest(f"A file of {len(content)} bytes is too large.", "The limit is 1 MiB.")
    if not path.startswith(("/", "~/")) or "\0" in path or path.endswith("/"):
        raise BadRequest("The path is not valid.", "Give an absolute path, or one in ~/.")
    machine = machine_of(sandbox, machine_name)
    full = "/home/learner/" + path[2:] if path.startswith("~/") else path
    quoted = shlex.quote(full)
    # A temporary name first: a full disk leaves the old file whole.
    program = (
        f"set -e; t={quoted}; "
        'while [ -L "$t" ]; do l=$(readlink -- "$t"); '
        'case $l in /*) t=$l ;; *) t=$(dirname -- "$t")/$l ;; esac; done; '
        '[ ! -d "$t" ] || { echo "$t is a folder" >&2; exit 1; }; mkdir -p -- "$(dirname -- "$t")"; '
        'n="$t.slipway.$$"; trap \'rm -f -- "$n"\' EXIT; cat > "$n"; '
        'if [ -f "$t" ]; then chmod "$(stat -c %a -- "$t")" -- "$n"; fi; mv -f -- "$n" "$t"'
    )
    result = _run(
        machine,
        ["/bin/bash", "-c", program],
        content,
        user="learner",
        env=None,
        timeout_seconds=10,
    )
    if result.exit_code != 0:
        words = result.stderr.strip().splitlines()[-1:] or ["no answer in time"]
        raise BadRequest(f"{path} could not be written: {words[0][:200]}", "Choose another place.")
    return len(content)


def copy_tree(machine: Machine, folder: Path) -> None:
    """Copy what is in `folder` onto the machine, modes kept.

    Paths below home/learner are written by the learner's user and belong to it, all others
    by root (without capabilities: only root-owned writable places such as /opt and /srv).
    """
    for user, inside in (("learner", True), ("root", False)):
        archive = _archive(folder, inside)
        if archive is None:
            continue
        command = (TAR if machine.kind != "vm" else BUSYBOX_TAR).split()
        result = _run(
            machine,
            command,
            archive,
            user=user,  # type: ignore[arg-type]
            env=None,
            timeout_seconds=30,
        )
        if result.exit_code != 0:
            raise OSError(f"copying files to {machine.name}: {result.stderr.strip()[:300]}")


def _archive(folder: Path, below_home: bool) -> bytes | None:
    """The learner's part of a folder, or the rest of it, as a tar; None when it is empty."""
    home = Path("home/learner")
    buffer = io.BytesIO()
    count = 0
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            # Symlinks could point outside the course. Folders at the top, and home, are the
            # machine's own: they exist there, and their modes are not the lesson's to set.
            own = path.is_dir() and (len(name.parts) == 1 or name == home)
            if path.is_symlink() or own:
                continue
            if name.is_relative_to(home) == below_home:
                tar.add(path, arcname=str(name), recursive=False)
                count += 1
    return buffer.getvalue() if count else None
