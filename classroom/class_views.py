"""The pages of those who teach: their classes, and one class with its board."""

from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from classroom import class_page, classes, warming
from classroom.models import Class
from classroom.people import is_signed_in
from sandbox import pool
from sandbox.errors import SandboxUserError

ORDER_FIELDS = ("shape", "count", "minutes", "at", "zone")


@require_safe
def all_classes(request: HttpRequest) -> HttpResponse:
    """The classes of whoever looks, and a form for another one."""
    if not is_signed_in(request.user):
        return redirect_to_login(request.path, reverse("account_login"))
    require_teacher(request)
    return render(
        request, "classroom/classes.html", {"classes": class_page.taught_by(request.user)}
    )


@require_POST
def open_class(request: HttpRequest) -> HttpResponse:
    """Make a class that the caller teaches."""
    require_teacher(request)
    name = " ".join(request.POST.get("name", "").split())[:100]
    if not name:
        return redirect("classes")
    made = classes.open_class(name, request.user)  # type: ignore[arg-type]
    return redirect("class", made.code)


@require_safe
def one_class(request: HttpRequest, code: str) -> HttpResponse:
    """Code, board, warm machines."""
    if not is_signed_in(request.user):
        return redirect_to_login(request.path, reverse("account_login"))
    return _page(request, code)


@require_safe
@cache_control(private=True, no_cache=True)
def board(request: HttpRequest, code: str) -> HttpResponse:
    """What of the page changes by itself; 304 while nothing has. `zone`: the browser's."""
    shown = class_page.live(found_class(request, code), request.user)
    zone = warming.zone_of(request.GET.get("zone", ""))
    with timezone.override(zone):
        return live_part(request, "classroom/live.html", shown, str(zone))


@require_POST
def warm(request: HttpRequest, code: str) -> HttpResponse:
    """Order warm machines."""
    found = found_class(request, code)
    asked = {name: request.POST.get(name, "") for name in ORDER_FIELDS}
    zone = warming.zone_of(asked["zone"])
    try:
        warming.order(found, asked["shape"], asked["count"], asked["minutes"], asked["at"], zone)
    except SandboxUserError as error:
        return _page(request, code, error=error, asked=asked, status=422)
    return redirect(f"{reverse('class', args=[code])}#warm")


@require_POST
def forget(request: HttpRequest, code: str) -> HttpResponse:
    """Forget an order; machines that nobody wants any more are removed."""
    warming.forget(found_class(request, code), request.POST.get("order", ""))
    return redirect(f"{reverse('class', args=[code])}#warm")


@require_POST
def allow(request: HttpRequest, code: str) -> HttpResponse:
    """Say what the class allows. Looking is for its instructor alone to allow."""
    found = found_class(request, code)
    looking = (
        "looking" in request.POST if found.instructor_id == request.user.pk else found.may_look
    )
    classes.allow(found, looking=looking, sharing="sharing" in request.POST)
    return redirect(f"{reverse('class', args=[code])}#rules")


@require_POST
def close(request: HttpRequest, code: str) -> HttpResponse:
    """End a class."""
    classes.close(found_class(request, code))
    return redirect("classes")


def _page(request: HttpRequest, code: str, status: int = 200, **more: Any) -> HttpResponse:
    found = found_class(request, code)
    shown = class_page.live(found, request.user) | {
        "looking_possible": settings.CLASS_MAY_LOOK and found.instructor_id == request.user.pk,
        "shapes": pool.shapes(),
        "zone": timezone.get_default_timezone_name(),
    }
    return render(request, "classroom/class.html", shown | more, status=status)


def live_part(
    request: HttpRequest, template: str, shown: dict[str, Any], zone: str = ""
) -> HttpResponse:
    """A part of a page that is asked for again and again; 304 for a browser that has it."""
    etag = class_page.version(shown, zone)
    unchanged: HttpResponse | None = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        return unchanged
    # Without the request: nothing in it is the viewer's own, so that it stays the same.
    return HttpResponse(render_to_string(template, shown), headers={"ETag": etag})


def found_class(request: HttpRequest, code: str) -> Class:
    """An open class that the caller teaches. Raises Http404."""
    require_teacher(request)
    return get_object_or_404(class_page.taught_by(request.user), code=code)


def require_teacher(request: HttpRequest) -> None:
    """Raises Http404 for everybody who teaches nothing."""
    if not class_page.may_teach(request.user):
        raise Http404
