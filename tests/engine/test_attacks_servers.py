"""Servers beside a sandbox: a name server and another one by UDP, and databases on a bridge.

Each answers an open container. No kind of machine reaches one, alone or with others, by whatever way
its learner has; nor does what runs around a guest.
"""

import secrets
from collections.abc import Callable, Iterator

import pytest

from sandbox.models import Machine
from tests.engine.conftest import bare_sandbox
from tests.engine.probes import Outcome, as_root, unprotected
from tests.engine.reach import network_of
from tests.engine.screen import typed
from tests.engine.servers import (
    DATABASE_PORTS,
    OtherBridge,
    Server,
    dns_answer,
    dns_query,
    other_bridge,
    udp_server,
)
from tests.engine.vm_machine import around

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=75)]
PLACES = pytest.mark.parametrize(
    "place",
    [
        "shell",
        "docker",
        "outside",
        "shell alone",
        "docker alone",
        "outside alone",
        "guest",
        "around",
    ],
)
Run = Callable[[str], Outcome]
# With nothing but the shell, which a guest has as well. All at once: each may have to be waited for.
TRY = """talk() {{ {talk}; }}; export -f talk
try() {{
  said=$(timeout 4 bash -c 'exec 3<>/dev/$0/$1/$2 && talk' $* 2>/dev/null) && echo "$* $said"
}}
for a in {addresses}; do for p in {ports}; do try {protocol} $a $p & done; done; wait; echo tried"""


def tries(protocol: str, addresses: list[str], ports: list[int], talk: str) -> str:
    """A script that says "PROTOCOL ADDRESS PORT WORDS" of each that answered."""
    return TRY.format(
        protocol=protocol, addresses=" ".join(addresses), ports=" ".join(map(str, ports)), talk=talk
    )


@pytest.fixture(scope="module")
def sandbox() -> Iterator[dict[str, Machine]]:
    """One machine of each kind on a network of their own."""
    yield from bare_sandbox({"laptop": "shell", "server": "docker"})


@pytest.fixture
def run(request: pytest.FixtureRequest, sandbox: dict[str, Machine], place: str) -> Run:
    """Run a script at a place."""
    alone = place.endswith("alone")
    if place in ("guest", "around"):
        machine: Machine = request.getfixturevalue("shared_vm")
    elif place.startswith("shell"):
        machine = request.getfixturevalue("shared_shell") if alone else sandbox["laptop"]
    else:
        machine = request.getfixturevalue("shared_docker") if alone else sandbox["server"]
    way = as_root if place.startswith("outside") else typed

    def there(script: str) -> Outcome:
        if place == "around":
            return around(machine, "/bin/bash", "-c", script)
        return way(machine, script, 40)

    # A packet to oneself leaves from anywhere.
    said = there(tries("udp", ["127.0.0.1"], [9], "echo sent")).text
    assert said == "udp 127.0.0.1 9 sent\ntried\n", "the probe itself must work here"
    return there


@pytest.fixture(scope="module")
def bridge() -> Iterator[OtherBridge]:
    with other_bridge() as made:
        yield made


# Networks of other tests come and go; this host's address on the bridge is there all along.
@pytest.fixture(scope="module")
def echo(bridge: OtherBridge) -> Iterator[Server]:
    with udp_server(bytes) as server:
        yield server


@pytest.fixture(scope="module")
def names(bridge: OtherBridge) -> Iterator[Server]:
    try:
        with udp_server(dns_answer, 53) as server:
            yield server
    except OSError as error:
        pytest.skip(f"not run: this host has a name server of its own ({error.strerror})")


@PLACES
def test_no_udp_port_of_the_host_answers(
    run: Run, sandbox: dict[str, Machine], echo: Server, bridge: OtherBridge
) -> None:
    word = secrets.token_hex(8)
    talk = f"echo {word} >&3 && timeout 2 head -n 1 <&3 | grep {word}"
    gateway = network_of(sandbox["laptop"])[2]
    script = tries("udp", [*echo.addresses, gateway, "10.0.2.2"], [echo.port], talk)
    answered = unprotected(script, NetworkMode=bridge.name).text.splitlines()
    assert f"udp {bridge.host_address} {echo.port} {word}" in answered, "the probe itself must work"
    echo.asked.clear()
    assert run(script).text == "tried\n"
    assert echo.asked == [], "not even one way"


@PLACES
def test_databases_on_an_ordinary_bridge_do_not_answer(run: Run, bridge: OtherBridge) -> None:
    script = tries("tcp", [bridge.address], DATABASE_PORTS, "echo open")
    wanted = {f"tcp {bridge.address} {port} open" for port in DATABASE_PORTS}
    for network in ("host", bridge.name):
        answered = unprotected(script, NetworkMode=network).text.splitlines()
        assert {*answered} == {*wanted, "tried"}, "the probe itself must work"
    # As the engine of a `docker` machine takes a connection before it knows, something must be said.
    ask = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && timeout 2 head -n 1 <&3 | grep HTTP"
    script = tries("tcp", [bridge.address], DATABASE_PORTS, ask)
    assert "200" in unprotected(script, NetworkMode="host").text
    assert run(script).text == "tried\n"


LOOK_UP = """if type -p getent >/dev/null; then timeout 10 getent hosts {0}
else timeout 10 nslookup {0} 2>/dev/null | grep 198.51.100.7; fi; {1}"""


@PLACES
def test_no_name_is_looked_up_by_the_machines_resolver_or_by_asking_directly(
    run: Run, names: Server, bridge: OtherBridge, place: str
) -> None:
    """The name server has the host's own addresses, and answers for the whole world."""

    def script(name: str) -> str:
        query = "".join(f"\\x{byte:02x}" for byte in dns_query(name))
        talk = f"printf '{query}' >&3 && timeout 2 head -c 12 <&3 | wc -c | grep 12"
        return LOOK_UP.format(name, tries("udp", names.addresses, [53], talk))

    # No label of ten characters: its length would be a line's end, where the shell begins a packet.
    open_name, name = (f"{secrets.token_hex(8)}.example.org" for _ in range(2))
    open_way = {"NetworkMode": bridge.name, "Dns": [bridge.host_address]}
    proof = unprotected(script(open_name), **open_way).text
    assert f"198.51.100.7    {open_name}" in proof, "the probe itself must work"
    assert f"udp {bridge.host_address} 53 12" in proof, "the probe itself must work"
    assert [query for query in names.asked if open_name.partition(".")[0].encode() in query]
    assert run(script(name)).text == "tried\n"
    assert not [query for query in names.asked if name.partition(".")[0].encode() in query]
