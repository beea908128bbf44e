"""Sandboxes for tests without an engine."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import redis
from django.conf import settings
from django.test import Client
from django.utils import timezone

from classroom.models import User
from sandbox import estimates, examination, hosts, pool, preview_links
from sandbox.models import Host, Machine, Sandbox, State, make_sandbox_id
from sandbox.promises import PROMISES
from sandbox.specs import MachineSpec, SandboxSpec
from sandbox.tests.port_engine import PortEngine

GIB = 1024**3


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process keeps of its database is another database's in the next test."""
    monkeypatch.setattr(pool, "_noted", {})
    monkeypatch.setattr(estimates, "_kept", {})


@pytest.fixture
def learner(db: None) -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.create_user("bob")


@pytest.fixture
def own(learner: User) -> Client:
    client = Client(HTTP_HOST="localhost:8000")
    client.force_login(learner)
    return client


@pytest.fixture
def strangers(stranger: User) -> Client:
    client = Client(HTTP_HOST="localhost:8000")
    client.force_login(stranger)
    return client


@pytest.fixture
def host(db: None) -> Host:
    """A host with a worker that answered just now, and 8 GiB."""
    return Host.objects.create(
        name=hosts.NAME,
        kernel_release="6.1.0-test",
        boot_id="51d0c2e8",
        memory_bytes=8 * GIB,
        seen_at=timezone.now(),
    )


@pytest.fixture
def examined(host: Host) -> Callable[..., Host]:
    """Write an examination that found everything kept, but for what is named."""

    def examine(**verdicts: str) -> Host:
        found = {promise.id: "kept" for promise in PROMISES}
        found |= {name.replace("_", "-"): verdict for name, verdict in verdicts.items()}
        host.examination = {
            "at": timezone.now().isoformat(),
            "engine": host.engine_digest,
            "engine_version": "20.10.0",
            "settings": examination.settings_digest(),
            "facts": hosts.engine_facts({"ServerVersion": "20.10.0", "Runtimes": {"runc": {}}}),
            "findings": {
                name: {"verdict": verdict, "evidence": f"seen <{name}>"}
                for name, verdict in found.items()
            },
        }
        host.save()
        return host

    return examine


@pytest.fixture
def spec() -> SandboxSpec:
    return SandboxSpec(machines=(MachineSpec(name="laptop", kind="shell"),))


@pytest.fixture
def fresh_rates() -> None:
    """Forget who started how often."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()


@pytest.fixture
def no_objects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An engine that has nothing; records the sandboxes whose objects were to be removed."""
    removed: list[str] = []
    for name in ("remove_objects", "remove_owned"):
        monkeypatch.setattr(f"sandbox.assembly.{name}", lambda pk: removed.append(pk) or 0)
    return removed


@pytest.fixture
def dispatched() -> Iterator[list[tuple[str, str]]]:
    """What would have gone to the workers, as (task, sandbox id)."""
    sent: list[tuple[str, str]] = []

    def send(name: str, args: list[Any]) -> None:
        sent.append((name.rpartition(".")[2], args[0] if args else ""))

    def hand_over(sandbox_id: str) -> None:
        sent.append(("hand_over", sandbox_id))

    with (
        patch("sandbox.dispatch.current_app.send_task", send),
        patch("sandbox.dispatch.hand_over", hand_over),
    ):
        yield sent


@pytest.fixture
def make_sandbox(learner: User, spec: SandboxSpec) -> Any:
    """Write a sandbox row in any state, with its machine."""

    def make(state: str = State.READY, **fields: Any) -> Sandbox:
        now = timezone.now()
        values = {
            "id": make_sandbox_id(),
            "learner": learner,
            "course": "course",
            "lesson": "lesson",
            "state": state,
            "spec": spec.model_dump(mode="json"),
            "memory_bytes": 256 * 1024**2,
            "started_at": now,
            "heartbeat_at": now,
            "last_seen_at": now,
            "expires_at": now + timedelta(hours=1),
        }
        sandbox = Sandbox.objects.create(**(values | fields))
        Machine.objects.create(
            sandbox=sandbox,
            position=0,
            name="laptop",
            kind="shell",
            container_id="f" * 64,
            ready=state in (State.READY, State.EXPIRING),
        )
        return sandbox

    return make


@pytest.fixture
async def port_engine(settings: Any) -> AsyncIterator[PortEngine]:
    """An engine whose machines' ports are this host's own."""
    engine = PortEngine()
    with tempfile.TemporaryDirectory(prefix="slipway-engine-") as folder:
        path = Path(folder) / "sock"
        await engine.listen(path)
        settings.DOCKER_HOST = f"unix://{path}"
        yield engine
        await engine.end()


@pytest.fixture
async def preview_of(make_sandbox: Any) -> Callable[[int], Awaitable[str]]:
    """Opens the preview of a port of a machine that is up; gives its host."""
    sandbox = await asyncio.to_thread(make_sandbox)

    async def preview(port: int) -> str:
        url = await asyncio.to_thread(
            preview_links.open_link, sandbox, "laptop", port, site_host="localhost:8000"
        )
        return url.removeprefix("http://").rstrip("/")

    return preview


@pytest.fixture
async def open_app(port_engine: PortEngine, preview_of: Any) -> Callable[[Any], Awaitable[str]]:
    """Runs an app in the machine; gives the host of its preview."""

    async def opened(app: Any) -> str:
        return str(await preview_of(await port_engine.serve(app)))

    return opened
