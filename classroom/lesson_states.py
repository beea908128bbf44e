"""How far learners are in the lessons they are on, for all of a class at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from courses.catalogue import get_lesson
from courses.content import Lesson
from courses.errors import CourseNotFound, LessonNotFound
from courses.models import TaskProgress

# So many tries at one task without passing it, and whoever teaches is told. Each command that
# ends is a try of the open task, so a few mean nothing.
STUCK_TRIES = 10
Place = tuple[str, str]


@dataclass(frozen=True)
class Stuck:
    """A task that was tried often and is not passed; `number` as the lesson counts."""

    number: int
    title: str
    tries: int


@dataclass(frozen=True)
class LessonState:
    """A lesson by course and slug, and how many of its tasks a learner has passed.

    `number` and `title` are the slug's where the lesson is not offered any more.
    """

    course: str
    slug: str
    number: int | None
    title: str
    passed: int
    total: int
    stuck: Stuck | None


def of(at: Mapping[int, Place]) -> dict[int, LessonState]:
    """The state of each learner (by id) in the lesson at (course, lesson); one query."""
    lessons = {place: _lesson(*place) for place in set(at.values())}
    tries = _tries(at)
    return {
        learner: _state(place, lessons[place], tries.get((learner, *place), {}))
        for learner, place in at.items()
    }


def _lesson(course: str, slug: str) -> Lesson | None:
    try:
        return get_lesson(course, slug)[1]
    except (CourseNotFound, LessonNotFound):
        return None


def _tries(at: Mapping[int, Place]) -> dict[tuple[int, str, str], dict[str, int]]:
    """Per learner and lesson: how often each task was tried, 0 for one that is passed."""
    rows = TaskProgress.objects.filter(
        learner__in=at.keys(),
        course__in={course for course, _ in at.values()},
        lesson__in={lesson for _, lesson in at.values()},
    ).exclude(state=TaskProgress.State.OPEN)
    found: dict[tuple[int, str, str], dict[str, int]] = {}
    for learner, course, lesson, task, state, tries in rows.values_list(
        "learner", "course", "lesson", "task", "state", "tries"
    ):
        passed = state == TaskProgress.State.PASSED
        found.setdefault((learner, course, lesson), {})[task] = 0 if passed else tries
    return found


def _state(place: Place, lesson: Lesson | None, tries: Mapping[str, int]) -> LessonState:
    course, slug = place
    if lesson is None:
        return LessonState(course, slug, None, slug, 0, 0, None)
    passed = sum(tries.get(task.name) == 0 for task in lesson.tasks)
    hardest = max(lesson.tasks, key=lambda task: tries.get(task.name, 0), default=None)
    stuck = None
    if hardest and tries.get(hardest.name, 0) >= STUCK_TRIES:
        stuck = Stuck(hardest.number, hardest.title, tries[hardest.name])
    return LessonState(course, slug, lesson.number, lesson.title, passed, len(lesson.tasks), stuck)
