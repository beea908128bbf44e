"""`manage.py sandboxreport`: what this host keeps, what it does not, and what to change."""

import json
import textwrap
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from sandbox import examination, hosts
from sandbox.report import KindState, Report, Row, report

WIDTH = 100
SIGNS = {"kept": "✓", "not kept": "✗", "not known": "?"}


class Command(BaseCommand):
    help = (
        "What this host keeps of what the kinds of machine promise. Ends with 0 when every "
        "promise that a kind requires is kept, with 1 otherwise, an accepted risk included."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--again", action="store_true", help="examine the host now")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["again"] and not settings.SANDBOX_ENGINE_ACCESS:
            raise CommandError("This process may not reach the engine: run it beside the worker.")
        if settings.SANDBOX_ENGINE_ACCESS:
            hosts.refresh()
            examination.examine() if options["again"] else examination.ensure()
        found = report()
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), indent=2))
        else:
            self._print(found)
        if not found.all_kept:
            raise SystemExit(1)

    def _print(self, found: Report) -> None:
        if found.problem:
            self.stdout.write(f"Start is off: {found.problem} {found.hint}\n\n")
        if found.examined_at is None:
            self.stdout.write("This host was not examined yet.")
            return
        facts = found.facts
        self.stdout.write(
            f"Engine {facts['engine']}, Linux {facts['kernel']}, cgroups {facts['cgroups']}, "
            f"{facts['storage']} on {facts['file_system'] or 'an unknown file system'}. "
            f"Examined {found.examined_at:%Y-%m-%d %H:%M:%S} UTC.\n\n"
        )
        for row in found.rows:
            self._print_row(row)
        self.stdout.write("")
        for kind in found.kinds:
            self.stdout.write(kind_line(kind))

    def _print_row(self, row: Row) -> None:
        needed = ", ".join(row.required_by)
        told = ", ".join(row.told_for)
        for_whom = f"required by {needed}" if needed else f"told for {told}"
        accepted = ", accepted" if row.accepted else ""
        head = f"{SIGNS[row.verdict]} {row.id:<18} {row.verdict + accepted:<10}  {for_whom}"
        self.stdout.write(head)
        for text in (row.words, f"Seen: {row.evidence}.", f"→ {row.todo}" if row.todo else ""):
            for line in textwrap.wrap(text, WIDTH - 4):
                self.stdout.write(f"    {line}")


def kind_line(kind: KindState) -> str:
    """One line of the table of kinds."""
    why = f": {', '.join(kind.missing)} not kept" if kind.missing else ""
    accepted = f" (accepted: {', '.join(kind.accepted)})" if kind.accepted else ""
    runtime = f", runtime {kind.runtime}" if kind.runtime else ""
    outside = f"; may reach {', '.join(kind.egress)}" if kind.egress else ""
    return f"{kind.kind:<8} {'on' if kind.on else 'off'}{runtime}{why}{accepted}{outside}"
