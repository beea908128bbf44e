"""Making and finding people."""

import secrets

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


def user_of_token(secret: str) -> User | None:
    """The active user whom a bearer token stands for, or None."""
    token = (
        Token.objects.select_related("user")
        .filter(digest=Token.digest_of(secret), user__is_active=True)
        .first()
    )
    if token is None:
        return None
    Token.objects.filter(pk=token.pk).update(last_used_at=timezone.now())
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
