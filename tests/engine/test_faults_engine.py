"""The engine killed, restarted, and without an image: said soon, and true again soon after."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from django.conf import settings

from sandbox import hosts, lifecycle
from sandbox.images import image_ref
from sandbox.models import State
from sandbox.specs import MachineSpec
from tests.engine.conftest import Start, TrueAfter
from tests.engine.second_engine import SecondEngine, slipways_engine
from tests.engine.site_learners import Events, learners
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=140)]
SHELL = MachineSpec(name="laptop", kind="shell")
SAID_SECONDS = 10
TRUE_SECONDS = 15
CLEAR_SECONDS = 5
PULL = b"/images/create"
RECONCILE_SECONDS = settings.CELERY_BEAT_SCHEDULE["reconcile"]["schedule"]
AWAY = "The Docker engine does not answer."


@pytest.fixture(scope="module")
def second() -> Iterator[SecondEngine]:
    # Its log then has each request that it was asked.
    with slipways_engine("--debug") as made:
        yield made


@pytest.fixture
def site(second: SecondEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("engine"), DOCKER_HOST=second.address) as running:
        yield running


def readiness(site: Site) -> str:
    """Nothing when Start works, else what /readyz says."""
    try:
        with urllib.request.urlopen(f"{site.url}/readyz", timeout=5):
            return ""
    except urllib.error.HTTPError as error:
        return error.read().decode()


@pytest.mark.fault("engine")
@pytest.mark.parametrize("end", ["kill", "stop"])
def test_an_engine_that_went_and_came_back_is_said_and_rows_are_true_again(
    site: Site, second: SecondEngine, end: str, true_after: TrueAfter
) -> None:
    working, late = learners(site, "working", "late")
    sandbox_id = working.ready()
    # Pages that are open: with machines, and of somebody who only reads.
    pages = [working.events(sandbox_id), Events(site)]
    # Killed, as by the kernel: its machines end with the next one's start. Or stopped in
    # order, as for an upgrade: it ends them itself.
    getattr(second, end)()
    began = time.monotonic()
    for page in pages:
        left = began + SAID_SECONDS - time.monotonic()
        page.wait_for(left, type="host", available=False, message=AWAY)
    assert AWAY in readiness(site)
    began = time.monotonic()
    refused = late.refused()
    assert time.monotonic() - began < CLEAR_SECONDS
    assert (refused["code"], refused["message"]) == ("no_engine", AWAY)
    assert refused["hint"]
    assert working.look(sandbox_id)["state"] == "ready", "an engine that is away says nothing"
    second.start()
    began = time.monotonic()
    pages[1].wait_for(TRUE_SECONDS, type="host", available=True)
    assert not readiness(site)
    ended = working.wait_for(sandbox_id, ("failed",), began + TRUE_SECONDS - time.monotonic())
    true_after(time.monotonic() - began)
    assert ended["error"]["code"] == "machine_died"
    for page in pages:
        page.close()
    again = late.ready()
    late.stop(again)


@pytest.mark.fault("engine")
def test_machines_that_outlive_their_engine_stay_and_terminals_come_back(
    tmp_path_factory: pytest.TempPathFactory, true_after: TrueAfter
) -> None:
    with (
        slipways_engine("--live-restore") as second,
        running_site(tmp_path_factory.mktemp("live"), DOCKER_HOST=second.address) as site,
    ):
        (learner,) = learners(site, "staying")
        sandbox_id = learner.ready()
        terminal = learner.terminal(sandbox_id)
        pid = terminal.shell_pid()
        terminal.says("kept=treasure; echo set-$((1 + 1))", "set-2")
        page = learner.events(sandbox_id)
        second.kill()
        page.wait_for(SAID_SECONDS, type="host", available=False, message=AWAY)
        second.start()
        began = time.monotonic()
        page.wait_for(TRUE_SECONDS, type="host", available=True)
        terminal.close()
        again = learner.terminal(sandbox_id)
        assert again.shell_pid() == pid
        again.says("echo it-is-$kept", r"it-is-treasure\b")
        true_after(time.monotonic() - began)
        # Two comparisons of database and engine later it still is what it was.
        time.sleep(max(0.0, began + 2 * RECONCILE_SECONDS + 1 - time.monotonic()))
        assert learner.look(sandbox_id)["state"] == "ready"
        assert again.shell_pid() == pid
        for opened in (page, again):
            opened.close()
        learner.stop(sandbox_id)
        assert second.docker("ps", "--all", "--quiet") == ""


@pytest.mark.fault("missing")
@pytest.mark.django_db(transaction=True)
def test_a_machine_whose_image_is_missing_fails_at_once_and_nothing_is_pulled(
    second: SecondEngine, request_sandbox: Start, true_after: TrueAfter
) -> None:
    with second.used_by_slipway():
        hosts.refresh()
        sandbox = request_sandbox(SHELL)
        second.docker("rmi", "--force", image_ref("shell"))
        asked_before = second.log.stat().st_size
        try:
            began = time.monotonic()
            lifecycle.create_now(sandbox)
            true_after(time.monotonic() - began)
            assert time.monotonic() - began < CLEAR_SECONDS
            assert (sandbox.state, sandbox.error_code) == (State.FAILED, "image_missing")
            assert "./start" in sandbox.error_hint
            assert image_ref("shell") not in second.docker(
                "images", "--format={{.Repository}}:{{.Tag}}"
            )
            assert image_ref("shell") in hosts.refresh().problem, "and Start is off from now on"
            asked = second.log.read_bytes()[asked_before:]
            assert b"/containers/create" in asked, "the log has what was asked"
            assert PULL not in asked
            # The engine has no network: that there is no image says nothing. This is a pull.
            second.docker("pull", image_ref("shell"), check=False)
            assert PULL in second.log.read_bytes()[asked_before:]
        finally:
            second.docker("tag", image_ref("docker"), image_ref("shell"))


@pytest.mark.fault("missing")
@pytest.mark.django_db(transaction=True)
def test_an_engine_that_goes_between_start_and_creation_fails_it_at_once(
    second: SecondEngine, request_sandbox: Start, true_after: TrueAfter
) -> None:
    with second.used_by_slipway():
        hosts.refresh()
        sandbox = request_sandbox(SHELL)
        second.kill()
        try:
            began = time.monotonic()
            lifecycle.create_now(sandbox)
            true_after(time.monotonic() - began)
            assert time.monotonic() - began < CLEAR_SECONDS
            assert (sandbox.state, sandbox.error_code) == (State.FAILED, "no_engine")
        finally:
            second.start()
