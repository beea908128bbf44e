"""Grading a quiz on the server: what is right leaves it only after an answer."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from courses.content import Lesson
from courses.errors import NotAnAnswer, QuestionNotFound
from courses.models import QuizAnswer
from courses.questions import Quiz


def answer(
    learner: Any, course: str, lesson: Lesson, name: str, chosen: list[int]
) -> dict[str, Any]:
    """Grade and keep an answer (0-based indexes of the choices); returns `graded`.

    Raises QuestionNotFound and NotAnAnswer.
    """
    quiz = lesson.quizzes.get(name)
    if quiz is None:
        raise QuestionNotFound
    picked = sorted(set(chosen))
    if not picked or not set(picked) <= set(range(len(quiz.choices))):
        raise NotAnAnswer
    if not quiz.multiple and len(picked) > 1:
        raise NotAnAnswer("This question has one answer.")
    result = graded(quiz, picked)
    _keep(learner, course, lesson.slug, quiz, picked, result["correct"])
    return result


def graded(quiz: Quiz, picked: list[int]) -> dict[str, Any]:
    """{"correct", "choices": [{index, text_html, html, chosen, right, explanation_html}]}."""
    right = [index for index, choice in enumerate(quiz.choices) if choice.right]
    return {
        "correct": picked == right,
        "choices": [
            {
                "index": index,
                "html": choice.html,
                "text_html": choice.html,
                "chosen": index in picked,
                "right": choice.right,
                "explanation_html": choice.explanation_html,
            }
            for index, choice in enumerate(quiz.choices)
        ],
    }


def answers_of(learner: Any, course: str, lesson: Lesson) -> dict[str, dict[str, Any]]:
    """The learner's graded answers by quiz; an answer to an older wording is left out."""
    if not lesson.quizzes or not learner.is_authenticated:
        return {}
    rows = QuizAnswer.objects.filter(learner=learner, course=course, lesson=lesson.slug)
    return {
        row.quiz: graded(lesson.quizzes[row.quiz], row.chosen)
        for row in rows
        if row.quiz in lesson.quizzes and row.digest == lesson.quizzes[row.quiz].digest
    }


def _keep(
    learner: Any, course: str, lesson: str, quiz: Quiz, picked: list[int], correct: bool
) -> None:
    key = {"learner": learner, "course": course, "lesson": lesson, "quiz": quiz.name}
    values = {"digest": quiz.digest, "chosen": picked, "correct": correct}
    try:
        with transaction.atomic():
            QuizAnswer.objects.create(**key, **values)
    except IntegrityError:
        rows = QuizAnswer.objects.filter(**key)
        rows.update(tries=F("tries") + 1, answered_at=timezone.now(), **values)
