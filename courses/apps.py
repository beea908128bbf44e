"""The courses app: what is taught."""

from django.apps import AppConfig


class CoursesConfig(AppConfig):
    """Content, tasks and verdicts, quizzes, predictions, progress."""

    name = "courses"
    default_auto_field = "django.db.models.BigAutoField"
