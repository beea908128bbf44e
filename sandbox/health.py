"""Probes: /healthz (the process answers), /readyz (Start works), /metrics (Prometheus)."""

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from sandbox import hosts
from sandbox.models import Sandbox, State
from sandbox.specs import RUNNABLE_KINDS


def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """200 only when a learner could press Start now; 503 with the reasons otherwise."""
    reasons: list[str] = []
    try:
        connection.ensure_connection()
        state = hosts.availability()
        if not state.available:
            reasons.append(state.message)
        elif not any(hosts.availability([kind]).available for kind in RUNNABLE_KINDS):
            reasons.append("Every kind of machine is off: manage.py sandboxreport says why.")
    except DatabaseError as error:
        reasons.append(f"The database does not answer: {error}")
    if not any(settings.COURSES_PATH.glob("*/course.yaml")):
        reasons.append("There is no course in COURSES_PATH.")
    return JsonResponse({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)


def metrics(request: HttpRequest) -> HttpResponse:
    """Sandboxes by state, in the Prometheus text format."""
    registry = CollectorRegistry()
    gauge = Gauge("slipway_sandboxes", "Sandboxes by state.", ["state"], registry=registry)
    counted = dict(Sandbox.objects.values_list("state").annotate(Count("pk")))
    for state in State.values:
        gauge.labels(state).set(counted.get(state, 0))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
