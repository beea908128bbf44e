"""Writing drafts as course folders, never over something that is there."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import yaml

from courses import markdown
from courses.importers.drafts import CourseDraft, LessonDraft, TaskDraft
from courses.importers.html import escaped
from courses.importers.pieces import code_spans
from courses.importers.prose import ABSOLUTE
from courses.importers.report import ImportReport
from courses.importers.scripts import INSIDE
from courses.importers.source import NotImportable

_BRACKET = re.compile(r"(?<!\\)(\\*)\[")
_CHOICE = re.compile(r"- \[[ x]\] ")
_TODO = (
    "Each task wants a second solution (`solve-2.sh`) and a better near-miss (`nearmiss.sh`), and"
    " its `solve.sh` is what the page has people run. `manage.py testcourse` tells whether the"
    " checks can tell right from wrong."
)


def write_courses(drafts: list[CourseDraft], into: Path, report: ImportReport) -> list[Path]:
    """Write each draft to a folder below `into`; returns the folders.

    Raises NotImportable, before anything is written, when one of them exists.
    """
    names = _distinct([_slug(draft.slug, "imported") for draft in drafts])
    for name in names:
        if (into / name).exists() or (into / name).is_symlink():
            raise NotImportable(
                f"{into / name} exists. Move it away, or import into another folder."
            )
    roots = [into / name for name in names]
    for root, draft in zip(roots, drafts, strict=True):
        _write_course(root, draft)
    _name_lessons(drafts, names, report)
    return roots


def lesson_folders(draft: CourseDraft) -> list[str]:
    """The names of the lessons' folders, in order."""
    slugs = _distinct([_slug(slug, "lesson") for slug, _ in draft.lessons])
    return [f"{number:02d}-{slug}" for number, slug in enumerate(slugs, start=1)]


def _write_course(root: Path, draft: CourseDraft) -> None:
    root.mkdir(parents=True)
    folders = lesson_folders(draft)
    meta = {
        "title": draft.title,
        "summary": draft.summary,
        "audience": "Everybody whom the imported text speaks to",
        "language": "en",
        "licence": "As the source says",
        "lessons": folders,
    }
    _write(root / "course.yaml", _yaml(meta))
    for folder, (_, lesson) in zip(folders, draft.lessons, strict=True):
        _write_lesson(root / folder, lesson)


def _write_lesson(folder: Path, lesson: LessonDraft) -> None:
    meta: dict[str, Any] = {
        "title": lesson.title,
        "summary": lesson.summary,
        "minutes": lesson.minutes,
    }
    if lesson.machines:
        meta["machines"] = {name: {"kind": kind} for name, kind in lesson.machines.items()}
    if lesson.previews:
        meta["previews"] = [
            {"machine": machine, "port": port, "title": title}
            for machine, port, title in lesson.previews
        ]
    meta["layout"] = lesson.layout
    folder.mkdir()
    body = last_resort(lesson.body) or "This lesson has no text."
    _write(folder / "lesson.md", f"---\n{_yaml(meta)}---\n\n{body}\n")
    for name, script in lesson.setups.items():
        _write(folder / "setup" / f"{name}.sh", f"#!/bin/bash\n{script}")
    for (machine, path), (data, mode) in lesson.files.items():
        target = folder / "files" / machine / path
        if _writable(folder / "files" / machine, target):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            target.chmod(mode)
    for task in lesson.tasks:
        _write_task(folder / "tasks" / task.name, task)


def _write_task(folder: Path, task: TaskDraft) -> None:
    meta: dict[str, Any] = {"title": task.title, "machine": task.machine, "timeout_seconds": 60}
    if task.needs:
        meta["needs"] = list(task.needs)
    _write(folder / "task.md", f"---\n{_yaml(meta)}---\n{task.text}\n")
    for name, text in task.files.items():
        first = "#!/bin/bash\n" if name.endswith(".sh") and INSIDE in text else ""
        _write(folder / name, first + (last_resort(text) if name.endswith(".md") else text))


def last_resort(text: str) -> str:
    """The Markdown with what may still be HTML, a picture or a dead link made plain text."""
    lines = text.split("\n")
    links = markdown.link_targets(text)
    dead = [item for item in links if not ABSOLUTE.match(item.value)]
    found = {item.line for item in (*markdown.raw_html(text), *markdown.images(text), *dead)}
    done = 0
    for number in sorted(found):
        for index in range(max(done, number - 1), len(lines)):
            if index > number - 1 and not lines[index].strip():
                break
            lines[index] = _plain_line(lines[index])
            done = index + 1
    return "\n".join(lines)


def _plain_line(line: str) -> str:
    # The mark of a quiz's choice is ours.
    kept = _CHOICE.match(line)
    out, position = [kept[0] if kept else ""], kept.end() if kept else 0
    for start, _, _, end in code_spans(line):
        out += [_plain(line[position:start]), line[start:end]]
        position = end
    return "".join([*out, _plain(line[position:])])


def _plain(text: str) -> str:
    def one_more(match: re.Match[str]) -> str:
        return match[1] + "\\" * (1 - len(match[1]) % 2) + "["

    return _BRACKET.sub(one_more, escaped(text))


def _writable(top: Path, target: Path) -> bool:
    """Whether no file stands where the target needs a folder, and no folder where it stands."""
    between = [parent for parent in target.parents if parent.is_relative_to(top)]
    return not target.is_dir() and not any(parent.is_file() for parent in between)


def _name_lessons(drafts: list[CourseDraft], names: list[str], report: ImportReport) -> None:
    """Tell the report where each scenario that became a lesson went, and write it beside them."""
    placed = {
        id(lesson): f"{name}/{folder}"
        for draft, name in zip(drafts, names, strict=True)
        for folder, (_, lesson) in zip(lesson_folders(draft), draft.lessons, strict=True)
    }
    for scenario in report.scenarios:
        if scenario.draft is not None:
            scenario.lesson = placed.get(id(scenario.draft), "")


def write_reports(roots: list[Path], report: ImportReport) -> None:
    """IMPORT.md in each course: what its author still has to do."""
    for root in roots:
        own = ImportReport([s for s in report.scenarios if s.lesson.startswith(f"{root.name}/")])
        text = "\n".join(own.lines()).replace("```", "'''")
        _write(root / "IMPORT.md", f"# Imported\n\n{_TODO}\n\n```text\n{text}\n```\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def _yaml(data: dict[str, Any]) -> str:
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=1000)


def _slug(name: str, default: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    # The loader takes a number in front for the lesson's place and drops it.
    slug = re.sub(r"^\d+-", "", slug)
    return slug[:50].strip("-") or default


def _distinct(slugs: list[str]) -> list[str]:
    seen: set[str] = set()
    out = []
    for slug in slugs:
        name, number = slug, 2
        while name in seen:
            name, number = f"{slug}-{number}", number + 1
        seen.add(name)
        out.append(name)
    return out
