"""Programs that the platform runs inside machines: Python with the standard library alone.

They go in on standard input (`python3 - ARGUMENTS`), like checks, and print one JSON object
a line, so that what happens can be shown while it happens.
"""

from functools import cache
from pathlib import Path

PYTHON = "/usr/bin/python3"


@cache
def source(name: str) -> bytes:
    """The text of the program `name`."""
    return (Path(__file__).parent / f"{name}.py").read_bytes()
