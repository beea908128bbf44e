"""manage.py importscenario PATH --into DIR [--json]: scenarios of other platforms as courses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from courses.importers.run import import_scenarios
from courses.importers.source import NotImportable


class Command(BaseCommand):
    """Exits with 1 when nothing could be imported; steps that can't run are in the report."""

    help = "Read Katacoda or Killercoda scenarios, or Play with Docker posts, into courses."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a folder, a zip or a Markdown post")
        parser.add_argument(
            "--into", type=Path, required=True, help="the folder that the courses go into"
        )
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            roots, report = import_scenarios(options["path"], options["into"])
        except (NotImportable, OSError) as error:
            raise CommandError(str(error), returncode=2) from None
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), indent=2))
        else:
            for line in report.lines():
                self.stdout.write(line)
            for root in roots:
                self.stdout.write(f"written: {root}")
        if not roots:
            raise SystemExit(1)
