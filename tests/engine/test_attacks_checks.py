"""A check's text is not the learner's to read: not before, not while it runs, not by what it runs."""

import secrets
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from sandbox import machines
from sandbox.models import Machine
from tests.engine.probes import as_learner, as_root, unprotected
from tests.engine.screen import typed

pytestmark = pytest.mark.engine
ANSWER = ": the-answer-is-4711; true"
# Everything about other processes that a learner could try to read; not this script itself.
LOOK = """for n in 1 2 3 4 5; do
  for p in /proc/[0-9]*; do
    [ "$p" = "/proc/$$" ] && continue
    cat "$p/cmdline" "$p/environ" 2>/dev/null
    for f in "$p"/fd/*; do timeout 0.05 head -c 4096 "$f" 2>/dev/null; done
  done; sleep 0.1
done | tr '\\0' '\\n'"""


Run = Callable[..., object]


def run_as_argument(machine: Machine, script: bytes, **more: Any) -> None:
    command = ["/bin/bash", "-c", script.decode()]
    machines._run(machine, command, b"", user="root", **more)


def seen_meanwhile(machine: Machine, look: str, run: Run = machines.run_in) -> str:
    """What a look at the prompt finds while a check runs, which ends when the look is over."""
    turn = f"/home/learner/{secrets.token_hex(4)}"
    # It waits without a further process, which would come and go under the look.
    script = f"sleep 300 & mkfifo -m 666 {turn}; read -r _ <{turn}; kill $!; {ANSWER}"
    more = {"env": {"LAB_X": "lab-value"}, "timeout_seconds": 120}
    thread = threading.Thread(target=run, args=(machine, script.encode()), kwargs=more)
    thread.start()
    wait = f"until [ -p {turn} ]; do sleep 0.1; done"
    said = typed(machine, f"{wait}\n{look}\necho >{turn}", 100).text
    thread.join()
    return said


@pytest.mark.parametrize("machine", ["shared_shell", "shared_docker"])
def test_a_check_can_not_be_read_while_it_runs(
    request: pytest.FixtureRequest, machine: str
) -> None:
    # Put together where it runs: the container's own command line is no proof.
    check = f"sleep 60; {ANSWER.replace('4711', '$((4000 + 711))')}"
    beside = f'v=value; LAB_X=lab-$v bash -c "{check}" & sleep 1; {LOOK}'
    proof = unprotected(beside, image=machine.removeprefix("shared_")).text
    assert "4711" in proof, "the probe itself must work"
    assert "lab-value" in proof, "the probe itself must work"
    target = request.getfixturevalue(machine)
    assert "4711" not in (said := seen_meanwhile(target, LOOK))
    assert "lab-value" not in said
    assert settings.SECRET_KEY not in said


@pytest.mark.parametrize("machine", ["shared_shell", "shared_docker"])
def test_as_an_argument_it_could_be_read(request: pytest.FixtureRequest, machine: str) -> None:
    target = request.getfixturevalue(machine)
    assert "4711" in seen_meanwhile(target, LOOK, run_as_argument)


@pytest.mark.parametrize("machine", ["shared_shell", "shared_docker"])
def test_a_program_of_the_learners_that_a_check_runs_does_not_get_its_text(
    request: pytest.FixtureRequest, machine: str
) -> None:
    target = request.getfixturevalue(machine)
    spy = "printf '#!/bin/sh\\ncat; cat /proc/$PPID/cmdline' > ~/app; chmod 755 ~/app"
    assert as_learner(target, spy.replace("~", "/home/learner")).code == 0
    script = b"/home/learner/app\n: the-answer-is-4711\n"
    assert "4711" in machines._run(
        target, ["/bin/bash", "-s"], script, user="root", env=None, timeout_seconds=10
    ).stdout, "the probe itself must work"  # fmt: skip
    done = machines.run_in(target, script)
    assert done.exit_code == 0
    assert "4711" not in done.stdout


