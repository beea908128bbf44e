"""Keeping a learner's guess."""

from __future__ import annotations

from typing import Any

from courses.content import Lesson
from courses.errors import NotAGuess, QuestionNotFound
from courses.models import Prediction


def keep(learner: Any, course: str, lesson: Lesson, name: str, value: str) -> Prediction:
    """Keep a guess and return the row; the first guess stays, whatever comes later.

    Raises QuestionNotFound and NotAGuess.
    """
    prediction = lesson.predictions.get(name)
    if prediction is None:
        raise QuestionNotFound
    guess = value.strip()
    if not prediction.accepts(guess):
        raise NotAGuess
    row, _ = Prediction.objects.get_or_create(
        learner=learner,
        course=course,
        lesson=lesson.slug,
        prediction=name,
        defaults={"value": prediction.to_keep(guess)},
    )
    return row


def kept_by(learner: Any, course: str, lesson: Lesson) -> dict[str, str]:
    """The learner's guesses by prediction."""
    if not lesson.predictions or not learner.is_authenticated:
        return {}
    rows = Prediction.objects.filter(learner=learner, course=course, lesson=lesson.slug)
    return {
        name: lesson.predictions[name].to_show(value)
        for name, value in rows.values_list("prediction", "value")
        if name in lesson.predictions
    }
