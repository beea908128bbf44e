"""The JSON API: one NinjaAPI, routers by name, errors in one shape.

Every error body is `{"error": {"code", "message", "hint"}}`; some add fields, such as the
`sandbox_id` of `sandbox_live`.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.module_loading import import_string
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError


class SlipwayAPI(NinjaAPI):
    """NinjaAPI whose readable page is ours, at /api/docs."""

    def docs_page(self, request: HttpRequest) -> HttpResponse:
        """Every operation as a plain page, made from the OpenAPI schema; no scripts."""
        return render(request, "api/docs.html", {"schema": self.get_openapi_schema()})


api = SlipwayAPI(
    title="Slipway",
    version="1",
    description="Courses, sandboxes, checks and progress. Authorise with a session cookie "
    "and X-CSRFToken, or with `Authorization: Bearer <token>`.",
    docs_url=None,
    openapi_url="/openapi.json",
    auth=import_string("classroom.auth.ApiAuth")(),
)


def _body(code: str, message: str, hint: str = "", **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "hint": hint, **more}}


def _domain_error(request: HttpRequest, error: Any) -> HttpResponse:
    more = getattr(error, "details", {})
    response = api.create_response(
        request, _body(error.code, error.message, error.hint, **more), status=error.status
    )
    if retry := getattr(error, "retry_after_seconds", None):
        response["Retry-After"] = str(retry)
    return response


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    first = error.errors[0] if error.errors else {}
    where = ".".join(str(part) for part in first.get("loc", ())[1:])
    message = f"{where}: {first.get('msg', 'not valid')}" if where else "The request is not valid."
    return api.create_response(
        request, _body("invalid", message, "See /api/docs for what is expected."), status=422
    )


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    codes = {400: "bad_request", 403: "forbidden", 404: "not_found", 429: "too_many"}
    code = codes.get(error.status_code, "error")
    return api.create_response(request, _body(code, str(error)), status=error.status_code)


def _not_signed_in(request: HttpRequest, error: Any) -> HttpResponse:
    body = _body(
        "not_signed_in",
        "This needs a session or a token.",
        "Open the site in this browser first, or send Authorization: Bearer <token>.",
    )
    return api.create_response(request, body, status=401)


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
