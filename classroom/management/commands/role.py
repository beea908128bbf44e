"""`manage.py role NAME ROLE`: what somebody with an account may do."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from classroom.models import User
from classroom.people import give_role


class Command(BaseCommand):
    help = "Make a user a learner, an instructor or an operator."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("role", choices=User.Role.values)

    def handle(self, *args: Any, name: str, role: str, **options: Any) -> None:
        try:
            give_role(name, role)
        except User.DoesNotExist as error:
            raise CommandError(f"There is no account {name}. Sign up on the site first.") from error
        self.stdout.write(f"{name} is {role} now.")
