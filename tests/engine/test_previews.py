"""Previews of real machines: pages, ports that are shut, large bodies, ends in the middle."""

import asyncio
import hashlib
import json
import os
import socket
import subprocess
from collections.abc import Callable

import pytest
from django.utils import timezone

from sandbox import lifecycle, namespaces, preview_links, preview_relay
from sandbox.models import Machine, Preview
from sandbox.specs import MachineSpec
from sandbox.tests.visits import Visit
from tests.engine.conftest import Start
from tests.engine.probes import as_learner

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]
PORT = 5000
MIB = 1024 * 1024
# /sum tells the digest of the body, /big gives 10 MiB, /stream never ends, /never never begins.
APP = r"""
import hashlib, http.server, json, time
class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def say(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "own=1; Domain=localhost")
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if self.path == "/big":
            self.say(bytes(i % 251 for i in range(1048573)) * 10)
        elif self.path == "/never":
            time.sleep(600)
        elif self.path == "/stream":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while True:
                self.wfile.write(b"4\r\ntick\r\n")
                time.sleep(0.05)
        else:
            told = {"path": self.path, "host": self.headers["Host"], "from": self.client_address[0]}
            self.say(json.dumps(told).encode())
    def do_POST(self):
        digest, left = hashlib.sha256(), int(self.headers["Content-Length"])
        while left:
            data = self.rfile.read(min(left, 65536))
            left -= len(data)
            digest.update(data)
        self.say(digest.hexdigest().encode())
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", 5000), App).serve_forever()
"""
RUN_APP = f"""cat >/tmp/app.py <<'APP'
{APP}
APP
setsid python3 /tmp/app.py >/tmp/app.log 2>&1 </dev/null &
for _ in $(seq 100); do ss -ltn | grep -q :{PORT} && exit 0; sleep 0.1; done; cat /tmp/app.log; exit 1
"""


def preview_of(machine: Machine, port: int) -> str:
    """The host of a port's preview."""
    url = preview_links.open_link(
        machine.sandbox, machine.name, port, site_host=preview_links.settings.PREVIEW_HOST
    )
    return url.removeprefix("http://").rstrip("/")


@pytest.fixture
def served(shell: Machine) -> Machine:
    """A `shell` machine in which the app runs."""
    done = as_learner(shell, RUN_APP)
    assert done.code == 0, done.text
    return shell


