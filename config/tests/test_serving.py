"""What servers run is settled for a long life; what tests import is not."""

import subprocess
import sys

LOOK = """
import gc
from django.conf import settings
import config.{module}
from courses import catalogue
print(gc.get_freeze_count() > 100_000, gc.get_threshold()[0] > 1000, bool(catalogue._entries))
"""


def look(module: str) -> str:
    code = LOOK.format(module=module)
    return subprocess.check_output([sys.executable, "-c", code], text=True).strip()


def test_a_servers_process_has_its_courses_and_keeps_the_collector_from_them() -> None:
    assert look("serving") == "True True True"


def test_other_processes_are_as_python_makes_them() -> None:
    assert look("asgi") == "False False False"
