"""manage.py checkcourse PATH [--json]: lint a course without an engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from courses.lint import lint_course


class Command(BaseCommand):
    """Exits with 1 when there is an error; warnings alone exit with 0."""

    help = "Check a course folder: schema, links, missing files, machines, scripts, raw HTML."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a folder with course.yaml")
        parser.add_argument("--json", action="store_true", help="print the problems as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        root: Path = options["path"].resolve()
        if not root.is_dir():
            raise CommandError(f"{options['path']} is no folder", returncode=2)
        loaded, problems = lint_course(root)
        errors = sum(problem.level == "error" for problem in problems)
        if options["json"]:
            self.stdout.write(json.dumps([problem.as_dict() for problem in problems], indent=2))
        else:
            for problem in problems:
                self.stdout.write(str(problem))
            lessons = len(loaded.course.lessons) if loaded.course else 0
            self.stdout.write(
                f"{root.name}: {lessons} lessons read, {errors} errors, "
                f"{len(problems) - errors} warnings"
            )
        if errors:
            raise SystemExit(1)
