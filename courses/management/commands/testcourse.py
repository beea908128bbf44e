"""manage.py testcourse PATH [--lesson X] [--jobs N] [--junit FILE]: prove it on a real engine."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from courses.content import Course, Lesson
from courses.errors import KindNotRunnable, NoMachines
from courses.folder import CourseFolder
from courses.junit import write_junit
from courses.launch import require_runnable
from courses.lint import lint_course
from courses.own_services import run_with_own_services, site_is_there
from courses.rehearsal import Finding, Rehearsal


class Command(BaseCommand):
    """Exits with 1 on any surprise, and when a lesson can't be read."""

    help = "Run every check of a course against fresh machines, near-misses and solutions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a folder with course.yaml")
        parser.add_argument("--lesson", help="only this lesson: its folder or its slug")
        parser.add_argument("--jobs", type=int, default=1, help="lessons at once (default: 1)")
        parser.add_argument("--junit", type=Path, help="write the outcome as JUnit XML as well")

    def handle(self, *args: Any, **options: Any) -> None:
        root: Path = options["path"].resolve()
        if not site_is_there():
            self.stderr.write("No site is set up here: this run has services of its own.")
            raise SystemExit(run_with_own_services(_arguments(options)))
        loaded, problems = lint_course(root)
        if errors := [problem for problem in problems if problem.level == "error"]:
            for problem in errors:
                self.stderr.write(str(problem))
        if loaded.course is None:
            raise SystemExit(1)
        lessons = self._chosen(loaded.course, options["lesson"])
        findings = self._rehearse(root, loaded.course, lessons, max(1, options["jobs"]))
        if options["junit"]:
            write_junit(options["junit"], root.name, findings, errors)
        surprises = sum(finding.surprising for finding in findings)
        self._print_table(findings)
        for finding in findings:
            if finding.surprising and finding.detail:
                place = f"{finding.lesson} {finding.task} {finding.step}"
                self.stdout.write(f"! {place}: {finding.detail}")
        self.stdout.write(f"{len(findings)} steps, {surprises} surprises, {len(errors)} errors")
        if surprises or errors:
            raise SystemExit(1)

    def _chosen(self, course: Course, wanted: str | None) -> list[Lesson]:
        if wanted is None:
            return [lesson for lesson in course.lessons if self._runnable(lesson)]
        lesson = course.lesson(wanted)
        if lesson is None:
            raise CommandError(f"the course has no lesson {wanted} that can be read")
        return [lesson] if self._runnable(lesson) else []

    def _runnable(self, lesson: Lesson) -> bool:
        try:
            require_runnable(lesson)
        except (NoMachines, KindNotRunnable) as error:
            self.stdout.write(f"{lesson.folder}: skipped: {error.message}")
            return False
        return True

    def _rehearse(
        self, root: Path, course: Course, lessons: list[Lesson], jobs: int
    ) -> list[Finding]:
        findings: list[Finding] = []
        writing = threading.Lock()
        folder = CourseFolder(root)
        planned = sum(Rehearsal(folder, course, each, _unheard).planned() for each in lessons)

        def report(finding: Finding) -> None:
            with writing:
                findings.append(finding)
                mark = "!" if finding.surprising else " "
                count = f"[{len(findings)}/{max(planned, len(findings))}]"
                place = " ".join(part for part in (finding.lesson, finding.task) if part)
                self.stdout.write(f"{mark} {count} {place} {finding.step}: {finding.found}")
                self.stdout.flush()

        def rehearse(lesson: Lesson) -> None:
            try:
                Rehearsal(folder, course, lesson, report).run()
            finally:
                connections.close_all()

        if jobs == 1:
            for lesson in lessons:
                Rehearsal(folder, course, lesson, report).run()
        else:
            with ThreadPoolExecutor(jobs) as threads:
                list(threads.map(rehearse, lessons))
        order = {lesson.folder: lesson.number for lesson in lessons}
        return sorted(findings, key=lambda finding: order[finding.lesson])

    def _print_table(self, findings: list[Finding]) -> None:
        head = ("", "lesson", "task", "step", "expected", "found", "s", "last line")
        rows = [head] + [
            (
                "!" if finding.surprising else "",
                *(finding.lesson, finding.task, finding.step, finding.expected, finding.found),
                f"{finding.seconds:.2f}",
                finding.detail[:60],
            )
            for finding in findings
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        self.stdout.write("")
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            self.stdout.write("  ".join(cells).rstrip())


def _unheard(finding: Finding) -> None:
    """For a rehearsal that is only asked what it will do."""


def _arguments(options: dict[str, Any]) -> list[str]:
    """The same call for another process."""
    given = ["testcourse", str(options["path"].absolute()), f"--jobs={options['jobs']}"]
    given += [f"--lesson={options['lesson']}"] if options["lesson"] else []
    return given + ([f"--junit={options['junit'].absolute()}"] if options["junit"] else [])
