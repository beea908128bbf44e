"""Two threads that need the same thing first get the same one."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from sandbox import rates
from sandbox.made_once import made_once


def all_at_once(call: Callable[[], Any]) -> list[Any]:
    """What so many threads get that call in the same moment."""
    gate = threading.Barrier(8)

    def one(_: int) -> Any:
        gate.wait(10)
        return call()

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(one, range(8)))


def test_many_who_ask_first_get_the_same_one() -> None:
    made: list[object] = []

    @made_once
    def slow(name: str) -> object:
        time.sleep(0.05)  # all of them are inside now, if more than one can be
        made.append(object())
        return made[-1]

    found = all_at_once(lambda: slow("a"))
    assert len(made) == 1
    assert all(thing is made[0] for thing in found)
    assert slow("b") is not slow("a"), "another argument is another thing"


def test_starts_that_come_first_share_a_client_of_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one would be dropped, and close the connections that its thread is using."""
    made: list[str] = []

    class Client:
        @staticmethod
        def from_url(url: str) -> object:
            made.append(url)
            time.sleep(0.05)
            return object()

    monkeypatch.setattr(redis, "Redis", Client)
    assert len(set(map(id, all_at_once(lambda: rates._client("redis://test.invalid"))))) == 1
    assert made == ["redis://test.invalid"]