@pytest.fixture
def by_exec(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a console that is not root, or not beside its engine."""

    async def no_way(container_id: str, port: int) -> None:
        return None

    monkeypatch.setattr(namespaces, "connect", no_way)


@pytest.fixture
def host(served: Machine) -> str:
    return preview_of(served, PORT)


def tunnels_in(machine: Machine) -> int:
    """How many tunnels run in the machine, counted from outside."""
    top = ["docker", "top", machine.container_id, "-eo", "pid,args"]
    said = subprocess.run(top, capture_output=True, text=True, check=True).stdout
    return said.count("slipway-init connect")


async def until(count: Callable[[], int], wanted: int, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while await asyncio.to_thread(count) != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.2)


async def test_a_page_of_a_shell_machine_is_shown(host: str) -> None:
    for number in range(3):
        visit = await Visit(host, f"/a/../{number}?q=@").end()
        assert visit.status == 200, bytes(visit.body)
        told = json.loads(visit.body)
        assert told == {"path": f"/a/../{number}?q=@", "host": host, "from": "127.0.0.1"}
        assert visit.values(b"set-cookie") == [b"own=1"]


@pytest.mark.usefixtures("by_exec")
async def test_requests_after_one_another_share_a_tunnel(served: Machine, host: str) -> None:
    for _ in range(5):
        assert (await Visit(host).end()).status == 200
    assert await asyncio.to_thread(tunnels_in, served) == 1


def test_a_published_port_of_a_docker_machine_is_shown(start: Start) -> None:
    machine = start(MachineSpec(name="laptop", kind="docker")).machines.get()
    host = preview_of(machine, 8080)

    async def seen() -> Visit:
        return await Visit(host).end()

    before = asyncio.run(seen())
    assert (before.status, b"Nothing answers on port 8080" in before.body) == (502, True)
    run = as_learner(machine, "docker run -d --name web -p 8080:80 nginx:alpine && sleep 1", 60)
    assert run.code == 0, run.text
    page = asyncio.run(seen())
    assert page.status == 200
    assert b"nginx" in page.body


async def test_a_port_nobody_listens_on_gets_a_clear_page(shell: Machine) -> None:
    host = await asyncio.to_thread(preview_of, shell, 5999)
    visit = await Visit(host).end()
    assert (visit.status, visit.complete) == (502, True)
    assert b"Nothing answers on port 5999 of laptop." in visit.body


@pytest.mark.parametrize("port", [2375, 2376])
def test_the_engines_ports_are_not_handed_out(shell: Machine, port: int) -> None:
    with pytest.raises(preview_links.BadRequest):
        preview_of(shell, port)
    assert not Preview.objects.exists()


@pytest.mark.parametrize("kind", ["shell", "docker"])
def test_a_port_of_the_platform_is_not_a_port_of_the_machine(start: Start, kind: str) -> None:
    """A port that this host has open on all its addresses, the gateway's among them."""
    machine = start(MachineSpec(name="laptop", kind=kind)).machines.get()

    async def seen() -> Visit:
        greeted = 0

        async def hosts_own(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal greeted
            greeted += 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhost")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(hosts_own, "0.0.0.0", 0)
        port = server.sockets[0].getsockname()[1]
        _, probe = await asyncio.open_connection("127.0.0.1", port)
        probe.close()
        await asyncio.sleep(0.1)
        assert greeted == 1, "it is open"
        host = await asyncio.to_thread(preview_of, machine, port)
        gateway = Visit(host, "http://172.17.0.1:2375/version")
        assert (await gateway.end()).status == 400
        visit = await Visit(host).end()
        assert greeted == 1
        server.close()
        return visit

    visit = asyncio.run(seen())
    assert visit.status == 502
    assert b"Nothing answers" in visit.body


@pytest.mark.parametrize("way", ["namespace", "exec"])
async def test_ten_megabytes_go_up_and_come_down(
    served: Machine, host: str, way: str, request: pytest.FixtureRequest
) -> None:
    if way == "exec":
        request.getfixturevalue("by_exec")
    elif not await namespaces.connect(served.container_id, PORT):
        pytest.skip(
            "this process may not enter network namespaces: not root, or an engine elsewhere"
        )
    body = [bytes([number % 256]) * 65536 for number in range(160)]
    length = (b"content-length", str(10 * MIB).encode())
    up = await Visit(host, "/", length, method="POST", body=body).end(120)
    assert up.body == hashlib.sha256(b"".join(body)).hexdigest().encode()
    down = await Visit(host, "/big").end(120)
    assert down.complete
    assert down.body == bytes(i % 251 for i in range(1048573)) * 10


@pytest.mark.usefixtures("by_exec")
async def test_twenty_requests_at_once_each_get_their_own_answer(
    served: Machine, host: str
) -> None:
    visits = await asyncio.gather(*(Visit(host, f"/{n}").end(60) for n in range(20)))
    assert [json.loads(visit.body)["path"] for visit in visits] == [f"/{n}" for n in range(20)]
    await until(lambda: tunnels_in(served), 4)


@pytest.mark.parametrize("path", ["/stream", "/never"])
@pytest.mark.usefixtures("by_exec")
async def test_browsers_that_leave_leave_no_process_behind(
    served: Machine, host: str, path: str
) -> None:
    visits = [Visit(host, path).begin() for _ in range(3)]
    await until(lambda: tunnels_in(served), 3)
    if path == "/stream":
        await asyncio.gather(*(visit.until(4) for visit in visits))
    for visit in visits:
        visit.leave()
        await visit.end()
    await until(lambda: tunnels_in(served), 0)


async def test_a_socket_in_the_machines_namespace_needs_no_process_there_and_is_closed(
    served: Machine, host: str
) -> None:
    if not (probe := await namespaces.connect(served.container_id, PORT)):
        pytest.skip(
            "this process may not enter network namespaces: not root, or an engine elsewhere"
        )
    probe.close()
    visits = [Visit(host, "/stream").begin() for _ in range(3)]
    await asyncio.gather(*(visit.until(4) for visit in visits))
    assert await asyncio.to_thread(tunnels_in, served) == 0
    look = f"ss -Htn state established dport = :{PORT} | wc -l"

    def connections() -> int:
        return int(as_learner(served, look).text.strip())

    assert await asyncio.to_thread(connections) == 3
    for visit in visits:
        visit.leave()
        await visit.end()
    await until(connections, 0)
    names = {name for _, name in socket.if_nameindex()}
    assert names - {"lo"}, "this process is where it was"


async def test_the_process_of_another_container_is_not_taken_for_the_machines(
    shell: Machine,
) -> None:
    other = Machine(container_id="f" * 64)
    assert await namespaces.connect(other.container_id, PORT) is None
    assert namespaces._with_process(os.getpid(), shell.container_id, lambda _: True) is None


async def test_the_end_of_the_sandbox_cuts_a_stream_and_the_preview_is_over(
    served: Machine, host: str
) -> None:
    visit = Visit(host, "/stream").begin()
    await visit.until(8)
    await asyncio.to_thread(lifecycle.destroy_now, served.sandbox)
    await visit.end()
    assert (visit.status, visit.complete) == (200, False)
    after = await Visit(host).end()
    assert (after.status, b"This preview is over." in after.body) == (404, True)


@pytest.mark.parametrize("field", ["revoked_at", "expires_at"])
async def test_a_preview_that_is_over_shows_its_page_and_cuts_what_streams(
    served: Machine, host: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_relay, "CHECK_SECONDS", 0.2)
    assert (await Visit(host).end()).status == 200
    visit = Visit(host, "/stream").begin()
    await visit.until(8)
    if field == "revoked_at":
        await asyncio.to_thread(preview_links.revoke, served.sandbox, "laptop", PORT)
    else:
        await Preview.objects.aupdate(expires_at=timezone.now())
    after = await Visit(host).end()
    assert (after.status, b"This preview is over." in after.body) == (404, True)
    await visit.end()
    assert (visit.status, visit.complete) == (200, False)


async def test_a_machine_that_died_says_so(served: Machine, host: str) -> None:
    await asyncio.to_thread(
        subprocess.run, ["docker", "kill", served.container_id], check=True, capture_output=True
    )
    visit = await Visit(host).end()
    assert (visit.status, b"A machine stopped" in visit.body) == (503, True)
