"""Importing a path into a folder of courses, from beginning to end."""

from __future__ import annotations

from pathlib import Path

from courses.importers.collection import Collection
from courses.importers.report import ImportReport
from courses.importers.source import open_source
from courses.importers.writer import write_courses, write_reports
from courses.loader import load_course


def import_scenarios(path: Path, into: Path) -> tuple[list[Path], ImportReport]:
    """Write the courses found at `path` below `into`; returns their folders and the report.

    Raises NotImportable when the path can't be read, or a course's folder exists already.
    """
    report = ImportReport()
    drafts = Collection(open_source(path), report).courses()
    roots = write_courses(drafts, into, report)
    for root in roots:
        # What the importer made is read as any course is; a fault would be ours, and is told.
        report.notes += [f"{root.name}: {problem}" for problem in load_course(root).problems]
    write_reports(roots, report)
    return roots, report
