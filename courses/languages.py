"""Which languages the reader of the page at hand reads, best first.

A course may be in more languages than the interface, so this does not follow Django's choice:
what was chosen in the menu comes first, then what the browser asks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.decorators import sync_and_async_middleware
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language_info, gettext
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.http import require_POST
from django.views.i18n import JavaScriptCatalog

from sandbox import sentences

CODE = re.compile(r"^[a-z]{2,3}(-[a-z0-9]{2,8})?$")
_wanted: ContextVar[tuple[str, ...]] = ContextVar("wanted_languages", default=())


def wanted() -> tuple[str, ...]:
    """Language codes in small letters; none where no page is being made (a worker, a command)."""
    return _wanted.get()


def of_request(request: HttpRequest) -> tuple[str, ...]:
    """The menu's choice, then the browser's languages."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "").lower()
    asked = parse_accept_lang_header(request.headers.get("Accept-Language", ""))
    codes = [chosen, *(code.lower() for code, _ in asked)]
    return tuple(dict.fromkeys(code for code in codes if CODE.match(code)))


@sync_and_async_middleware
def reader_languages(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Middleware: `wanted()` is the request's while it is answered."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> Any:
            token = _wanted.set(of_request(request))
            try:
                return await get_response(request)
            finally:
                _wanted.reset(token)

        return answer_async

    def answer(request: HttpRequest) -> Any:
        token = _wanted.set(of_request(request))
        try:
            return get_response(request)
        finally:
            _wanted.reset(token)

    return answer


def menu(request: HttpRequest) -> dict[str, Any]:
    """Template variable `languages`: (code, its own name) of each that one can choose."""
    from courses import catalogue  # asks this module what is wanted

    codes = dict(settings.LANGUAGES)
    for code in catalogue.course_languages():
        codes.setdefault(code, _own_name(code))
    chosen = next((code for code in wanted() if code in codes), "")
    return {"languages": sorted(codes.items()), "language_chosen": chosen}


def _own_name(code: str) -> str:
    try:
        return str(get_language_info(code)["name_local"]).capitalize()
    except KeyError:
        return code


class Words(JavaScriptCatalog):
    """The scripts' words in the language of the page, as a script; of locale/ alone."""

    def get_paths(self, packages: list[str]) -> list[str]:
        return [str(path) for path in settings.LOCALE_PATHS]

    def get_catalog(self) -> dict[str, Any]:
        """With the sentences of workers, which scripts get as they were written: in English."""
        of_workers = {f"said\x04{text}": gettext(text) for text in sentences.templates()}
        return {**super().get_catalog(), **of_workers}


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the language of the menu in a cookie and go back to the page."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(
        back, {request.get_host()}, require_https=request.is_secure()
    ):
        back = "/"
    answer = HttpResponseRedirect(back)
    code = request.POST.get("language", "").lower()
    if CODE.match(code):
        answer.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            code,
            max_age=settings.SESSION_COOKIE_AGE,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return answer
