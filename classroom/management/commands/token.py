"""`manage.py token create --name NAME --role ROLE`: an API token on standard output."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from classroom.models import Token, User
from classroom.people import user_for_token_name


class Command(BaseCommand):
    help = "Make an API token and print it, and nothing else, on standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a token")
        create.add_argument("--name", required=True, help="user name the token acts as")
        create.add_argument("--role", choices=User.Role.values, default=User.Role.LEARNER)

    def handle(self, *args: Any, name: str, role: str, **options: Any) -> None:
        try:
            user = user_for_token_name(name, role)
        except ValueError as error:
            raise CommandError(f"{error} Choose another --name.") from error
        self.stdout.write(Token.issue(user, name))
