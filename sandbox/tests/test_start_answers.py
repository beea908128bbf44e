"""What a Start's answer is made of, and how little it asks for it."""

from typing import Any

import pytest

from classroom.models import User
from sandbox import lifecycle
from sandbox.models import Sandbox
from sandbox.specs import SandboxSpec

pytestmark = pytest.mark.django_db
Sent = list[tuple[str, str]]


def start(learner: User, spec: SandboxSpec) -> Sandbox:
    return lifecycle.request_start(learner, spec, course="course", lesson="lesson")


@pytest.mark.usefixtures("host", "fresh_rates")
def test_a_start_is_answered_as_anybody_reads_it_afterwards(
    learner: User, spec: SandboxSpec, dispatched: Sent
) -> None:
    """The answer is made from what was just written, without reading it again."""
    made = start(learner, spec)
    assert made.just_made
    read = Sandbox.objects.get(pk=made.pk)
    assert lifecycle.snapshot(made) == lifecycle.snapshot(read)


@pytest.mark.usefixtures("host", "fresh_rates")
def test_a_start_asks_the_database_little(
    spec: SandboxSpec, dispatched: Sent, django_assert_max_num_queries: Any
) -> None:
    """A class presses Start at once, and each question costs all of them half a millisecond."""
    start(User.objects.create_user("first"), spec)
    second = User.objects.create_user("second")
    with django_assert_max_num_queries(9):
        lifecycle.snapshot(start(second, spec))
