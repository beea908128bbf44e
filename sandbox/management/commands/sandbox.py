"""`manage.py sandbox objects ID` lists what one has; `sandbox endall` ends all."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sandbox import shutdown
from sandbox.assembly import objects_of
from sandbox.errors import SandboxEngineError


class Command(BaseCommand):
    help = "objects ID: engine objects of a sandbox, one a line (kind, engine id, machine name)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        objects = actions.add_parser("objects", help="list containers, volumes and networks")
        objects.add_argument("id")
        actions.add_parser("endall", help="end every sandbox of this installation, here and now")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if action == "endall":
            self._end_all()
        else:
            self._objects(options["id"])

    def _end_all(self) -> None:
        left = shutdown.end_all()
        if left:
            raise CommandError(
                f"{left} could not be removed: the engine does not answer. "
                "The next start removes what is left."
            )

    def _objects(self, sandbox_id: str) -> None:
        try:
            found = objects_of(sandbox_id)
        except SandboxEngineError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        for what, engine_id, machine in found:
            self.stdout.write(f"{what} {engine_id} {machine}".rstrip())
