"""Abuse of terminals' sockets: refused or slowed with the right code, and not felt next door."""

import re
import socket
import struct
import time
from collections.abc import Iterator

import pytest

from bench.terminal_clients import TEXT, Slipway, WebSocket, until
from config.supervise import allow_many_connections
from sandbox.socket_limits import BURST, PER_SECOND
from tests.engine.site_learners import learners
from tests.engine.site_terminals import PROMPT, Echoes, Open, closed_with
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=45)]
# Enough for one learner to have half of a thousand; the usual 32 is test_terminal_site's subject.
SOCKETS_PER_LEARNER = 500
# What somebody who sits at another terminal would not notice: a tenth of a second.
FELT_SECONDS = 0.1
FLOOD_PER_SECOND = 10_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = {"TERMINAL_SOCKETS_PER_LEARNER": str(SOCKETS_PER_LEARNER)}
    with running_site(tmp_path_factory.mktemp("abuse"), **settings) as running:
        yield running


@pytest.fixture(scope="module")
def openers(site: Site) -> Iterator[list[Open]]:
    made = [Open(site, person) for person in learners(site, "abuser", "neighbour", "idler")]
    yield made
    for opened in made:
        opened.person.stop(opened.sandbox)


@pytest.fixture
def echoes(site: Site, openers: list[Open]) -> Iterator[Echoes]:
    """Somebody else's terminal while a block runs; the attack is not felt there, the process lives."""
    before = site.child("uvicorn")
    client = openers[1]()
    client.say({"resize": [100, 30]})
    until(client, PROMPT)
    taken = Echoes(client)
    yield taken
    client.write(b"\x15")
    client.close()
    print(
        f"neighbour: {len(taken.seconds)} echoes, p95 {taken.p95():.3f}, most {max(taken.seconds):.3f} s"
    )
    assert taken.p95() < FELT_SECONDS
    assert site.child("uvicorn") == before


BAD_TEXTS = [
    (b"{", 1008),
    (b"[]", 1008),
    (b'{"resize": [-1, 24]}', 1008),
    (b'{"resize": [80, 1000000000]}', 1008),
    (b'{"resize": "wide"}', 1008),
    (b'{"ack": true}', 1008),
    (b"\xff\xfe", 1007),
    (b"[" * 60_000, 1008),
]


def test_frames_that_are_none_end_the_socket_and_nothing_else(
    openers: list[Open], echoes: Echoes
) -> None:
    with echoes:
        while not echoes.enough:
            for text, code in BAD_TEXTS:
                client = openers[0]()
                client.ws.send(text, TEXT)
                assert closed_with(client) == code, text[:40]
            client = openers[0]()
            head = struct.pack("!BBQ", 0x82, 0xFF, 65_537)
            client.ws.socket.sendall(head + bytes(4) + b"x" * 65_537)
            assert closed_with(client) == 1009


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack("!BB", 0x81, 0x80 | 9) + bytes(4) + b'{"ack":0}',
        struct.pack("!BB", 0x82, 0x80 | 1) + bytes(4) + b"x",
    ],
    ids=["text", "binary"],
)
def test_a_flood_of_frames_is_slowed_and_then_ended(
    openers: list[Open], echoes: Echoes, frame: bytes
) -> None:
    client = openers[0](f"flood-{frame[0]}")
    until(client, PROMPT)
    # A program that takes what is typed, so that nothing but the frames' number is too much.
    client.write(b"stty raw -echo; echo rea''dy; exec cat > ~/taken\r")
    until(client, b"ready")
    with echoes:
        code, seconds = flood(client, frame)
    assert code == 1008
    # Slowed, not only ended: what was sent beyond is in the connection's own buffers.
    assert typed_into(openers[0]()) <= BURST + 1.5 * PER_SECOND * seconds


def typed_into(client: Slipway) -> int:
    """Bytes that the program of the flooded terminal was given."""
    client.write(b'echo "tak""en=$(wc -c < ~/taken)."\r')
    found = re.search(rb"taken=(\d+)\.", until(client, b".\r\n"))
    client.close()
    assert found
    return int(found[1])


def flood(client: Slipway, frame: bytes) -> tuple[int | None, float]:
    """Send 10,000 frames a second, as far as they are taken, until the server closes.

    The code, None if it did not within 30 s, and after how many seconds.
    """
    client.ws.socket.setblocking(False)
    began, waiting, sent = time.monotonic(), b"", 0
    while (passed := time.monotonic() - began) < 30:
        # What was not sent is first: a frame that is cut would be another fault than the flood.
        while waiting or sent < passed * FLOOD_PER_SECOND * len(frame):
            waiting = waiting or frame * 1000
            try:
                count = client.ws.socket.send(waiting)
            except BlockingIOError:
                break
            waiting, sent = waiting[count:], sent + count
        try:
            client.read(0.01)
        except EOFError as error:
            return int(error.args[0]), passed
        client.ws.socket.setblocking(False)
    return None, passed


def test_a_thousand_sockets_that_are_idle_hurt_nobody(
    site: Site, openers: list[Open], echoes: Echoes
) -> None:
    allow_many_connections()
    with echoes:
        # A thousand that are signed in, on the machines of two learners, and do nothing.
        both = (openers[0], openers[2])
        sitting = [opened() for opened in both for _ in range(SOCKETS_PER_LEARNER)]
        for client in sitting:
            client.read(10)
            assert "hello" in client.told[0], "closed, or never answered"
        assert [closed_with(openers[0]()) for _ in range(50)] == [4429] * 50
        address = site.url.replace("http", "ws", 1) + f"/ws/sandboxes/{'a' * 12}/events"
        idle = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(700)]
        strangers = [WebSocket(address, {}) for _ in range(100)]
        assert [closed_with(stranger, 5) for stranger in strangers] == [4401] * 100
        for connection in (*sitting, *strangers, *idle):
            connection.close()