# The memory of every other process that may be opened, for what a check's text begins with.
TAKE_ALL_APART = r"""python3 - <<'PY'
import os, re
text, looked = b"the-answer" + b"-is-", 0
for pid in filter(str.isdigit, os.listdir("/proc")):
    if int(pid) in (os.getpid(), os.getppid()):
        continue
    try:
        maps, memory = open(f"/proc/{pid}/maps").read(), open(f"/proc/{pid}/mem", "rb")
    except OSError:
        continue
    looked += 1
    for begin, end in re.findall(r"^(\w+)-(\w+) rw", maps, re.M):
        try:
            memory.seek(int(begin, 16))
            found = re.search(text + rb"\d+", memory.read(int(end, 16) - int(begin, 16)))
        except OSError:
            continue
        if found:
            print(found[0].decode())
print("looked at", looked)
PY"""


@pytest.mark.parametrize("machine", ["shared_shell", "shared_docker"])
def test_a_learner_at_the_prompt_can_not_take_a_check_apart(
    request: pytest.FixtureRequest, machine: str
) -> None:
    script = f"sleep 60; {ANSWER}"
    beside = f"printf '{script}' | bash -c 'eval \"$(cat)\" </dev/null' & sleep 1; {TAKE_ALL_APART}"
    assert "the-answer-is-4711" in unprotected(beside).text
    target = request.getfixturevalue(machine)
    said = seen_meanwhile(target, TAKE_ALL_APART)
    assert int(said.split("looked at ")[1]) > 0, "there were processes of one's own"
    assert "4711" not in said


# The shell that runs a check in a guest, found by the words it is always given, and its children.
FIND = r"""for p in /proc/[0-9]*; do
  [ "$(tr '\0' ' ' <$p/cmdline 2>/dev/null)" = '/bin/bash -c eval "$(cat)" </dev/null ' ] && check=$p
done
[ -n "$check" ] || exit 3
all="$check $(cat $check/task/*/children | sed 's,[0-9][0-9]*,/proc/&,g')"
"""
# All that a guest's root sees of them without taking them apart, and the guest's disk.
LOOK_AS_ROOT = (
    FIND
    + r"""for p in $all; do
  tr '\0' '\n' <$p/cmdline; tr '\0' '\n' <$p/environ
  for f in $p/fd/*; do head -c 4096 <$f & sleep 0.1; kill $!; done 2>/dev/null
done
find /tmp /run /home /root /var /etc /dev/shm -type f -exec grep -h the-answer-is {} + 2>/dev/null
echo looked"""
)
TAKE_APART = (
    FIND
    + r"""grep '\[heap\]' $check/maps | while IFS='- ' read from to rest; do
  dd if=$check/mem bs=4096 skip=$((0x$from / 4096)) count=$(((0x$to - 0x$from) / 4096)) 2>/dev/null
done | grep -ao 'the-answer-is-[0-9]*' | head -n 1; echo looked"""
)


def seen_by_root_of_the_guest(machine: Machine, look: str) -> str:
    """What the learner of a guest finds at the prompt, as its root, while a check runs."""
    prepared = as_root(machine, f"cat >/root/look <<'END'\n{look}\nEND\n")
    assert prepared.code == 0, prepared.text
    said = seen_meanwhile(machine, "su - -c 'bash /root/look'")
    assert said.endswith("looked\n"), said
    return said


def test_a_check_in_a_guest_is_no_file_no_word_and_no_open_file(shared_vm: Machine) -> None:
    said = seen_by_root_of_the_guest(shared_vm, LOOK_AS_ROOT)
    assert 'eval "$(cat)"' in said, "it did look at the check"
    assert "sleep" in said, "and at what that runs"
    assert "LAB_MACHINE=laptop" in said, "its environment is root's to read"
    assert "4711" not in said


def test_root_of_a_guest_who_takes_a_check_apart_reads_it(shared_vm: Machine) -> None:
    """docs/security.md says so: the guest's memory is its root's, whatever a script does."""
    assert "the-answer-is-4711" in seen_by_root_of_the_guest(shared_vm, TAKE_APART)
