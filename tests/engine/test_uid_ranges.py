"""Each `docker` machine's user ids are its own on the host."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from sandbox import assembly, engine, uid_ranges
from sandbox.hostconfig import DATA_ROOT
from sandbox.images import seed_volume
from sandbox.models import Machine
from sandbox.uid_ranges import OWNER_LABEL, RANGE_UIDS, first_uid, reserve_volume
from tests.engine.conftest import bare_machine
from tests.engine.screen import typed

pytestmark = pytest.mark.engine
GIB = 1024**3


@pytest.fixture(scope="module")
def neighbour() -> Iterator[Machine]:
    yield from bare_machine("docker")


def ranges(machine: Machine) -> list[tuple[int, int]]:
    """(first, count) of the host's ids that the learner's namespace maps, users then groups."""
    said = typed(machine, "cat /proc/self/uid_map /proc/self/gid_map").text
    return [(int(a), int(b)) for a, b in re.findall(r"^ +1 +(\d+) +(\d+)$", said, re.M)]


def data_volume(machine: Machine) -> str:
    found = engine.inspect_container(machine.container_id)
    assert found is not None
    return next(m["Name"] for m in found["Mounts"] if m["Destination"] == DATA_ROOT)


def test_two_machines_have_no_id_in_common(shared_docker: Machine, neighbour: Machine) -> None:
    mine, theirs = ranges(shared_docker), ranges(neighbour)
    assert mine == [(first_uid(data_volume(shared_docker)), RANGE_UIDS)] * 2
    assert theirs == [(first_uid(data_volume(neighbour)), RANGE_UIDS)] * 2
    assert abs(mine[0][0] - theirs[0][0]) >= RANGE_UIDS


def test_a_process_of_an_inner_user_is_of_that_range_on_the_host(shared_docker: Machine) -> None:
    made = "cd ~; touch y; chown 33:33 y; stat -c %u:%g y; rm y"
    assert typed(shared_docker, made).text == "33:33\n"
    said = typed(shared_docker, "docker run -d --name away --user 33:33 debian sleep 59", 30)
    assert said.code == 0, said.text
    top = ["docker", "top", shared_docker.container_id, "-eo", "pid,uid,args"]
    lines = subprocess.check_output(top, text=True).splitlines()
    typed(shared_docker, "docker rm -f away", 30)
    (line,) = [line for line in lines if "sleep 59" in line]
    assert int(line.split()[1]) == first_uid(data_volume(shared_docker)) + 32


def test_the_seeds_images_hold_no_file_of_nobody(shared_docker: Machine) -> None:
    find = "find /bin /etc /home /lib /opt /root /srv /usr /var -user 65534 -o -group 65534 2>/dev/null"
    for image in ("debian", "nginx:alpine", "redis", "registry:2", "alpine"):
        look = f"docker run --rm --entrypoint sh {image} -c '{find}'"
        assert typed(shared_docker, look, 30).text == "", image


def test_the_seed_belongs_to_the_one_id_that_all_machines_share() -> None:
    api = docker.from_env().api
    root = Path(api.inspect_volume(seed_volume())["Mountpoint"])
    api.close()
    if not root.exists():
        pytest.skip("not run: the engine's files are not on this host, or not readable")
    find = [
        "find",
        f"{root}/overlay2",
        "-path",
        "*/diff/*",
        "-not",
        "-uid",
        "1000",
        "-print",
        "-quit",
    ]
    assert subprocess.check_output(find, text=True) == ""


@pytest.fixture
def owner() -> Iterator[str]:
    name = assembly.object_name("uid-range-test", "laptop")
    yield name
    assembly.remove_owned("uid-range-test")


def test_a_second_worker_finds_the_same_volume_and_a_taken_one_is_passed_over(owner: str) -> None:
    labels = assembly.labels_of("uid-range-test", "laptop")
    wanted = reserve_volume(owner, labels, GIB)
    assert reserve_volume(owner, labels, GIB) == wanted
    engine.remove_object("volume", wanted)
    stranger = engine.create_bounded_volume(wanted, labels | {OWNER_LABEL: "somebody"}, GIB)
    assert stranger[OWNER_LABEL] == "somebody"
    number = int(wanted.removeprefix(uid_ranges.VOLUME_PREFIX))
    assert reserve_volume(owner, labels, GIB).endswith(f"-{(number + 1) % uid_ranges.RANGES}")


def test_the_last_range_ends_where_ids_do() -> None:
    last = first_uid(f"{uid_ranges.VOLUME_PREFIX}{uid_ranges.RANGES - 1}")
    assert last + RANGE_UIDS <= 2**31
