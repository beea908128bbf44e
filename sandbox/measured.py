"""The row of one run: what a learner had measured or tried out, and what came of it.

Part of `sandbox.models`, in a file of its own because it has its own subject.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Run(models.Model):
    """One measurement, race, density or survival run on the machines of a sandbox.

    `values` are measured values (`sandbox.values.Value.as_json`), `outcome` is what the run
    itself reports, by `what`. A run outlives its sandbox: it is the learner's.
    """

    class What(models.TextChoices):
        MEASURE = "measure"
        RACE = "race"
        FIT = "fit"
        SURVIVE = "survive"

    class State(models.TextChoices):
        """WAITING → RUNNING → DONE or FAILED; a run that waits may fail, too."""

        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="runs"
    )
    sandbox = models.ForeignKey(
        "sandbox.Sandbox", null=True, on_delete=models.SET_NULL, related_name="runs"
    )
    course = models.CharField(max_length=100)
    lesson = models.CharField(max_length=100)
    what = models.CharField(max_length=10, choices=What.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    values = models.JSONField(default=list)
    outcome = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "sandbox"
        constraints = [
            # One at a time, so that no run measures another; a second click loses.
            models.UniqueConstraint(
                fields=["sandbox"],
                condition=Q(state__in=["waiting", "running"]),
                name="one_live_run_per_sandbox",
            )
        ]
        indexes = [models.Index(fields=["course", "lesson", "what", "state"])]

    def __str__(self) -> str:
        return f"{self.what} of {self.learner_id} in {self.course}/{self.lesson} ({self.state})"
