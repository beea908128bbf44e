"""How allauth makes accounts here: signing up turns the guest at hand into one."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Keeps a guest's row, and so its progress and live sandbox, on sign-up."""

    def new_user(self, request: HttpRequest) -> Any:
        user = request.user
        return user if user.is_authenticated and user.is_guest else super().new_user(request)

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        user.is_guest = False
        return super().save_user(request, user, form, commit)
