"""The engine inside a `docker` machine: real for its learner, and a wall to the host."""

from pathlib import Path

import pytest

from sandbox.models import Machine
from tests.engine.probes import as_root, unprotected

pytestmark = pytest.mark.engine


def test_memory_of_an_inner_container_is_limited_and_measured(shared_docker: Machine) -> None:
    hog = "docker run --rm --memory {} python:3.11-slim python -c 'x = bytearray(120 << 20)'"
    assert as_root(shared_docker, hog.format("256m"), 30).code == 0
    assert as_root(shared_docker, hog.format("32m"), 30).code == 137
    stats = as_root(
        shared_docker,
        "docker run -d --name still --memory 48m alpine sleep 60 >/dev/null; "
        "docker stats --no-stream --format '{{.MemUsage}}' still; docker rm -f still >/dev/null",
        30,
    )
    assert stats.text.strip().endswith("/ 48MiB")


def test_inner_privileged_gives_nothing(shared_docker: Machine) -> None:
    outcome = as_root(shared_docker, "docker run --rm --privileged alpine true", 30)
    assert outcome.code not in (0, None)


def test_the_root_an_inner_container_mounts_is_the_machines_own(
    shared_docker: Machine, tmp_path: Path
) -> None:
    marker = tmp_path / "of-the-host"
    marker.write_text("host")
    look = f"cat /host{marker}"
    assert unprotected(look, Binds=["/:/host"]).text == "host"
    outcome = as_root(
        shared_docker,
        f"docker run --rm -v /:/host alpine sh -c 'cat /host/etc/hostname; {look}'",
        30,
    )
    assert outcome.text.splitlines()[0] == "laptop"
    assert "No such file" in outcome.text
    assert "host\n" not in outcome.text


@pytest.mark.parametrize(
    "options",
    ["--pid host", "--network host", "--cap-add ALL", "--security-opt seccomp=unconfined"],
)
def test_what_an_inner_container_may_ask_for_does_not_reach_the_host(
    shared_docker: Machine, options: str
) -> None:
    own = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert own, "this host says who it is"
    script = (
        f"docker run --rm {options} alpine sh -c "
        "'echo 1 > /proc/sys/vm/overcommit_memory || echo refused; "
        "ls -l /dev/vda /dev/sda /dev/mem 2>/dev/null; dmesg 2>/dev/null | head -1'"
    )
    outcome = as_root(shared_docker, script, 30)
    refused = [line for line in outcome.text.splitlines() if "refused" in line]
    assert refused or outcome.code != 0
    assert "/dev/" not in outcome.text.replace("/dev/null", "")


def test_the_lessons_images_are_there_without_a_registry(shared_docker: Machine) -> None:
    said = as_root(shared_docker, "docker images --format '{{.Repository}}:{{.Tag}}'", 20).text
    for image in ("python:3.11-slim", "alpine", "nginx:alpine", "hello-world", "registry:2"):
        assert image in said
