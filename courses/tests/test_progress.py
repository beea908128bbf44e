"""How far a learner is."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from courses import progress
from courses.loader import load_course
from courses.models import LessonVisit, TaskProgress

pytestmark = pytest.mark.django_db


@pytest.fixture
def course(library):
    return load_course(library / "boats").course


def passes(learner, *tasks):
    for task in tasks:
        TaskProgress.objects.create(
            learner=learner, course="boats", lesson="hull", task=task, state="passed"
        )


def found(learner, course, now=None):
    rows = progress.task_rows(learner, "boats")
    return progress.course_progress(course, rows, progress.visits(learner, "boats"), now)


def test_beginner_starts_at_the_first_lesson(learner, course):
    state = found(learner, course)
    assert [leg.state for leg in state.legs] == ["now", "open"]
    assert (state.resume.lesson.slug, state.resume.task.name) == ("hull", "float")
    assert (state.done, state.total, state.minutes_left) == (0, 2, 30)


def test_half_a_lesson_leaves_half_its_minutes(learner, course):
    passes(learner, "float")
    state = found(learner, course)
    assert (state.legs[0].passed, state.legs[0].total, state.resume.minutes_left) == (1, 2, 10)
    assert state.resume.task.name == "sink"


def test_all_tasks_passed_is_done(learner, course):
    passes(learner, "float", "sink")
    state = found(learner, course)
    assert [leg.state for leg in state.legs] == ["done", "now"]
    assert (state.done, state.minutes_left) == (1, 10)


def test_lesson_without_tasks_is_done_once_opened(learner, course):
    progress.record_visit(learner, "boats", "keel")
    assert found(learner, course).legs[1].state == "done"


def test_everything_done_leaves_nothing_to_resume(learner, course):
    passes(learner, "float", "sink")
    progress.record_visit(learner, "boats", "keel")
    state = found(learner, course)
    assert (state.resume, state.done, state.minutes_left) == (None, 2, 0)


def test_resume_is_the_lesson_opened_last(learner, course):
    LessonVisit.objects.create(
        learner=learner, course="boats", lesson="hull", last_at=timezone.now() - timedelta(hours=1)
    )
    assert found(learner, course).resume.lesson.slug == "hull"


def test_lesson_at_hand_is_now(learner, course):
    assert [leg.state for leg in found(learner, course, course.lessons[1]).legs] == ["open", "now"]


def test_rows_of_tasks_that_are_gone_do_not_count(learner, course):
    passes(learner, "removed")
    assert found(learner, course).legs[0].passed == 0


def test_visits_are_kept_once_per_lesson(learner):
    progress.record_visit(learner, "boats", "hull")
    progress.record_visit(learner, "boats", "hull")
    visit = LessonVisit.objects.get()
    assert visit.last_at >= visit.first_at


def test_nothing_is_kept_of_anonymous_visitors(db):
    progress.record_visit(AnonymousUser(), "boats", "hull")
    assert not LessonVisit.objects.exists()
    assert progress.task_rows(AnonymousUser(), "boats") == {}
