"""Terminals of a whole site: killed consoles, people who leave, events, recordings."""

import contextlib
import json
import os
import re
import signal
import time
import urllib.request
from collections.abc import Iterator

import pytest

from bench.terminal_clients import Slipway, WebSocket, until
from tests.engine.site_learners import Learner, eventually, learners
from tests.engine.site_terminals import PROMPT, Open, SignedIn, closed_with
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=45)]
DEACTIVATE = (
    "from classroom.models import User; User.objects.filter(username=%r).update(is_active=False)"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("terminals"), TERMINAL_RECORDING="true") as running:
        yield running


@pytest.fixture(scope="module")
def people(site: Site) -> list[Learner]:
    return learners(site, "ada", "bob", "many")


@pytest.fixture(scope="module")
def openers(site: Site, people: list[Learner]) -> Iterator[list[Open]]:
    made = [Open(site, person) for person in people]
    yield made
    for opened in made:
        opened.person.stop(opened.sandbox)


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


@pytest.mark.parametrize("how", ["signed out", "deactivated"])
def test_who_has_signed_out_or_is_deactivated_loses_the_sockets_within_five_seconds(
    site: Site, how: str
) -> None:
    person = SignedIn(site, how.replace(" ", "-"))
    opened = Open(site, person)
    terminal, events = opened(), WebSocket(opened.sockets + "/events", person.headers)
    until(terminal, PROMPT)
    # Long enough for a look at the database, which leaves the signed-in alone.
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        terminal.write(b"echo still''here\r")
        until(terminal, b"stillhere")
        time.sleep(0.5)
    began = time.monotonic()
    if how == "signed out":
        person.post("/accounts/logout/")
    else:
        site.manage("shell", "-v", "0", "-c", DEACTIVATE % person.name)
    for connection in (terminal, events):
        assert closed_with(connection, began + 5 - time.monotonic()) == 4401


def test_one_learner_has_thirty_two_sockets(openers: list[Open]) -> None:
    clients = [openers[2]() for _ in range(50)]
    codes = []
    for client in clients:
        try:
            client.read(10)
            assert "hello" in client.told[0]
        except EOFError as error:
            codes.append(error.args[0])
    assert codes == [4429] * 18
    for client in clients:
        client.close()


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
