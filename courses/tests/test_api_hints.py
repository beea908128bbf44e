"""Hints one by one, the solution after a try."""

import pytest

from courses.models import TaskProgress

TASKS = "/api/v1/courses/boats/lessons/hull/tasks"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]


def test_hints_come_one_by_one_and_stop_at_the_last(own):
    said = [own.post(f"{TASKS}/float/hints").json() for _ in range(3)]
    assert [(hint["shown"], hint["total"]) for hint in said] == [(1, 2), (2, 2), (2, 2)]
    assert "<em>hint</em>" in said[0]["html"]
    assert "Second" in said[2]["html"]


def test_task_without_hints_says_so(own):
    assert own.post(f"{TASKS}/sink/hints").json() == {"shown": 0, "total": 0, "html": ""}


def test_hints_are_counted_for_their_owner_only(own, stranger, learner):
    own.post(f"{TASKS}/float/hints")
    assert stranger.post(f"{TASKS}/float/hints").json()["shown"] == 1
    assert TaskProgress.objects.get(learner=learner).hints_shown == 1


def test_solution_needs_a_try(own, learner):
    refused = own.post(f"{TASKS}/float/solution")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "try_first")
    own.post(f"{TASKS}/float/hints")
    assert own.post(f"{TASKS}/float/solution").status_code == 403
    TaskProgress.objects.update(tries=1)
    assert "# solve" in own.post(f"{TASKS}/float/solution").json()["html"]
    assert TaskProgress.objects.get().solution_shown


@pytest.mark.parametrize("what", ["hints", "solution"])
def test_missing_task_is_404(own, what):
    assert own.post(f"{TASKS}/nope/{what}").status_code == 404


@pytest.mark.parametrize("what", ["hints", "solution"])
def test_wrong_method_is_405(own, what):
    assert own.get(f"{TASKS}/float/{what}").status_code == 405
