"""manage.py author PATH: write a course and see it as it grows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from courses.loader import COURSE_FILE

# What belongs to another site must not be touched by this one.
_OF_A_SITE = ("DATABASE_URL", "SLIPWAY_INSTANCE", "SECRET_KEY", "SLIPWAY_DATA", "REDIS_URL")
_ADDRESSES = ("SITE_URL", "SITE_URLS_EXTRA", "PREVIEW_HOST")


class Command(BaseCommand):
    """A whole site for one course, with services and data of its own, until Ctrl-C."""

    help = "Serve a course to its author: live reload, problems at their line, scripts at hand."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a folder with course.yaml")
        parser.add_argument("--port", type=int, default=8080, help="port of the site (8080)")
        parser.add_argument("--data", type=Path, help="keep progress here (default: nowhere)")

    def handle(self, *args: Any, **options: Any) -> None:
        root: Path = options["path"].resolve()
        if not (root / COURSE_FILE).is_file():
            hint = f"Make one with: ./manage.py newcourse {options['path']}"
            raise CommandError(f"{options['path']} has no {COURSE_FILE}. {hint}", returncode=2)
        self.stdout.write(f"The course: http://localhost:{options['port']}/courses/{root.name}/")
        self.stdout.flush()
        if options["data"]:
            raise SystemExit(_serve(root, options["port"], options["data"].resolve()))
        with tempfile.TemporaryDirectory(prefix="slipway-author-") as data:
            raise SystemExit(_serve(root, options["port"], Path(data)))


def _serve(root: Path, port: int, data: Path) -> int:
    """Run the supervisor until it ends. Ctrl-C reaches it too, and it ends everything in order."""
    command = [sys.executable, "-m", "config.supervise", "--port", str(port), "--data", str(data)]
    own = (*_OF_A_SITE, *_ADDRESSES)
    env = {key: value for key, value in os.environ.items() if key not in own}
    env |= {"COURSES_PATH": str(root.parent), "AUTHOR_COURSE": str(root)}
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=env)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
