"""Boots of the small guest, again and again: every one comes to its prompt, a hang is recovered."""

import os
from collections.abc import Iterator

import pytest

from sandbox.models import Machine
from tests.engine.conftest import bare_machine
from tests.engine.vm_machine import asked

BOOTS = 50 if os.environ.get("SLIPWAY_SOAK") else 2
# Emulated on a busy host a boot may take half a minute, and is then no fault yet.
pytestmark = [
    pytest.mark.engine,
    pytest.mark.takes(seconds=20),
    pytest.mark.timeout(120 + 30 * BOOTS),
]


@pytest.fixture(scope="module")
def house() -> Iterator[Machine]:
    """The machine in which all of them boot."""
    yield from bare_machine("vm")


def test_every_boot_comes_to_its_prompt(house: Machine) -> None:
    took, hangs = [], 0
    for _ in range(BOOTS):
        line = asked(house, "guests", "start", "1", "--boot")[0]
        assert line.get("how") == "booted", line
        took.append(line["seconds"])
        hangs += line["hangs"]
        asked(house, "guests", "stop")
    print(f"{BOOTS} boots, {hangs} hung and were begun again, {min(took)} to {max(took)} s")
    assert len(took) == BOOTS
