"""Terminals of a whole site: killed consoles, abuse that others must not feel, events, files."""

import contextlib
import json
import os
import re
import signal
import socket
import struct
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from bench.terminal_clients import TEXT, Slipway, WebSocket, until
from config.supervise import allow_many_connections
from tests.engine.site_learners import Learner, eventually, learners
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=45)]
PROMPT = b"\x1b]133;B\x07"
# Enough for one learner to have half of a thousand; the usual 32 is the unit tests' subject.
SOCKETS_PER_LEARNER = 500
# What somebody who sits at another terminal would call a hang.
FELT_SECONDS = 2


class Open:
    """Opens terminals of one learner's machine by name."""

    def __init__(self, site: Site, person: Learner) -> None:
        self.person, self.sandbox = person, person.ready()
        self.sockets = f"{site.url.replace('http', 'ws', 1)}/ws/sandboxes/{self.sandbox}"

    def __call__(self, name: str = "main", query: str = "") -> Slipway:
        token = self.person.headers["Authorization"].split()[1]
        return Slipway(f"{self.sockets}/machines/box/terminals/{name}", token, query)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = {
        "TERMINAL_RECORDING": "true",
        "TERMINAL_SOCKETS_PER_LEARNER": str(SOCKETS_PER_LEARNER),
    }
    with running_site(tmp_path_factory.mktemp("terminals"), **settings) as running:
        yield running


@pytest.fixture(scope="module")
def people(site: Site) -> list[Learner]:
    return learners(site, "abuser", "neighbour", "idler")


@pytest.fixture(scope="module")
def openers(site: Site, people: list[Learner]) -> Iterator[list[Open]]:
    made = [Open(site, person) for person in people]
    yield made
    for opened in made:
        opened.person.stop(opened.sandbox)


@pytest.fixture
def neighbour(openers: list[Open]) -> Iterator[Callable[[], float]]:
    """Seconds until somebody else's terminal answers a line."""
    client = openers[1]()
    client.say({"resize": [100, 30]})
    until(client, PROMPT)

    def answers() -> float:
        began = time.monotonic()
        client.write(b"echo neigh''bour\r")
        until(client, b"neighbour\r\n")
        return time.monotonic() - began

    yield answers
    client.close()


def closed_with(client: Slipway, seconds: float = 10) -> int:
    """Read on until the server closes; the code."""
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            client.read(1)
    except EOFError as error:
        return int(error.args[0]) if error.args else 1006
    raise AssertionError("not closed")


def test_vim_lives_on_and_the_output_goes_on_at_the_byte_after_a_kill(
    site: Site, openers: list[Open]
) -> None:
    count, vim = openers[0]("count"), openers[0]("vim")
    seen = until(count, PROMPT)
    until(vim, PROMPT)
    vim.write(b"vim -u NONE -c 'set laststatus=2 statusline=in-vim' notes\r")
    until(vim, b"in-vim")
    count.write(b"for n in $(seq 1 300); do echo number-$n; sleep 0.01; done; echo all-$((1+1))\r")
    seen += until(count, b"number-30\r\n")
    pids = [client.told[0]["hello"]["pid"] for client in (count, vim)]
    os.kill(site.child("uvicorn"), signal.SIGKILL)
    with contextlib.suppress(EOFError, OSError):
        while data := count.read(5):
            seen += data

    back: list[Slipway] = []

    def again() -> bool:
        with contextlib.suppress(ConnectionError):
            back.append(openers[0]("count", f"?after={len(seen)}"))
        return bool(back)

    eventually(again, 20, "the site does not come back")
    rest = until(back[0], b"all-2\r\n", 90)
    numbers = [int(n) for n in re.findall(rb"number-(\d+)\r\n", seen + rest)]
    assert numbers == list(range(1, 301)), f"{seen[-100:]!r} {rest[:100]!r}"
    vim_again = openers[0]("vim")
    until(vim_again, b"in-vim")
    assert [c.told[0]["hello"]["pid"] for c in (back[0], vim_again)] == pids
    vim_again.write(b"\x1b:q!\r")
    until(vim_again, PROMPT)  # what is typed before it vim would take with it
    vim_again.write(b"exit\r")
    assert closed_with(vim_again) == 1000
    assert {"exit": 0} in vim_again.told
    back[0].write(b"exit\r")
    assert closed_with(back[0]) == 1000


