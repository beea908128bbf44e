"""Addresses for operators and probes."""

from django.urls import path

from sandbox import health

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
]
