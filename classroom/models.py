"""People: learners (guests included), instructors, operators, and their API tokens."""

import hashlib
import secrets

from django.contrib.auth.models import AbstractUser
from django.db import models


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
