"""What a process makes when it is first needed, and keeps."""

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Made = TypeVar("Made")


def made_once(make: Callable[..., Made]) -> Callable[..., Made]:
    """`functools.cache` that never makes two, whichever threads ask first.

    The cache alone lets both make one and drops the first: a client of Redis that is dropped
    closes its connections, also those that the other thread is using just then.
    """
    kept = functools.cache(make)
    making = threading.Lock()

    @functools.wraps(make)
    def get(*arguments: Any) -> Made:
        with making:
            return kept(*arguments)

    return get
