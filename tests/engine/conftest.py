"""Real machines for tests, and proof that none is left behind."""

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.db import connection

from classroom.models import User
from sandbox import assembly, egress_keeper, engine, hosts, lifecycle
from sandbox.errors import SandboxEngineError
from sandbox.models import Machine, Sandbox, make_sandbox_id
from sandbox.specs import MachineSpec, SandboxSpec

BUILD = "Run ./test engine, or python -m sandbox.images.build, as root."
Start = Callable[..., Sandbox]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What fault a test causes goes into the report, for `bench/faults.py`."""
    for item in items:
        if marker := item.get_closest_marker("fault"):
            item.user_properties.append(("fault", marker.args[0]))


@pytest.fixture(scope="session", autouse=True)
def engine_is_ready() -> Iterator[None]:
    """An engine with the machine images; never a silent skip. Afterwards nothing is left."""
    try:
        missing = hosts.missing_images()
    except SandboxEngineError as error:
        pytest.exit(f"{error.message} {BUILD}", returncode=1)
    if missing:
        pytest.exit(f"Missing: {', '.join(missing)}. {BUILD}", returncode=1)
    yield
    assert objects() == set()


# Sandbox ids of machines that a whole module shares; they come and go between tests.
_shared: set[str] = set()


def objects() -> set[tuple[str, str]]:
    """Containers, volumes and networks of this run's tests: (what, engine id)."""
    return {
        (what, found)
        for what, found, _name, labels in engine.objects_labelled(assembly.instance_label())
        # Egress proxies belong to the settings, not to a sandbox; their tests look after them.
        if labels.get("slipway.sandbox") not in _shared and egress_keeper.LABEL not in labels
    }


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Each test removes what it made, also what carries no label of ours."""
    before = objects()
    yield
    assert objects() - before == set()


@pytest.fixture
def dispatched() -> Iterator[list[str]]:
    """Work for the workers stays here; tests do it themselves."""
    sent: list[str] = []
    with (
        patch("sandbox.dispatch.current_app.send_task", lambda name, args: sent.append(name)),
        patch("sandbox.dispatch.hand_over", lambda sandbox_id: sent.append("hand_over")),
    ):
        yield sent


@pytest.fixture
def request_sandbox(transactional_db: None, dispatched: list[str]) -> Iterator[Start]:
    """Ask for a sandbox as a learner of its own; removed afterwards, whatever became of it."""
    hosts.refresh()
    made: list[Sandbox] = []

    def request(*machines: MachineSpec, **more: Any) -> Sandbox:
        learner = User.objects.create_user(f"learner-{make_sandbox_id()}")
        spec = SandboxSpec(machines=machines, **more)
        sandbox = lifecycle.request_start(learner, spec, course="c", lesson="l")
        made.append(sandbox)
        return sandbox

    yield request
    for sandbox in made:
        lifecycle.destroy_now(sandbox)
        assembly.remove_objects(sandbox.pk)
    connection.close()


@pytest.fixture
def start(request_sandbox: Start) -> Start:
    """A sandbox that is ready."""

    def started(*machines: MachineSpec, **more: Any) -> Sandbox:
        sandbox = lifecycle.create_now(request_sandbox(*machines, **more))
        assert sandbox.state == "ready", f"{sandbox.error_message} {sandbox.stages}"
        return sandbox

    return started


@pytest.fixture
def shell(start: Start) -> Machine:
    """The machine of a fresh sandbox of kind `shell`."""
    return start(MachineSpec(name="laptop", kind="shell")).machines.get()


def bare_sandbox(kinds: dict[str, str]) -> Iterator[dict[str, Machine]]:
    """Machines by name, without rows in the database, for as long as the iterator is held."""
    sandbox_id = make_sandbox_id()
    _shared.add(sandbox_id)
    try:
        network = assembly.make_network(sandbox_id) if len(kinds) > 1 else None
        made = {}
        for name, kind in kinds.items():
            spec = MachineSpec(name=name, kind=kind)  # type: ignore[arg-type]
            facts = assembly.make_machine(sandbox_id, spec, network, lambda _: None)
            made[name] = Machine(name=name, kind=kind, container_id=facts.container_id)
        yield made
    finally:
        assembly.remove_owned(sandbox_id)
        _shared.discard(sandbox_id)


def bare_machine(kind: str) -> Iterator[Machine]:
    """One machine of that sort, alone."""
    for made in bare_sandbox({"laptop": kind}):
        yield made["laptop"]


@pytest.fixture(scope="module")
def shared_shell() -> Iterator[Machine]:
    """One `shell` machine for all tests of a module that only look."""
    yield from bare_machine("shell")


@pytest.fixture(scope="module")
def shared_docker() -> Iterator[Machine]:
    """One `docker` machine for all tests of a module that tidy up after themselves."""
    yield from bare_machine("docker")


@pytest.fixture(scope="module")
def shared_vm() -> Iterator[Machine]:
    """One `vm` machine for all tests of a module that only look."""
    yield from bare_machine("vm")


@pytest.fixture
def machine(request: pytest.FixtureRequest, kind: str) -> Machine:
    """The module's machine of the test's kind."""
    return request.getfixturevalue(f"shared_{kind}")


@pytest.fixture
def found(machine: Machine) -> dict[str, Any]:
    """What the engine says of `machine`."""
    inspected = engine.inspect_container(machine.container_id)
    assert inspected is not None
    return inspected


TrueAfter = Callable[[float], None]


@pytest.fixture
def true_after(record_property: Callable[[str, object], None]) -> TrueAfter:
    """Tell the table of faults after how many seconds what must hold did (`bench/faults.py`)."""
    return lambda seconds: record_property("true_after_seconds", round(seconds, 2))


@pytest.fixture
def instance() -> str:
    return settings.SLIPWAY_INSTANCE
