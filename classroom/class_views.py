"""The pages of those who teach: their classes, and one class with its machines."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from classroom import class_page, classes
from classroom.people import is_signed_in, make_guest
from sandbox import pool
from sandbox.errors import SandboxError, SandboxUserError


@require_safe
def all_classes(request: HttpRequest) -> HttpResponse:
    """The classes of whoever looks, and a form for another one."""
    if not is_signed_in(request.user):
        return redirect_to_login(request.path, reverse("account_login"))
    _require_teacher(request)
    return render(
        request, "classroom/classes.html", {"classes": class_page.taught_by(request.user)}
    )


@require_POST
def open_class(request: HttpRequest) -> HttpResponse:
    """Make a class that the caller teaches."""
    _require_teacher(request)
    name = " ".join(request.POST.get("name", "").split())[:100]
    if not name:
        return redirect("classes")
    made = classes.open_class(name, request.user)  # type: ignore[arg-type]
    return redirect("class", made.code)


@require_safe
def one_class(request: HttpRequest, code: str) -> HttpResponse:
    """Seats, code, states of machines, warm machines."""
    if not is_signed_in(request.user):
        return redirect_to_login(request.path, reverse("account_login"))
    return _page(request, code)


@require_POST
def warm(request: HttpRequest, code: str) -> HttpResponse:
    """Order warm machines."""
    _found(request, code)
    asked = {name: request.POST.get(name, "") for name in ("shape", "count", "minutes", "later")}
    try:
        class_page.order_warm(**asked)
    except SandboxUserError as error:
        return _page(request, code, error=error, asked=asked, status=422)
    return redirect("class", code)


@require_POST
def forget(request: HttpRequest, code: str) -> HttpResponse:
    """Forget an order; machines that nobody wants any more are removed."""
    _found(request, code)
    pool.forget(request.POST.get("order", ""))
    return redirect("class", code)


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Take a seat by a class's code; who has no account yet is a guest from now on."""
    if request.method != "POST":
        return render(request, "classroom/join.html")
    if not request.user.is_authenticated:
        request.user = make_guest(request)
    code = request.POST.get("code", "")[:40]
    try:
        joined = classes.join(request.user, code)
    except SandboxError as error:
        shown = {"error": error, "code": code}
        return render(request, "classroom/join.html", shown, status=error.status)
    return render(request, "classroom/join.html", {"joined": joined})


def _page(request: HttpRequest, code: str, status: int = 200, **more: Any) -> HttpResponse:
    found = _found(request, code)
    states = class_page.seats(found)
    shown = {
        "found": found,
        "seats": states,
        "summary": class_page.summary(states),
        "shapes": pool.shapes(),
        "orders": pool.open_orders(),
        "warm": pool.standing(),
        "now": timezone.now(),
    }
    return render(request, "classroom/class.html", shown | more, status=status)


def _found(request: HttpRequest, code: str) -> Any:
    _require_teacher(request)
    return get_object_or_404(class_page.taught_by(request.user), code=code)


def _require_teacher(request: HttpRequest) -> None:
    if not class_page.may_teach(request.user):
        raise Http404
