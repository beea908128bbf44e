"""The operators' page: what the host keeps, and which kinds of machine are on."""

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from classroom.people import is_operator, is_signed_in
from sandbox import dispatch
from sandbox.report import report


@require_safe
def operate(request: HttpRequest) -> HttpResponse:
    """The capability report."""
    if not is_signed_in(request.user):
        return redirect_to_login(request.path, reverse("account_login"))
    if not is_operator(request.user):
        raise Http404
    asked = "asked" in request.GET
    return render(request, "operate/report.html", {"report": report(), "asked": asked})


@require_POST
def examine(request: HttpRequest) -> HttpResponse:
    """Have a worker examine its host again."""
    if not is_operator(request.user):
        raise Http404
    dispatch.examine()
    return redirect(f"{reverse('operate')}?asked")
