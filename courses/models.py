"""What a learner has done: verdicts, answers, guesses, visits.

Courses are folders, so rows name course, lesson, task and question by slug; a row whose
lesson is gone is simply not shown.
"""

from django.conf import settings
from django.db import models

SLUG_LENGTH = 60
FEEDBACK_LENGTH = 300


class TaskProgress(models.Model):
    """One learner's state in one task.

    `checking_since` is the claim of a running check: a second one does not start beside it.
    `seconds` is how long the latest check took.
    """

    class State(models.TextChoices):
        OPEN = "open"
        FAILING = "failing"
        PASSED = "passed"

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course = models.CharField(max_length=SLUG_LENGTH)
    lesson = models.CharField(max_length=SLUG_LENGTH)
    task = models.CharField(max_length=SLUG_LENGTH)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    tries = models.PositiveIntegerField(default=0)
    feedback = models.CharField(max_length=FEEDBACK_LENGTH, blank=True)
    seconds = models.FloatField(null=True)
    passed_at = models.DateTimeField(null=True)
    hints_shown = models.PositiveSmallIntegerField(default=0)
    solution_shown = models.BooleanField(default=False)
    checking_since = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "course", "lesson", "task"], name="one_progress_per_task"
            )
        ]

    def __str__(self) -> str:
        return f"{self.course}/{self.lesson}/{self.task}: {self.state}"


class QuizAnswer(models.Model):
    """A learner's latest answer to a quiz; `digest` is that of the wording it answered."""

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course = models.CharField(max_length=SLUG_LENGTH)
    lesson = models.CharField(max_length=SLUG_LENGTH)
    quiz = models.CharField(max_length=SLUG_LENGTH)
    digest = models.CharField(max_length=16)
    chosen = models.JSONField()
    correct = models.BooleanField()
    tries = models.PositiveIntegerField(default=1)
    answered_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "course", "lesson", "quiz"], name="one_answer_per_quiz"
            )
        ]

    def __str__(self) -> str:
        return f"{self.course}/{self.lesson}/{self.quiz}: {self.chosen}"


class Prediction(models.Model):
    """A guess; the first one stays."""

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course = models.CharField(max_length=SLUG_LENGTH)
    lesson = models.CharField(max_length=SLUG_LENGTH)
    prediction = models.CharField(max_length=SLUG_LENGTH)
    value = models.CharField(max_length=300)
    kept_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "course", "lesson", "prediction"],
                name="one_guess_per_prediction",
            )
        ]

    def __str__(self) -> str:
        return f"{self.course}/{self.lesson}/{self.prediction}: {self.value}"


class LessonVisit(models.Model):
    """When a learner opened a lesson, first and last."""

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course = models.CharField(max_length=SLUG_LENGTH)
    lesson = models.CharField(max_length=SLUG_LENGTH)
    first_at = models.DateTimeField(auto_now_add=True)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "course", "lesson"], name="one_visit_per_lesson"
            )
        ]

    def __str__(self) -> str:
        return f"{self.course}/{self.lesson}"


class Certificate(models.Model):
    """That a learner passed all tasks of a course, as it was then; `code` is its public address.

    The name is what the learner wants to be called; the site knows no other.
    """

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course = models.CharField(max_length=SLUG_LENGTH)
    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=80)
    course_title = models.CharField(max_length=120)
    tasks = models.PositiveIntegerField()
    minutes = models.PositiveIntegerField()
    issued_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "course"], name="one_certificate_per_course")
        ]

    def __str__(self) -> str:
        return f"{self.course}: {self.name}"
