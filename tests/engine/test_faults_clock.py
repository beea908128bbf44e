"""A wall clock that is set by a day while all processes of a site run."""

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import TrueAfter
from tests.engine.site_learners import eventually, learners
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=45)]
SOURCE = Path(__file__).parent / "set_clock.c"
JUMPED = "the wall clock jumped by"
# Twice the tick, and what a busy machine adds.
NOTICED_SECONDS = 30
DAY_SECONDS = 86400
SLACK_SECONDS = 90


class Clock:
    """How far the wall clock of the site's processes is ahead, as a file that they share."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.write_bytes(struct.pack("=q", 0))

    def set(self, ahead_seconds: int) -> None:
        # In place: they have mapped it.
        with self.file.open("r+b") as file:
            file.write(struct.pack("=q", ahead_seconds))


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def site(clock: Clock, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    library = tmp_path / "set_clock.so"
    # The compiler is there: the machine images are built with it.
    command = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library)]
    subprocess.run([*command, str(SOURCE)], check=True)
    environment = {"LD_PRELOAD": str(library), "SET_CLOCK_FILE": str(clock.file)}
    with running_site(tmp_path_factory.mktemp("clock"), **environment) as running:
        yield running


@pytest.mark.fault("clock")
def test_a_clock_set_by_a_day_and_back_ends_nobody(
    site: Site, clock: Clock, true_after: TrueAfter
) -> None:
    ada, bob = learners(site, "ada", "bob")
    sandbox_id = ada.ready()
    before = ada.look(sandbox_id)
    log = site.data / "site.log"
    for jumps, ahead in enumerate((DAY_SECONDS, 0, -DAY_SECONDS), start=1):
        clock.set(ahead)
        noticed = eventually(
            lambda jumps=jumps: log.read_text().count(JUMPED) == jumps,  # type: ignore[misc]
            NOTICED_SECONDS,
            log.read_text()[-2000:],
        )
        true_after(noticed)
        now = ada.look(sandbox_id)
        assert now["state"] == "ready", (ahead, now)
        assert before["seconds_left"] - now["seconds_left"] < SLACK_SECONDS, ahead
        # And everything goes on by the new clock.
        made = bob.ready()
        bob.stop(made)
    assert ada.look(sandbox_id)["machines"] == before["machines"]
    ada.stop(sandbox_id)
