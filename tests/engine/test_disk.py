"""What `docker` machines take of the disk is seen, wherever it lies, and ended when it is too much."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from sandbox import assembly, disk
from sandbox.models import Machine, State
from sandbox.specs import MachineSpec
from tests.engine.conftest import Start
from tests.engine.probes import as_root
from tests.engine.screen import typed

pytestmark = pytest.mark.engine
MIB = 1024 * 1024
FAR = 8192 * MIB
FILL = 40 * MIB
VOLUME = (
    "docker run --rm -d --name big alpine sh -c 'dd if=/dev/zero of=/f bs=1M count=40; sleep 60'"
)
# A file that no folder shows any more.
HELD = """nohup python3 -c "
import os, time
f = open('/home/learner/held', 'wb')
os.unlink('/home/learner/held')
f.write(bytes(40 << 20)); f.flush(); os.fsync(f.fileno())
time.sleep(60)" >/dev/null 2>&1 & sleep 2"""
PLACES = {
    "volume": (f"{VOLUME}; sleep 2", "docker rm -f big"),
    "home": ("dd if=/dev/zero of=/home/learner/f bs=1M count=40", "rm /home/learner/f"),
    "/tmp": ("dd if=/dev/zero of=/tmp/f bs=1M count=40", "rm /tmp/f"),
    "/var/tmp": ("dd if=/dev/zero of=/var/tmp/f bs=1M count=40", "rm /var/tmp/f"),
    "deleted": (HELD, "pkill -f held"),
}


@pytest.fixture(autouse=True)
def measure_now() -> Iterator[None]:
    """As if nothing had been measured before."""
    with patch("sandbox.disk._last", disk._Last()):
        yield


def taken(machine: Machine, limit_bytes: int = FAR) -> disk.Usage:
    return disk.measure([machine.container_id], limit_bytes)[machine.container_id]


@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize("place", PLACES)
def test_what_is_written_is_seen(shared_docker: Machine, place: str, here: bool) -> None:
    """By a worker on the engine's host, and by one that lives in a container itself."""
    fill, free = PLACES[place]
    before = taken(shared_docker).size_bytes
    with patch("sandbox.delegation.is_here", wraps=None, return_value=here):
        typed(shared_docker, fill, 40)
        try:
            grown = taken(shared_docker).size_bytes - before
        finally:
            typed(shared_docker, free, 30)
    assert FILL <= grown < 2 * FILL


def test_counting_ends_when_it_is_too_much_already(shared_docker: Machine) -> None:
    usage = taken(shared_docker, MIB)
    assert usage.files <= MIB // disk.BYTES_PER_FILE + 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("too_much", ["bytes", "bytes in /tmp", "files"])
def test_a_sandbox_over_its_share_is_ended_with_the_reason_and_no_other(
    start: Start, settings: Any, too_much: str
) -> None:
    settings.SANDBOX_DOCKER_DISK_MIB = 64
    greedy = start(MachineSpec(name="greedy", kind="docker"))
    modest = start(MachineSpec(name="modest", kind="docker"))
    with patch("sandbox.disk._last", disk._Last()):
        disk.end_oversized()
    greedy.refresh_from_db()
    assert greedy.state == State.READY, "nothing written yet"
    write = {
        "bytes": "dd if=/dev/zero of=/home/learner/f bs=1M count=80",
        "bytes in /tmp": "dd if=/dev/zero of=/tmp/f bs=1M count=80",
        "files": "mkdir m; cd m; seq 5000 | xargs touch",
    }[too_much]
    assert as_root(greedy.machines.get(), write, 40).code == 0
    disk.end_oversized()
    for sandbox in (greedy, modest):
        sandbox.refresh_from_db()
    assert (greedy.state, greedy.error_code) == (State.FAILED, "disk_used_up")
    assert "greedy" in greedy.error_message
    assert "64 MiB" in greedy.error_message
    assert "docker system prune" in greedy.error_hint
    assert assembly.objects_of(greedy.pk) == []
    assert modest.state == State.READY


@pytest.mark.django_db(transaction=True)
def test_files_are_not_counted_again_while_the_disk_stays_as_it_is(start: Start) -> None:
    start(MachineSpec(name="laptop", kind="docker"))
    with patch("sandbox.disk.measure", return_value={}) as measure:
        disk.end_oversized()
        disk.end_oversized()
        assert measure.call_count == 1
        disk._last.free_bytes += 2 * 1024 * MIB
        disk.end_oversized()
        assert measure.call_count == 2, "somebody wrote a gibibyte"
        disk._last.at -= disk.MEASURE_SECONDS
        disk.end_oversized()
        assert measure.call_count == 3, "a minute has passed"
