"""The page on which learners look at recordings of their terminals; its data comes by the API."""

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe


# The player's terminal is WebAssembly, which this keyword allows without allowing eval.
@require_safe
@ensure_csrf_cookie
@csp_update({"script-src": ["'wasm-unsafe-eval'"]})
def recordings(request: HttpRequest) -> HttpResponse:
    """The empty page; `recordings.js` fills it."""
    return render(request, "recordings.html")
