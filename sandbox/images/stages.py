"""Progress lines of the build, one per stage, and the error that ends it."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_printing = threading.Lock()


class BuildError(Exception):
    """The build can't go on. `hint` says what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def note(text: str) -> None:
    """One line for whoever watches; stages of two threads never share a line."""
    with _printing:
        print(text, flush=True)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Print `name` with its seconds when the block ends, and say so when it failed."""
    started = time.monotonic()
    try:
        yield
    except BaseException:
        with _printing:
            print(
                f"  {name}: failed after {time.monotonic() - started:.1f} s",
                file=sys.stderr,
                flush=True,
            )
        raise
    note(f"  {name}: {time.monotonic() - started:.1f} s")
