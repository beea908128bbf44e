"""The Celery application; tasks live in each app's `tasks.py`."""

import os
import warnings

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# On one machine the worker is root on purpose: it hands control groups over to machines.
warnings.filterwarnings("ignore", message=".*superuser privileges", module="celery")

app = Celery("slipway")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
