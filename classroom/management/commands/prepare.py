"""`manage.py prepare`: what must be done before the site starts; safe to repeat."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from classroom.models import User
from courses.catalogue import courses, lone_machines
from sandbox import hosts, pool

INSTRUCTOR = "instructor"


class Command(BaseCommand):
    help = "Check settings, migrate, look at the courses and the engine, make the instructor."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("check", fail_level="ERROR")
        call_command("migrate", verbosity=0, interactive=False)
        if not courses():  # reading them logs what is wrong with any
            self.stderr.write(f"There is no course in {settings.COURSES_PATH}.")
        pool.expect(lone_machines())
        # Where this process has no engine, the worker's own look is the true one.
        if settings.SANDBOX_ENGINE_ACCESS and (host := hosts.refresh()).problem:
            self.stderr.write(f"Start is off: {host.problem} {host.hint}")
        self.stdout.write(self._instructor())

    def _instructor(self) -> str:
        """Make the first instructor once; say how to sign in."""
        kept = settings.SLIPWAY_DATA / "instructor-password"
        if not User.objects.filter(username=INSTRUCTOR).exists():
            password = secrets.token_urlsafe(9)
            try:
                kept.write_text(password + "\n", encoding="ascii")
                kept.chmod(0o600)
            except OSError as error:
                raise CommandError(f"{kept} can't be written: {error}") from error
            User.objects.create_user(INSTRUCTOR, password=password, role=User.Role.INSTRUCTOR)
        if kept.exists():
            password = kept.read_text(encoding="ascii").strip()
            return f"Instructor: {INSTRUCTOR} / {password} (kept in {kept.name}; change it there)"
        return f"Instructor: {INSTRUCTOR}"
