"""People: learners (guests included), instructors, operators, and their API tokens."""

import hashlib
import secrets
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models

SEAT_NAME_LENGTH = 40


class User(AbstractUser):
    """A person. A guest is a learner without a password, made on first need.

    Signing up turns the guest's own row into the account, so everything that refers to it
    (progress, a live sandbox) stays where it is.
    """

    class Role(models.TextChoices):
        LEARNER = "learner"
        INSTRUCTOR = "instructor"
        OPERATOR = "operator"

    role = models.CharField(max_length=16, choices=Role.choices, default=Role.LEARNER)
    is_guest = models.BooleanField(default=False)

    def start_limits(self) -> list[Any]:
        """What limits this person's Starts beside their own rate (`sandbox.rates.Limit`)."""
        from classroom.classes import start_limits

        return list(start_limits(self))

    def may_share_previews(self) -> bool:
        """Whether pages offer this person to share the address of a preview."""
        from classroom.classes import shares_previews

        return shares_previews(self)

    def may_look_at(self, learner_id: int) -> bool:
        """Whether this person may look at that learner's terminals now."""
        from classroom.looking import may_look

        return may_look(self, learner_id)

    @property
    def display_name(self) -> str:
        return "Guest" if self.is_guest else self.get_full_name() or self.username


class Token(models.Model):
    """A bearer token. Only its SHA-256 is kept: a stolen database opens no session."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.user.username})"

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()

    @classmethod
    def issue(cls, user: User, name: str) -> str:
        """Make a token for `user`; return its secret, which is shown this once."""
        secret = f"slw_{secrets.token_urlsafe(32)}"
        cls.objects.create(user=user, name=name, digest=cls.digest_of(secret))
        return secret


class Class(models.Model):
    """A group that learns together. Learners join by its code, or are seated by a command."""

    name = models.CharField(max_length=100)
    code = models.CharField(max_length=12, unique=True)
    instructor = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="classes"
    )
    # Starts of all its learners together, such as 60/minute; empty is START_RATE_CLASS.
    start_rate = models.CharField(max_length=40, blank=True)
    # Whether its learners are offered to share the addresses of their previews.
    shares_previews = models.BooleanField(default=False)
    # Whether whoever teaches it may look at its learners' terminals.
    may_look = models.BooleanField(default=False)
    # Warm machines that were ordered for it; they are forgotten with it.
    orders = models.ManyToManyField("sandbox.PoolOrder", related_name="for_class")
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class Seat(models.Model):
    """A learner in a class. Of several classes the one joined last counts."""

    in_class = models.ForeignKey(Class, on_delete=models.CASCADE, related_name="seats")
    learner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="seats")
    # What the learner wants to be called in this class; guests have no other name.
    name = models.CharField(max_length=SEAT_NAME_LENGTH, blank=True)
    joined_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["in_class", "learner"], name="one_seat_in_a_class")
        ]

    def __str__(self) -> str:
        return f"{self.learner.username} in {self.in_class.name}"
