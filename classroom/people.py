"""Making and finding people."""

import secrets
from typing import Any

from django.contrib.auth import login
from django.http import HttpRequest
from django.utils import timezone

from classroom.models import Token, User


def make_guest(request: HttpRequest) -> User:
    """Make a guest learner and sign this browser in as it."""
    guest = User(username=f"guest-{secrets.token_hex(8)}", is_guest=True)
    guest.set_unusable_password()
    guest.save()
    login(request, guest, backend="django.contrib.auth.backends.ModelBackend")
    return guest


def is_signed_in(user: Any) -> bool:
    """Whether this is somebody with an account; a guest and nobody are not."""
    return bool(user.is_authenticated and not user.is_guest)


def is_operator(user: Any) -> bool:
    """Whether this is somebody with an account who runs the site."""
    return is_signed_in(user) and bool(user.role == User.Role.OPERATOR)


def give_role(name: str, role: str) -> User:
    """Change what a user may do. Raises User.DoesNotExist."""
    user = User.objects.get(username=name, is_guest=False)
    user.role = role
    user.save(update_fields=["role"])
    return user


def user_of_token(secret: str) -> User | None:
    """The active user whom a bearer token stands for, or None."""
    active = Token.objects.select_related("user").filter(user__is_active=True)
    try:
        token = active.get(digest=Token.digest_of(secret))
    except Token.DoesNotExist:
        return None
    now = timezone.now()
    # To the minute is enough; a write for every call would make all callers wait for each other.
    if token.last_used_at is None or (now - token.last_used_at).total_seconds() > 60:
        Token.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.user


def user_for_token_name(name: str, role: str) -> User:
    """The user that tokens of this name act as, made when there is none.

    Raises ValueError when a user of that name exists with another role: a token must not
    change what somebody else may do.
    """
    user, made = User.objects.get_or_create(username=name, defaults={"role": role})
    if made:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    elif user.role != role:
        raise ValueError(f"{name} is a user already, with the role {user.role}.")
    return user
