"""Warm machines on the engine: made, proven, handed over once, removed."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import assembly, engine, hosts, lifecycle, machines, pool, pool_keeper, reaper
from sandbox.models import Sandbox, WarmMachine, WarmState
from sandbox.specs import MachineSpec
from tests.running_site import running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=40)]


@pytest.fixture
def pooled(request: Any, transactional_db: None, settings: Any) -> Iterator[WarmMachine]:
    """A pool of one machine named `laptop`; emptied afterwards."""
    kind = getattr(request, "param", "shell")
    hosts.refresh()
    settings.SANDBOX_POOL_SHELL = settings.SANDBOX_POOL_DOCKER = settings.SANDBOX_POOL_VM = 0
    setattr(settings, f"SANDBOX_POOL_{kind.upper()}", 1)
    pool.expect(Counter({(kind, "laptop"): 1}))
    pool_keeper.refill()
    yield WarmMachine.objects.get()
    for warm in WarmMachine.objects.all():
        assembly.remove_owned(warm.pk)


def stages(sandbox: Sandbox) -> list[str]:
    return [stage["name"] for stage in sandbox.stages]


@pytest.mark.parametrize("pooled", ["shell", "docker"], indirect=True)
def test_a_start_takes_the_warm_machine_and_removes_it_in_the_end(
    pooled: WarmMachine, start: Any
) -> None:
    assert pooled.state == WarmState.READY
    sandbox = start(MachineSpec(name="laptop", kind=pooled.kind))
    machine = sandbox.machines.get()
    assert machine.container_id == pooled.container_id
    assert stages(sandbox) == ["warm", "prompt"] or stages(sandbox) == ["warm"]
    script = "hostname; id -un" + ("; docker ps -q | wc -l" if pooled.kind == "docker" else "")
    said = machines.run_script(sandbox, "laptop", script, user="learner")
    assert said.stdout.split()[:2] == ["laptop", "learner"]
    assert said.exit_code == 0
    what = sorted(found[0] for found in assembly.objects_of(sandbox.pk))
    assert what == (["container", "volume"] if pooled.kind == "docker" else ["container"])
    lifecycle.destroy_now(sandbox)
    assert engine.inspect_container(pooled.container_id) is None
    assert not WarmMachine.objects.exists()


@pytest.mark.parametrize("fault", ["gone", "restarted"])
def test_a_machine_that_is_not_as_it_was_made_is_not_handed_over(
    fault: str, pooled: WarmMachine, start: Any
) -> None:
    engine.remove_object("container", pooled.container_id)
    if fault == "restarted":
        facts = assembly.make_machine(
            pooled.pk, MachineSpec(name="laptop", kind="shell"), None, lambda _: None
        )
        WarmMachine.objects.update(container_id=facts.container_id)
    sandbox = start(MachineSpec(name="laptop", kind="shell"))
    assert "created" in stages(sandbox)
    used = sandbox.machines.get().container_id
    assert used not in (pooled.container_id, WarmMachine.objects.get().container_id)


def test_reset_gives_another_machine(pooled: WarmMachine, start: Any) -> None:
    sandbox = start(MachineSpec(name="laptop", kind="shell"))
    pool_keeper.refill()
    second = WarmMachine.objects.get(state=WarmState.READY)
    lifecycle.create_now(lifecycle.request_reset(sandbox))
    assert sandbox.machines.get().container_id == second.container_id
    assert engine.inspect_container(pooled.container_id) is None


def test_reconciliation_keeps_the_pool_and_drops_what_died(pooled: WarmMachine) -> None:
    reaper.reconcile()
    assert engine.inspect_container(pooled.container_id)
    engine.remove_object("container", pooled.container_id)
    reaper.reconcile()
    assert not WarmMachine.objects.exists()


def test_a_site_with_a_pool_leaves_nothing_behind(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = tmp_path_factory.mktemp("pooled")
    with running_site(folder) as site:
        site.manage("pool", "warm", "--kind", "shell", "--name", "box", "--count", "2")
        for _ in range(60):
            if "box: 2 ready of 2" in site.manage("pool", "show"):
                break
        else:
            pytest.fail(site.manage("pool", "show"))
        # The host's examination has helpers of its own, for some seconds after the start.
        deadline = time.monotonic() + 60
        while len(site.objects()) != 2:
            assert time.monotonic() < deadline, site.objects()
            time.sleep(0.5)
    # running_site itself asserts that the engine has nothing of this site any more.
