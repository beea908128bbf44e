"""Time that runs out in the middle of a task: warned of, then over soon, whoever is typing."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.conf import settings

from sandbox import reaper
from tests.engine.conftest import TrueAfter
from tests.engine.site_learners import containers, learners
from tests.running_site import Site, running_site

pytestmark = [pytest.mark.engine, pytest.mark.takes(seconds=60)]
WARNED_SECONDS = 120
GONE_SECONDS = 30
# A few ticks longer than the warning comes before the end.
LONGER_SECONDS = reaper.WARNING_SECONDS + 10


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("expiry")
    with running_site(folder, SANDBOX_LIFETIME_SECONDS="12") as running:
        yield running


@pytest.mark.fault("expiry")
def test_the_warning_comes_two_minutes_before_also_when_a_tick_has_just_passed() -> None:
    tick_seconds = settings.CELERY_BEAT_SCHEDULE["reap"]["schedule"]
    assert reaper.WARNING_SECONDS - tick_seconds >= WARNED_SECONDS


@pytest.mark.fault("expiry")
def test_a_page_that_is_open_is_warned_two_minutes_before(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("warned")
    with running_site(folder, SANDBOX_LIFETIME_SECONDS=str(LONGER_SECONDS)) as longer:
        (learner,) = learners(longer, "warned")
        sandbox_id = learner.ready()
        page = learner.events(sandbox_id)
        ready, _ = page.wait_for(5, type="state")
        assert ready["sandbox"]["state"] == "ready", "there was time before the warning"
        expires_at = datetime.fromisoformat(ready["sandbox"]["expires_at"])
        warning, _ = page.wait_for(LONGER_SECONDS, type="warning", code="expiring")
        left = (expires_at - datetime.now(UTC)).total_seconds()
        assert left >= WARNED_SECONDS
        assert warning["message"]
        assert warning["hint"]
        now = learner.look(sandbox_id)
        assert (now["state"], now["expires_at"]) == ("expiring", expires_at.isoformat())
        page.close()
        learner.stop(sandbox_id)


@pytest.mark.fault("expiry")
def test_a_sandbox_in_use_is_warned_and_ends_in_time(site: Site, true_after: TrueAfter) -> None:
    (learner,) = learners(site, "busy")
    sandbox_id = learner.ready()
    terminal = learner.terminal(sandbox_id)
    terminal.says("while sleep 0.2; do echo at-work; done", "at-work\r\nat-work")
    expires_at = datetime.fromisoformat(learner.look(sandbox_id)["expires_at"])
    learner.wait_for(sandbox_id, ("expiring",), 12)
    assert datetime.now(UTC) < expires_at, "said before it is over"
    left = (expires_at - datetime.now(UTC)).total_seconds()
    over = learner.wait_for(sandbox_id, ("gone",), left + GONE_SECONDS)
    assert datetime.now(UTC) >= expires_at
    true_after((datetime.now(UTC) - expires_at).total_seconds())
    assert over["error"]["code"] == "expired"
    assert containers(site) == []
    assert terminal.broken()
    terminal.close()
