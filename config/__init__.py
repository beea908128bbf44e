"""Wiring: settings, URLs, ASGI, Celery, API. Knows the apps by name only."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
