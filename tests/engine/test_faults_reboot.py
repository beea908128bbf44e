"""A host that lost its power: no process of the site and no machine is left, only the rows."""

import subprocess
import time
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.engine.conftest import TrueAfter
from tests.engine.site_learners import containers, eventually, learners
from tests.engine.worker_kills import containers_of, engine_events, wait_for_event
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=60)]
# A pass of the reaper comes so often; the site's own start is not counted.
PASS_SECONDS = settings.CELERY_BEAT_SCHEDULE["reconcile"]["schedule"]
# What a pass itself may take on a busy host.
LATE_SECONDS = 5
WARM = "from sandbox.models import WarmMachine as W; print(*[w.pk for w in W.objects.filter(state='ready')])"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("reboot"), SANDBOX_POOL_SHELL="1") as running:
        yield running


def warm(site: Site) -> set[str]:
    """Ids of the warm machines that a Start would be given."""
    return set(site.manage("shell", "-v", "0", "-c", WARM).split())


def remove_containers(site: Site) -> None:
    label = f"label=slipway.instance={site.instance}"
    ids = subprocess.check_output(["docker", "ps", "-aq", "--filter", label], text=True).split()
    subprocess.run(["docker", "rm", "--force", *ids], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.fault("reboot")
def test_after_a_reboot_rows_are_ended_or_carried_on(site: Site, true_after: TrueAfter) -> None:
    *at_work, starting, late = learners(site, "ada", "bob", "starting", "late")
    sandboxes = [learner.ready() for learner in at_work]
    eventually(lambda: warm(site), 60, "a warm machine")
    with engine_events() as events:
        begun = starting.start("docker")
        wait_for_event(events, begun, "container create")
        site.cut_off()
    known = warm(site)
    assert known
    assert len(containers(site)) == 4
    remove_containers(site)

    site.start_again()
    began = time.monotonic()
    for learner, sandbox_id in zip(at_work, sandboxes, strict=True):
        left = began + PASS_SECONDS + LATE_SECONDS - time.monotonic()
        ended = learner.wait_for(sandbox_id, ("failed",), left)
        assert ended["error"]["code"] == "machine_died"
    left = began + PASS_SECONDS + LATE_SECONDS - time.monotonic()
    eventually(lambda: not known & warm(site), left, "nobody is given a machine that is gone")
    true_after(time.monotonic() - began)
    # Who had pressed Start is not told to press it again.
    carried_on = starting.wait_for(begun)
    assert carried_on["state"] == "ready", carried_on
    assert len(containers_of(site, begun)) == 1
    fresh = late.ready()
    terminal = late.terminal(fresh)
    terminal.says("echo works-$((1 + 1))", "works-2")
    terminal.close()
    for learner, sandbox_id in ((starting, begun), (late, fresh)):
        learner.stop(sandbox_id)
