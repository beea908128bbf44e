"""Clients of the engine: one borrower each, used again, closed when something broke."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.clients import KEPT, Clients


class Client:
    def __init__(self, address: str) -> None:
        self.address = address
        self.is_open = True

    def close(self) -> None:
        self.is_open = False


@pytest.fixture
def made() -> list[Client]:
    return []


@pytest.fixture
def clients(made: list[Client]) -> Clients:
    def make(address: str) -> Client:
        made.append(Client(address))
        return made[-1]

    return Clients(make)


def test_calls_one_after_another_use_one_client(clients: Clients, made: list[Client]) -> None:
    """Whatever thread they come from."""

    def borrow() -> bool:
        with clients.lent("a") as client:
            return bool(client.is_open)

    for _ in range(20):
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(borrow).result()
    assert len(made) == 1


def test_two_borrowers_at_a_time_have_one_each_and_no_more_are_kept_than_needed(
    clients: Clients, made: list[Client]
) -> None:
    count = KEPT + 8
    all_in = threading.Barrier(count, timeout=20)
    had: list[Client] = []

    def borrow(_: int) -> None:
        with clients.lent("a") as client:
            had.append(client)
            all_in.wait()

    with ThreadPoolExecutor(count) as threads:
        list(threads.map(borrow, range(count)))
    assert len({id(client) for client in had}) == count
    assert sum(client.is_open for client in made) == KEPT


def test_a_call_that_broke_loses_its_client_only(clients: Clients, made: list[Client]) -> None:
    with clients.lent("a") as first, clients.lent("a") as second:
        pass
    with pytest.raises(OSError, match="broke"), clients.lent("a") as taken:
        raise OSError("broke")
    assert not taken.is_open
    with clients.lent("a") as other:
        assert other.is_open
    assert {first, second} == {taken, other}
    assert len(made) == 2


def test_engines_are_kept_apart_and_forgotten(clients: Clients, made: list[Client]) -> None:
    with clients.lent("a"), clients.lent("b"):
        pass
    clients.forget("a")
    clients.forget("nobody")
    assert [(client.address, client.is_open) for client in made] == [("a", False), ("b", True)]


def test_a_client_that_can_not_be_made_leaves_nothing() -> None:
    def make(_: str) -> Client:
        raise OSError("no engine")

    clients = Clients(make)
    with pytest.raises(OSError, match="no engine"), clients.lent("a"):
        pytest.fail("there is no client")
