"""The page on which learners join a class, see where they have a seat, and leave."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from classroom import classes
from classroom.people import make_guest
from sandbox.errors import SandboxError

CODE_LENGTH = 40


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Take a seat by a class's code; who has no account yet is a guest from now on.

    `?code=` fills the form in; only sending it takes the seat.
    """
    if request.method != "POST":
        return _page(request, code=request.GET.get("code", "")[:CODE_LENGTH])
    if not request.user.is_authenticated:
        request.user = make_guest(request)
    code, name = request.POST.get("code", "")[:CODE_LENGTH], request.POST.get("name", "")
    try:
        joined = classes.join(request.user, code, name)
    except SandboxError as error:
        return _page(request, status=error.status, error=error, code=code, name=name)
    return redirect(f"{reverse('join')}?{urlencode({'joined': joined.code})}")


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Give up a seat."""
    classes.leave(request.user, request.POST.get("code", ""))
    return redirect("join")


def _page(request: HttpRequest, status: int = 200, **shown: Any) -> HttpResponse:
    seats = classes.seats_of(request.user)
    joined = request.GET.get("joined")
    shown |= {
        "seats": seats,
        "looking_possible": settings.CLASS_MAY_LOOK,
        # Of those there are: an address that somebody else made says nothing.
        "joined": next((seat.in_class for seat in seats if seat.in_class.code == joined), None),
    }
    return render(request, "classroom/join.html", shown, status=status)
