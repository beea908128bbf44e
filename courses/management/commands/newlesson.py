"""manage.py newlesson COURSE NAME [--title T] [--kind K]: a working lesson behind the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from django.core.management.base import BaseCommand, CommandError, CommandParser

from courses.schema import MachineKind
from courses.skeleton import NotPossible, new_lesson


class Command(BaseCommand):
    """Writes the lesson's folder and lists it in course.yaml."""

    help = "Add a lesson that works to a course."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("course", type=Path, help="a folder with course.yaml")
        parser.add_argument("name", help="small letters, digits and hyphens; numbered by itself")
        parser.add_argument("--title", help="default: from the name")
        parser.add_argument("--kind", choices=get_args(MachineKind), default="shell")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            written = new_lesson(
                options["course"].absolute(), options["name"], options["title"], options["kind"]
            )
        except (NotPossible, OSError) as error:
            raise CommandError(str(error)) from None
        for path in written:
            self.stdout.write(str(path))
        self.stdout.write(f"Next: manage.py checkcourse {options['course']}")
