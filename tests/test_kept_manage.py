"""Commands that tests run in a kept process do what `manage.py` does."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kept_manage import KeptManage


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptManage]:
    data: Path = tmp_path_factory.mktemp("data")
    started = KeptManage(os.environ | {"SLIPWAY_DATA": str(data)})
    started.run("migrate", "-v", "0")
    yield started
    started.end()


def test_each_command_begins_anew_and_its_output_is_returned(kept: KeptManage) -> None:
    count = "from classroom.models import User; print(User.objects.count())"
    add = "from classroom.models import User; User.objects.create_user('ada')"
    assert kept.run("shell", "-v", "0", "-c", count) == "0"
    kept.run("shell", "-v", "0", "-c", f"{add}; changed_here = True")
    assert kept.run("shell", "-v", "0", "-c", count) == "1"
    assert kept.run("shell", "-v", "0", "-c", "print('changed_here' in globals())") == "False"


def test_a_command_that_fails_says_so(kept: KeptManage) -> None:
    with pytest.raises(subprocess.CalledProcessError, match="nosuch"):
        kept.run("nosuch")
    with pytest.raises(subprocess.CalledProcessError):
        kept.run("shell", "-v", "0", "-c", "raise RuntimeError")
    assert kept.run("shell", "-v", "0", "-c", "print('still here')") == "still here"
