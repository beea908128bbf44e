"""Boots of the small guest, again and again: every one comes to its prompt, a hang is recovered."""

import os
import statistics
from collections.abc import Callable, Iterator

import pytest

from bench.measurements import replace_part, where_and_when
from sandbox.models import Machine
from tests.engine.conftest import TrueAfter, bare_machine
from tests.engine.vm_machine import asked, state_of

SOAK = bool(os.environ.get("SLIPWAY_SOAK"))
BOOTS = 50 if SOAK else 2
PART = "<!-- tests/engine/test_vm_boots.py -->"
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


@pytest.mark.fault("boots")
def test_every_boot_comes_to_its_prompt(
    house: Machine, record_property: Callable[[str, object], None], true_after: TrueAfter
) -> None:
    record_property("times", BOOTS)
    took, hangs = [], 0
    for _ in range(BOOTS):
        line = asked(house, "guests", "start", "1", "--boot")[0]
        assert line.get("how") == "booted", line
        took.append(line["seconds"])
        hangs += line["hangs"]
        asked(house, "guests", "stop")
    said = (
        f"{BOOTS} boots of the small guest, {hangs} begun again by the watchdog, none lost; "
        f"median {statistics.median(took):.2f} s to the prompt ({min(took):.2f} to {max(took):.2f})"
    )
    print(said)
    assert len(took) == BOOTS
    true_after(max(took))
    if SOAK:
        how = f"accelerator {state_of(house)['accelerator']}, load average {os.getloadavg()[1]:.1f}"
        replace_part(PART, f"{where_and_when()}, {how}: {said}.")
