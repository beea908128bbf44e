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
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation.trans_real import parse_accept_lang_header

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
