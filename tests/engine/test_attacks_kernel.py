"""Attacks on the kernel and the host, typed into the real terminal of each kind.

Each must work in an unprotected container of the same image, and fail in ours.
"""

import pytest

from sandbox.models import Machine
from tests.engine.attacks import ATTACKS, NOT_FOUND, PLACES, prove
from tests.engine.probes import Outcome, as_root
from tests.engine.screen import typed

pytestmark = pytest.mark.engine
CASES = [(place, name) for name, a in ATTACKS.items() for place in PLACES if place in a.places]


def run_at(request: pytest.FixtureRequest, place: str, script: str) -> Outcome:
    machine = request.getfixturevalue("shared_shell" if place == "shell" else "shared_docker")
    return as_root(machine, script) if place == "outside" else typed(machine, script)


@pytest.mark.parametrize(("place", "name"), CASES)
def test_it_works_without_protection_and_fails_here(
    request: pytest.FixtureRequest, place: str, name: str
) -> None:
    prove(name, place)
    outcome = run_at(request, place, ATTACKS[name].script)
    assert outcome.code not in (0, None, NOT_FOUND), outcome.text


@pytest.mark.parametrize("name", [n for n, a in ATTACKS.items() if "shell" in a.places])
def test_it_fails_in_a_shell_for_checks_and_set_up_too(shared_shell: Machine, name: str) -> None:
    prove(name, "shell")
    outcome = as_root(shared_shell, ATTACKS[name].script)
    assert outcome.code not in (0, None, NOT_FOUND), outcome.text
