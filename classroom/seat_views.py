"""The page of one learner for whoever teaches their class: how far they are, and their terminals."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from classroom import class_page, classes
from classroom.class_views import found_class, live_part
from classroom.models import Seat
from classroom.people import is_signed_in


@require_safe
def one_seat(request: HttpRequest, code: str, seat_id: int) -> HttpResponse:
    """The learner; `?terminal=machine/name` says which terminal to look at."""
    if not is_signed_in(request.user):
        return redirect_to_login(request.get_full_path(), reverse("account_login"))
    shown = _shown(request, code, seat_id)
    query = urlencode({"terminal": request.GET.get("terminal", "")})
    shown["board"] = f"{reverse('seat-live', args=[code, seat_id])}?{query}"
    return render(request, "classroom/seat.html", shown)


@require_safe
@cache_control(private=True, no_cache=True)
def live(request: HttpRequest, code: str, seat_id: int) -> HttpResponse:
    """What of the page changes by itself; 304 while nothing has."""
    return live_part(request, "classroom/seat_live.html", _shown(request, code, seat_id))


@require_POST
def remove(request: HttpRequest, code: str, seat_id: int) -> HttpResponse:
    """Take the seat away."""
    classes.remove(found_class(request, code), seat_id)
    return redirect("class", code)


def _shown(request: HttpRequest, code: str, seat_id: int) -> dict[str, Any]:
    found = found_class(request, code)
    try:
        return class_page.seat(found, seat_id, request.user, request.GET.get("terminal", ""))
    except Seat.DoesNotExist as error:
        raise Http404 from error
