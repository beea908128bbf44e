"""The second engine itself: what fault tests rely on."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import engine, hosts
from sandbox.errors import EngineDown
from sandbox.images import image_ref
from tests.engine.second_engine import SecondEngine, second_engine

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=40)]


@pytest.fixture(scope="module")
def second() -> Iterator[SecondEngine]:
    with second_engine() as made:
        made.copy_image(image_ref("shell"))
        yield made


def first_engines() -> tuple[str, str]:
    """Id of the usual engine, and the address on its bridge."""
    said = subprocess.check_output(["docker", "info", "--format={{.ID}}"], text=True)
    return said, subprocess.check_output(["ip", "-4", "addr", "show", "docker0"], text=True)


def begin(second: SecondEngine) -> str:
    entry = ["--entrypoint=/bin/sleep", "--network=none"]
    return second.docker("run", "--detach", *entry, image_ref("shell"), "987654").strip()


def running(second: SecondEngine, container: str) -> bool:
    return second.docker("inspect", "--format={{.State.Running}}", container).strip() == "true"


def test_it_is_another_engine_and_leaves_the_usual_one_alone(second: SecondEngine) -> None:
    before = first_engines()
    with second.used_by_slipway():
        assert engine.info()["ID"] != before[0].strip()
        assert engine.image_exists(image_ref("shell"))
        second.docker("volume", "create", "only-here")
        assert engine.volume_exists("only-here")
    assert not engine.volume_exists("only-here")
    second.restart()
    assert first_engines() == before


def test_a_container_outlives_a_killed_engine_until_the_next_one(second: SecondEngine) -> None:
    container = begin(second)
    second.kill()
    with second.used_by_slipway(), pytest.raises(EngineDown):
        engine.info()
    assert "sleep 987654" in processes()
    second.start()
    assert not running(second, container)
    second.docker("rm", container)


def test_names_stand_for_images_that_were_not_copied(second: SecondEngine) -> None:
    with second.used_by_slipway():
        second.docker("rmi", image_ref("docker"), check=False)
        assert hosts.missing_images()
        second.name_other_images()
        assert hosts.missing_images() == []


def test_nothing_is_left_of_it() -> None:
    with second_engine() as made:
        made.copy_image(image_ref("shell"))
        begin(made)
        folder = made.folder
        assert str(folder) in processes()
    assert not folder.exists()
    assert str(folder) not in processes()
    assert str(folder) not in Path("/proc/mounts").read_text(encoding="utf-8")


def processes() -> str:
    return subprocess.check_output(["ps", "-eo", "args"], text=True)
