"""The JSON API: one NinjaAPI, routers by name, errors in one shape.

Every error body is `{"error": {"code", "message", "hint"}}`; some add fields, such as the
`sandbox_id` of `sandbox_live`. Each error is a line of the log, with the sandbox's id if it is
about one.
"""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import re_path
from django.utils.encoding import escape_uri_path
from django.utils.module_loading import import_string
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

log = logging.getLogger(__name__)
SEE_DOCS = _("See /api/docs for what is expected.")
# What the request itself was, whatever it was about: code and hint of each status.
HTTP_ERRORS = {
    400: ("bad_request", SEE_DOCS),
    403: ("forbidden", _("Reload the page, or send Authorization: Bearer <token>.")),
    404: ("not_found", _("See /api/docs for the addresses that there are.")),
}


class SlipwayAPI(NinjaAPI):
    """NinjaAPI whose readable page is ours, at /api/docs, and whose every error has our shape."""

    def docs_page(self, request: HttpRequest) -> HttpResponse:
        """Every operation as a plain page, made from the OpenAPI schema; no scripts."""
        return render(request, "api/docs.html", {"schema": self.get_openapi_schema()})

    def _get_urls(self) -> list[Any]:
        """Ninja's own, which has no hook for these two: a wrong method and an unknown address."""
        found: list[Any] = super()._get_urls()
        *operations, root = found
        for operation in operations:
            operation.callback = _method_checked(operation.callback)
        # The root is there for the names of addresses; it serves nothing.
        return [*operations, re_path("", csrf_exempt(_unknown)), root]


api = SlipwayAPI(
    title="Slipway",
    version="1",
    description="Courses, sandboxes, checks and progress. Authorise with a session cookie "
    "and X-CSRFToken, or with `Authorization: Bearer <token>`.",
    docs_url=None,
    openapi_url="/openapi.json",
    auth=import_string("classroom.auth.ApiAuth")(),
)


def _answer(
    request: HttpRequest, status: int, code: str, message: str, hint: str, **more: Any
) -> HttpResponse:
    match = request.resolver_match
    sandbox = more.get("sandbox_id") or (match and match.kwargs.get("sandbox_id")) or "none"
    # What the caller wrote stands in it as one line, whatever it is.
    log.warning(
        "%s %s refused: %d %s %r; sandbox %s, learner %s",
        request.method,
        escape_uri_path(request.path),
        status,
        code,
        message,
        escape_uri_path(str(sandbox)),
        getattr(request.user, "pk", None),
    )
    body = {"error": {"code": code, "message": message, "hint": hint, **more}}
    return api.create_response(request, body, status=status)


def _domain_error(request: HttpRequest, error: Any) -> HttpResponse:
    more = getattr(error, "details", {})
    response = _answer(request, error.status, error.code, error.message, error.hint, **more)
    if retry := getattr(error, "retry_after_seconds", None):
        response["Retry-After"] = str(retry)
    return response


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    first = error.errors[0] if error.errors else {}
    where = ".".join(str(part) for part in first.get("loc", ())[1:])
    message = f"{where}: {first.get('msg', 'not valid')}" if where else "The request is not valid."
    return _answer(request, 422, "invalid", message, gettext(SEE_DOCS))


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    code, hint = HTTP_ERRORS.get(error.status_code, ("error", SEE_DOCS))
    return _answer(request, error.status_code, code, gettext(str(error)), gettext(hint))


def _not_signed_in(request: HttpRequest, error: Any) -> HttpResponse:
    hint = gettext("Open the site in this browser first, or send Authorization: Bearer <token>.")
    message = gettext("This needs a session or a token.")
    return _answer(request, 401, "not_signed_in", message, hint)


def _method_checked(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        methods = ", ".join(sorted(response["Allow"].split(", ")))
        hint = gettext("Use one of: %(methods)s.") % {"methods": methods}
        message = gettext("Nothing is done here by %(method)s.") % {"method": request.method}
        answer = _answer(request, 405, "wrong_method", message, hint)
        answer["Allow"] = methods
        return answer

    return checked


def _unknown(request: HttpRequest) -> HttpResponse:
    return _http_error(request, HttpError(404, _("The API has no such address.")))


api.add_exception_handler(import_string("sandbox.errors.SandboxError"), _domain_error)
api.add_exception_handler(ValidationError, _invalid)
api.add_exception_handler(HttpError, _http_error)
api.add_exception_handler(AuthenticationError, _not_signed_in)
api.add_router("", "courses.api.router")
api.add_router("", "courses.api_author.router")
api.add_router("", "sandbox.api.router")
api.add_router("", "classroom.api.router")
api.add_router("", "sandbox.run_api.router")
api.add_router("", "sandbox.terminal_api.router")
api.add_router("", "sandbox.recording_api.router")
