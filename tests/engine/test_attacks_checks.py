"""A check's text is not the learner's to read: not before, not while it runs, not by what it runs."""

import threading
import time

import pytest
from django.conf import settings

from sandbox import machines
from sandbox.models import Machine
from tests.engine.probes import as_learner
from tests.engine.screen import typed

pytestmark = pytest.mark.engine
# Everything about other processes that a learner could try to read; not this script itself.
LOOK = """for n in 1 2 3 4 5; do
  for p in /proc/[0-9]*; do
    [ "$p" = "/proc/$$" ] && continue
    cat "$p/cmdline" "$p/environ" 2>/dev/null
    for f in "$p"/fd/*; do timeout 0.05 head -c 4096 "$f" 2>/dev/null; done
  done; sleep 0.1
done | tr '\\0' '\\n'"""


def seen_by_the_learner(machine: Machine, script: str, argument: bool = False) -> str:
    """What the learner finds while a check runs."""

    def check() -> None:
        if argument:
            machines._run(
                machine, ["/bin/bash", "-c", script], b"", user="root", env={"LAB_X": "lab-value"},
                timeout_seconds=20,
            )  # fmt: skip
        else:
            machines.run_in(machine, script.encode(), env={"LAB_X": "lab-value"})

    thread = threading.Thread(target=check)
    thread.start()
    time.sleep(0.5)
    said = typed(machine, LOOK, 30).text
    thread.join()
    return said


@pytest.mark.parametrize("machine", ["shared_shell", "shared_docker"])
def test_a_check_can_not_be_read_while_it_runs(
    request: pytest.FixtureRequest, machine: str
) -> None:
    target = request.getfixturevalue(machine)
    script = "sleep 4; : the-answer-is-4711; true"
    assert "4711" not in (said := seen_by_the_learner(target, script))
    assert "lab-value" not in said
    assert settings.SECRET_KEY not in said


def test_as_an_argument_it_could_be_read(shared_shell: Machine) -> None:
    script = "sleep 4; : the-answer-is-4711; true"
    assert "4711" in seen_by_the_learner(shared_shell, script, argument=True)


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
