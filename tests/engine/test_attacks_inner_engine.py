"""The engine inside a `docker` machine: real for its learner, and a wall to the host.

Everything is typed into the machine's own terminal, as its learner would.
"""

import base64
import re
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.models import Machine
from tests.engine.attacks import ATTACKS, DISK, NOT_FOUND, prove
from tests.engine.probes import Outcome, unprotected
from tests.engine.screen import typed

pytestmark = pytest.mark.engine
# All that an engine lets one ask for, short of what it refuses at once.
LOOSE = (
    "--cap-add ALL --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--network host --uts host --ipc host "
    "--cgroupns host -v /:/host -v /dev:/dev"
)
# In a container of their own the system and PID 1 are theirs.
OF_THE_HOST = [
    name
    for name, attack in ATTACKS.items()
    if "docker" in attack.places and name != "write the system" and "PID 1" not in name
]


def test_memory_of_an_inner_container_is_limited_and_measured(shared_docker: Machine) -> None:
    hog = "docker run --rm --memory {} python:3.11-slim python -c 'x = bytearray(120 << 20)'"
    assert typed(shared_docker, hog.format("256m"), 30).code == 0
    assert typed(shared_docker, hog.format("32m"), 30).code == 137
    stats = typed(
        shared_docker,
        "docker run -d --name still --memory 48m alpine sleep 60 >/dev/null; "
        "docker stats --no-stream --format '{{.MemUsage}}' still; docker rm -f still >/dev/null",
        30,
    )
    assert stats.text.strip().endswith("/ 48MiB")


def test_inner_privileged_gives_nothing(shared_docker: Machine) -> None:
    """The contrast is a container with the capability that matters: --privileged itself is
    refused on hosts that lack one of the capabilities."""
    use = "mkdir -p /tmp/s; unshare -nm mount -t sysfs none /tmp/s && touch /usr/bin/x"
    assert unprotected(use).code == 0
    outcome = typed(shared_docker, "docker run --rm --privileged alpine true", 30)
    assert outcome.code not in (0, None)
    assert re.search(r"permission denied|not permitted", outcome.text, re.IGNORECASE)


@pytest.fixture(scope="module")
def loose(shared_docker: Machine) -> Iterator[Machine]:
    """A machine with an inner container `loose` that was given all it may be."""
    began = typed(
        shared_docker, f"docker run -d --name loose {LOOSE} python:3.11-slim sleep 600", 30
    )
    assert began.code == 0, began.text
    yield shared_docker
    typed(shared_docker, "docker rm -f loose", 30)


def in_loose(machine: Machine, script: str) -> Outcome:
    encoded = base64.b64encode(script.encode()).decode()
    return typed(machine, f'docker exec loose bash -c "$(base64 -d <<<{encoded})"')


@pytest.mark.parametrize("name", OF_THE_HOST)
def test_no_attack_works_from_a_container_with_all_it_may_ask_for(
    loose: Machine, name: str
) -> None:
    prove(name, "docker")
    outcome = in_loose(loose, ATTACKS[name].script)
    assert outcome.code not in (0, None, NOT_FOUND), outcome.text


def test_the_root_an_inner_container_mounts_is_the_machines_own(
    loose: Machine, tmp_path: Path
) -> None:
    marker = tmp_path / "of-the-host"
    marker.write_text("host")
    look = f"cat /host/etc/hostname /host{marker}"
    assert unprotected(look, Binds=["/:/host"]).text.endswith("host")
    said = in_loose(loose, look).text
    assert "laptop" in said.splitlines()
    assert "No such file" in said


def test_the_processes_an_inner_container_sees_are_the_machines_own(loose: Machine) -> None:
    nonce = uuid.uuid4().hex
    look = "cat {}/*/cmdline | tr '\\0' ' '"
    with subprocess.Popen(["sh", "-c", f": {nonce}; sleep 60"]) as process:
        try:
            assert nonce in unprotected(look.format("/proc"), PidMode="host").text
            said = in_loose(loose, look.format("/host/proc")).text
            shared = typed(loose, "docker run --rm --pid host alpine cat /proc/1/cmdline", 30)
        finally:
            process.kill()
    assert "slipway-init" in said, "the machine's own"
    assert nonce not in said
    assert shared.code not in (0, None), "not even those are to be had this way"


def test_a_device_of_the_host_can_not_be_passed_on(shared_docker: Machine) -> None:
    device = {"PathOnHost": DISK, "PathInContainer": DISK, "CgroupPermissions": "r"}
    assert unprotected(f"exec 3<{DISK}", Devices=[device]).code == 0
    outcome = typed(shared_docker, f"docker run --rm --device {DISK} alpine true", 30)
    assert outcome.code not in (0, None)
    assert "no such file" in outcome.text


def test_the_lessons_images_are_there_without_a_registry(shared_docker: Machine) -> None:
    said = typed(shared_docker, "docker images --format '{{.Repository}}:{{.Tag}}'", 20).text
    for image in ("python:3.11-slim", "alpine", "nginx:alpine", "hello-world", "registry:2"):
        assert image in said