def test_frames_that_are_none_end_the_socket_and_nothing_else(
    site: Site, openers: list[Open], neighbour: Callable[[], float]
) -> None:
    before = site.child("uvicorn")
    bad_texts = [
        (b"{", 1008),
        (b"[]", 1008),
        (b'{"resize": [-1, 24]}', 1008),
        (b'{"resize": [80, 1000000000]}', 1008),
        (b'{"resize": "wide"}', 1008),
        (b'{"ack": true}', 1008),
        (b"\xff\xfe", 1007),
        (b"[" * 60_000, 1008),
    ]
    for text, code in bad_texts:
        client = openers[0]()
        client.ws.send(text, TEXT)
        assert closed_with(client) == code, text[:40]
    client = openers[0]()
    client.ws.socket.sendall(struct.pack("!BBQ", 0x82, 0xFF, 65_537) + bytes(4) + b"x" * 65_537)
    assert closed_with(client) == 1009
    assert neighbour() < FELT_SECONDS
    assert site.child("uvicorn") == before


def test_a_flood_of_frames_is_slowed_and_then_ended(
    site: Site, openers: list[Open], neighbour: Callable[[], float]
) -> None:
    client, before = openers[0](), site.child("uvicorn")
    frame = struct.pack("!BB", 0x81, 0x80 | 9) + bytes(4) + b'{"ack":0}'
    client.ws.socket.settimeout(0.2)
    began, sent, felt = time.monotonic(), 0, 0.0
    try:
        while time.monotonic() - began < 20:
            with contextlib.suppress(TimeoutError):
                client.ws.socket.sendall(frame * 1000)
                sent += 1000
            if sent % 10_000 == 0:
                felt = max(felt, neighbour())
            time.sleep(0.1)
    except OSError:
        pass
    else:
        pytest.fail("a client may send 10,000 frames a second for ever")
    assert felt < FELT_SECONDS
    assert site.child("uvicorn") == before


def test_one_learner_has_so_many_sockets_and_thousands_that_are_idle_hurt_nobody(
    site: Site, openers: list[Open], neighbour: Callable[[], float]
) -> None:
    allow_many_connections()
    # A thousand that are signed in, on the machines of two learners, and do nothing.
    sitting = [opened() for opened in (openers[0], openers[2]) for _ in range(SOCKETS_PER_LEARNER)]
    assert neighbour() < FELT_SECONDS
    for client in sitting:
        client.read(10)
        assert "hello" in client.told[0], "closed, or never answered"
    assert [closed_with(openers[0]()) for _ in range(50)] == [4429] * 50
    assert neighbour() < FELT_SECONDS
    address = site.url.replace("http", "ws", 1) + f"/ws/sandboxes/{'a' * 12}/events"
    idle = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(700)]
    strangers = [WebSocket(address, {}) for _ in range(100)]
    assert neighbour() < FELT_SECONDS
    for stranger in strangers:
        with pytest.raises(EOFError) as closed:
            stranger.frames(5)
        assert closed.value.args[0] == 4401
    for connection in (*sitting, *strangers, *idle):
        connection.close()


def test_commands_are_events(site: Site, people: list[Learner], openers: list[Open]) -> None:
    events = WebSocket(openers[0].sockets + "/events", people[0].headers)
    client = openers[0]("told")
    until(client, PROMPT)
    client.write("false 'é; 50%'\r".encode())
    found = {}
    end = time.monotonic() + 10
    while "command" not in found and time.monotonic() < end:
        for _, data in events.frames(2):
            event = json.loads(data)
            found[event["type"]] = event
    assert found["terminal"] == {
        "type": "terminal", "change": "opened", "machine": "box", "terminal": "told",
        "title": "told",
    }  # fmt: skip
    assert found["command"] | {"seconds": 0} == {
        "type": "command", "machine": "box", "terminal": "told", "command": "false 'é; 50%'",
        "exit": 1, "seconds": 0,
    }  # fmt: skip
    client.close()
    events.close()


def test_what_was_shown_is_kept_for_its_learner_only(
    site: Site, people: list[Learner], openers: list[Open]
) -> None:
    client = openers[0]("kept")
    until(client, PROMPT)
    assert client.told[0]["hello"]["recording"] is True
    client.write(b"echo remember-$((40 + 2)); exit\r")
    assert closed_with(client) == 1000

    def kept() -> list[str]:
        listed = people[0].call("GET", "/recordings")
        return [row["id"] for row in listed if row["terminal"] == "kept"]

    eventually(kept, 10, "no recording")
    address = f"{site.url}/api/v1/recordings/{kept()[0]}"
    with urllib.request.urlopen(
        urllib.request.Request(address, headers=people[0].headers)
    ) as answer:
        header, *lines = [json.loads(line) for line in answer.read().splitlines()]
    assert header["version"] == 2
    assert "remember-42" in "".join(line[2] for line in lines)
    others = people[1].call("GET", "/recordings")
    assert "kept" not in [row["terminal"] for row in others]
