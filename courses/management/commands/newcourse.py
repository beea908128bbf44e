"""manage.py newcourse PATH [--title T] [--kind K]: a course with one working lesson."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from django.core.management.base import BaseCommand, CommandError, CommandParser

from courses.schema import MachineKind
from courses.skeleton import NotPossible, new_course


class Command(BaseCommand):
    """Writes a folder that checkcourse finds nothing wrong with."""

    help = "Begin a course: a folder with course.yaml and one lesson that works."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="the new folder; its name is the address")
        parser.add_argument("--title", help="default: from the folder's name")
        parser.add_argument("--kind", choices=get_args(MachineKind), default="shell")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            written = new_course(options["path"].absolute(), options["title"], options["kind"])
        except (NotPossible, OSError) as error:
            raise CommandError(str(error)) from None
        for path in written:
            self.stdout.write(str(path))
        self.stdout.write(f"Next: manage.py checkcourse {options['path']}")
