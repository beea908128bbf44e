"""A lesson's page for one learner: blocks with their state, and the data scripts start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.urls import reverse

from courses import predictions, quizzes
from courses.blocks import (
    Block,
    PredictBlock,
    PredictView,
    QuizBlock,
    QuizView,
    RevealBlock,
    Slot,
    TaskBlock,
    TaskView,
)
from courses.catalogue import get_lesson
from courses.content import Course, Lesson, Task
from courses.launch import require_runnable
from courses.models import TaskProgress
from courses.progress import Rows, task_rows
from sandbox import hosts, lifecycle
from sandbox.errors import SandboxUserError


@dataclass(frozen=True)
class LearnerLesson:
    """A lesson together with what one learner has done in it."""

    course: Course
    lesson: Lesson
    rows: Rows
    answers: Mapping[str, dict[str, Any]]
    guesses: Mapping[str, str]

    @classmethod
    def of(
        cls, learner: Any, course: Course, lesson: Lesson, rows: Rows | None = None
    ) -> LearnerLesson:
        """Read the learner's state; `rows` saves a query when the caller has them."""
        if rows is None:
            rows = task_rows(learner, course.slug, lesson.slug)
        return cls(
            course,
            lesson,
            rows,
            quizzes.answers_of(learner, course.slug, lesson),
            predictions.kept_by(learner, course.slug, lesson),
        )

    def blocks(self) -> list[Block]:
        """The page's blocks in order."""
        return [self._fill(item) if isinstance(item, Slot) else item for item in self.lesson.body]

    def tasks(self) -> list[TaskView]:
        """The lesson's tasks in order."""
        return [self._task(task) for task in self.lesson.tasks]

    @cached_property
    def _tasks_by_name(self) -> dict[str, Task]:
        return {task.name: task for task in self.lesson.tasks}

    def _fill(self, slot: Slot) -> Block:
        if slot.kind == "quiz":
            return QuizBlock(self.quiz(slot.name))
        if slot.kind == "predict":
            return PredictBlock(self.prediction(slot.name, at_reveal=False))
        if slot.kind == "reveal":
            return RevealBlock(self.prediction(slot.name, at_reveal=True))
        return TaskBlock(self._task(self._tasks_by_name[slot.name]))

    def _task(self, task: Task) -> TaskView:
        row = self.rows.get((self.lesson.slug, task.name)) or TaskProgress()
        return TaskView(
            name=task.name,
            number=task.number,
            total=len(self.lesson.tasks),
            title=task.title,
            html=task.html,
            machine=task.machine,
            state=row.state,
            feedback=row.feedback,
            seconds=row.seconds,
            hints_shown=task.hints_html[: row.hints_shown],
            hints_total=len(task.hints_html),
            tried=row.tries > 0,
            solution_html=task.solution_html if row.solution_shown else None,
            needs=task.needs,
        )

    def quiz(self, name: str) -> QuizView:
        """The quiz; explanations only once it was answered."""
        quiz = self.lesson.quizzes[name]
        choices = tuple(
            {"index": index, "html": choice.html} for index, choice in enumerate(quiz.choices)
        )
        return QuizView(name, quiz.question_html, quiz.multiple, choices, self.answers.get(name))

    def prediction(self, name: str, *, at_reveal: bool) -> PredictView:
        """The prediction; its outcome stands at the lesson's `:::reveal`, else below the guess."""
        prediction = self.lesson.predictions[name]
        kept = self.guesses.get(name)
        shown = kept is not None and at_reveal == reveals_later(self.lesson, name)
        return PredictView(
            name,
            prediction.question_html,
            prediction.choices,
            prediction.unit,
            kept,
            prediction.outcome_html if shown else None,
        )


def reveals_later(lesson: Lesson, prediction: str) -> bool:
    """Whether the lesson comes back to the prediction with `:::reveal`."""
    return Slot("reveal", prediction) in lesson.body


def page_data(learner: Any, state: LearnerLesson) -> dict[str, Any]:
    """What the page's scripts start from (`lesson-data`)."""
    lesson = state.lesson
    live = lifecycle.live_sandbox(learner) if learner.is_authenticated else None
    own = live is not None and (live.course, live.lesson) == (state.course.slug, lesson.slug)
    return {
        "course": state.course.slug,
        "lesson": lesson.slug,
        "machines": [{"name": m.name, "kind": m.kind} for m in lesson.machines],
        "previews": [
            {"machine": p.machine, "port": p.port, "title": p.title} for p in lesson.previews
        ],
        "layout": lesson.layout,
        "sandbox": lifecycle.snapshot(live) if live is not None and own else None,
        "other_sandbox": _other(live) if live is not None and not own else None,
        "engine": _engine(lesson),
        "tasks": [{"name": view.name, "state": view.state} for view in state.tasks()],
        "user": _user(learner),
        "file_mib": settings.SANDBOX_FILE_MIB,
    }


def _engine(lesson: Lesson) -> dict[str, Any]:
    """Whether Start can work for this lesson now; if not, why and what to do.

    `of_host`: it is the host's trouble, of whose end the page is told.
    """
    try:
        require_runnable(lesson)
    except SandboxUserError as error:
        return {"available": False, "message": error.message, "hint": error.hint, "of_host": False}
    host = hosts.current()
    state = hosts.availability_on(host)
    if not state.available:
        return asdict(state) | {"of_host": True}
    kinds = [machine.kind for machine in lesson.machines]
    return asdict(hosts.availability_on(host, kinds)) | {"of_host": False}


def _other(sandbox: Any) -> dict[str, str]:
    """The learner's sandbox of another lesson, with the way there."""
    try:
        _, lesson = get_lesson(sandbox.course, sandbox.lesson)
        url, title = reverse("lesson", args=[sandbox.course, lesson.slug]), lesson.title
    except SandboxUserError:
        # Its lesson is gone from the courses; the machines can still be stopped.
        url, title = reverse("home"), sandbox.lesson
    return {
        "id": sandbox.id,
        "course": sandbox.course,
        "lesson": sandbox.lesson,
        "url": url,
        "title": title,
    }


def _user(learner: Any) -> dict[str, Any]:
    if not learner.is_authenticated:
        return {"name": "", "is_guest": False, "signed_in": False}
    return {
        "name": learner.display_name,
        "is_guest": learner.is_guest,
        "signed_in": not learner.is_guest,
    }
