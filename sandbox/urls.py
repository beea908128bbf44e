"""Addresses for operators and probes, and the page of recordings."""

from django.urls import path

from sandbox import health, recording_page

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("recordings/", recording_page.recordings, name="recordings"),
]
