"""`manage.py class`: make classes, seat learners, close classes."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

import limits
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from classroom import classes
from classroom.models import Class, User


class Command(BaseCommand):
    help = "make: a class, printing its code; seat: learners; share-previews, looking: rules; list; close: end it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        make = actions.add_parser("make", help="make a class and print its code")
        make.add_argument("name")
        make.add_argument("--instructor", help="user name of whoever teaches it")
        make.add_argument("--start-rate", default="", help="such as 60/minute; default: the site's")
        words = "its learners are offered to share the addresses of their previews"
        make.add_argument("--share-previews", action="store_true", help=words)
        share = actions.add_parser("share-previews", help=f"whether {words}")
        share.add_argument("code")
        share.add_argument("offered", choices=["on", "off"])
        look = actions.add_parser("looking", help="whether its instructor may look at terminals")
        look.add_argument("code")
        look.add_argument("allowed", choices=["on", "off"])
        seat = actions.add_parser("seat", help="give accounts a seat without a code typed by them")
        seat.add_argument("code")
        seat.add_argument("learners", nargs="+")
        actions.add_parser("list", help="open classes, their codes and seats")
        close = actions.add_parser("close", help="nobody joins it any more, and it limits nobody")
        close.add_argument("code")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        actions: dict[str, Callable[..., None]] = {
            "make": self._make,
            "seat": self._seat,
            "list": self._list,
            "close": self._close,
            "share-previews": self._share_previews,
            "looking": self._looking,
        }
        actions[action](**options)

    def _make(
        self,
        *,
        name: str,
        instructor: str | None,
        start_rate: str,
        share_previews: bool,
        **_: Any,
    ) -> None:
        try:
            if start_rate:
                limits.parse(start_rate)
            teacher = _account(instructor) if instructor else None
        except ValueError as error:
            raise CommandError(f"{start_rate} is no rate. Write <count>/<unit>.") from error
        made = classes.open_class(name, teacher, start_rate, shares_previews=share_previews)
        self.stdout.write(made.code)

    def _share_previews(self, *, code: str, offered: str, **_: Any) -> None:
        found = _class(code)
        classes.share_previews(found, offered == "on")
        self.stdout.write(f"Sharing previews in {found.name} is {offered}.")

    def _looking(self, *, code: str, allowed: str, **_: Any) -> None:
        found = _class(code)
        classes.allow(found, looking=allowed == "on", sharing=found.shares_previews)
        self.stdout.write(f"Looking at terminals in {found.name} is {allowed}.")

    def _seat(self, *, code: str, learners: list[str], **_: Any) -> None:
        found = _class(code)
        # All names first: a misspelt one seats nobody.
        for learner in [_account(name) for name in learners]:
            classes.seat(found, learner)
        self.stdout.write(f"{len(learners)} seated in {found.name}.")

    def _list(self, **_: Any) -> None:
        opened = Class.objects.filter(closed_at=None).annotate(taken=Count("seats"))
        for found in opened.order_by("name"):
            self.stdout.write(f"{found.code}  {found.taken:>4} seats  {found.name}")

    def _close(self, *, code: str, **_: Any) -> None:
        found = _class(code)
        classes.close(found)
        self.stdout.write(f"{found.name} is closed.")


def _class(code: str) -> Class:
    try:
        return classes.find(code)
    except classes.NoSuchClass as error:
        raise CommandError(f"{error.message} `manage.py class list` shows them.") from error


def _account(name: str) -> User:
    found = User.objects.filter(username=name).first()
    if found is None:
        raise CommandError(f"There is no account {name}.")
    return found
