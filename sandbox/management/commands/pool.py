"""`manage.py pool warm --kind docker --count 60`: machines that are up when the class begins."""

from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from sandbox import pool
from sandbox.errors import SandboxError
from sandbox.models import PoolOrder


class Command(BaseCommand):
    help = "warm: have machines ready for a class; show: what there is; cancel: forget all orders."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        warm = actions.add_parser("warm", help="order warm machines")
        warm.add_argument("--kind", required=True)
        warm.add_argument("--count", type=int, required=True)
        warm.add_argument("--name", default="", help="the machine's name in the lesson")
        warm.add_argument("--at", default="", help="HH:MM in this host's time; now if left out")
        warm.add_argument("--minutes", type=int, default=30, help="how long they are kept ready")
        actions.add_parser("show", help="orders, and warm machines by kind and name")
        actions.add_parser("cancel", help="forget all orders; machines nobody wants are removed")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if action == "warm":
            self._warm(options)
        elif action == "cancel":
            count, _ = PoolOrder.objects.all().delete()
            self.stdout.write(f"{count} orders forgotten")
        else:
            self._show()

    def _warm(self, options: dict[str, Any]) -> None:
        begins_at = _moment(options["at"])
        try:
            made = pool.order(
                options["kind"], options["count"], begins_at, options["minutes"], options["name"]
            )
        except SandboxError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        until = timezone.localtime(made.ends_at)
        self.stdout.write(
            f"{made.count} warm {made.kind} machines named {made.name} "
            f"from {timezone.localtime(made.begins_at):%H:%M} to {until:%H:%M} {until:%Z}"
        )

    def _show(self) -> None:
        for order in pool.open_orders():
            self.stdout.write(f"order: {order}")
        for kind, name, ready, wanted in pool.standing():
            self.stdout.write(f"{kind} {name}: {ready} ready of {wanted}")


def _moment(text: str) -> datetime:
    """Today's HH:MM in this host's own time, tomorrow's if that is over; now for nothing."""
    if not text:
        return timezone.now()
    try:
        clock = datetime.strptime(text, "%H:%M")  # noqa: DTZ007  the date comes below
    except ValueError as error:
        raise CommandError(
            f"{text} is not a time. Write it as HH:MM, for instance 08:55."
        ) from error
    now = datetime.now().astimezone()
    then = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return then if then >= now else then + timedelta(days=1)
