"""Which scenarios a source holds, and how they make up courses.

A folder with index.json (or index.yaml) is a scenario. structure.json and *-pathway.json order
them; without either, the scenarios beside each other are a course.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from courses.folder import MAX_MARKDOWN_BYTES
from courses.importers.drafts import CourseDraft
from courses.importers.posts import PostReader, is_post
from courses.importers.report import ImportReport
from courses.importers.scenario import ScenarioReader
from courses.importers.source import Source, Unreadable
from courses.importers.values import (
    Damaged,
    as_list,
    as_text,
    mapping,
    one_line_of,
    read_json,
    read_yaml_object,
)
from courses.schema import MAX_LESSONS

_INDEX = ("index.json", "index.yaml", "index.yml")
_MAX_INDEX_BYTES = 1024 * 1024
_PATHWAY = "-pathway.json"


@dataclass
class Collection:
    """Reads a whole source into drafts of courses."""

    source: Source
    report: ImportReport
    _taken: set[str] = field(default_factory=set)

    def courses(self) -> list[CourseDraft]:
        """Every course with at least one lesson; what can't be read is in the report."""
        self.report.notes += [f"not looked at: {refused}" for refused in self.source.refused]
        indexes = self._indexes()
        drafts = [*self._structured(indexes), *self._pathways(indexes), *self._others(indexes)]
        posts = self._posts()
        if posts is not None:
            drafts.append(posts)
        if not drafts and not self.report.scenarios:
            self.report.notes.append("no index.json and no post with terminals was found")
        return [part for draft in drafts if draft.lessons for part in _in_parts(draft)]

    def _indexes(self) -> dict[str, str]:
        """The index file of each scenario, by the scenario's folder ("" for the top)."""
        found: dict[str, str] = {}
        for name in sorted(self.source.files):
            folder, _, file = name.rpartition("/")
            if file in _INDEX and "assets" not in folder.split("/"):
                found.setdefault(folder, name)
        return found

    def _structured(self, indexes: dict[str, str]) -> Iterator[CourseDraft]:
        for name in sorted(self.source.files):
            folder, _, file = name.rpartition("/")
            if file != "structure.json":
                continue
            data = self._object(name)
            draft = self._course(folder, one_line_of(data.get("title"), 120), "")
            for raw in as_list(data.get("items")):
                item = mapping(raw)
                path = posixpath.normpath(posixpath.join(folder, as_text(item.get("path"))))
                path = "" if path == "." else path
                if path != folder and f"{path}/structure.json" in self.source.files:
                    continue  # a course of its own
                inside = [path] if path in indexes else _below(indexes, path)
                inside = [] if path == folder else inside
                if not inside:
                    shown = one_line_of(item.get("path"), 60, "(no path)")
                    self.report.notes.append(f"{name}: “{shown}” is no scenario")
                for scenario in inside:
                    self._add(draft, scenario, indexes, one_line_of(item.get("title"), 120))
            yield draft

    def _pathways(self, indexes: dict[str, str]) -> Iterator[CourseDraft]:
        for name in sorted(self.source.files):
            if not name.endswith(_PATHWAY):
                continue
            data = self._object(name)
            stem = name.removesuffix(_PATHWAY)
            draft = self._course(stem, one_line_of(data.get("title"), 120), data.get("description"))
            for raw in as_list(data.get("courses")):
                wanted = as_text(mapping(raw).get("course_id")).strip("/ ")
                path = self._of_pathway(stem, wanted, indexes)
                if path is None:
                    shown = one_line_of(wanted, 60, "(no course_id)")
                    self.report.notes.append(f"{name}: “{shown}” is no scenario")
                else:
                    self._add(draft, path, indexes, one_line_of(mapping(raw).get("title"), 120))
            yield draft

    def _of_pathway(self, stem: str, wanted: str, indexes: dict[str, str]) -> str | None:
        if not wanted:
            return None
        beside = posixpath.join(posixpath.dirname(stem), wanted)
        for path in (f"{stem}/{wanted}", beside, wanted):
            if path in indexes:
                return path
        named = [path for path in indexes if path.rpartition("/")[2] == wanted]
        return named[0] if len(named) == 1 else None

    def _others(self, indexes: dict[str, str]) -> Iterator[CourseDraft]:
        """Scenarios that no course names, by the folder they stand in."""
        groups: dict[str, list[str]] = {}
        for folder in indexes:
            if folder not in self._taken:
                groups.setdefault(folder.rpartition("/")[0] if folder else "", []).append(folder)
        for parent, folders in groups.items():
            draft = self._course(folders[0] if folders == [""] else parent, "", "")
            for folder in folders:
                self._add(draft, folder, indexes, "")
            if len(draft.lessons) == 1 and len(groups) == 1:
                only = draft.lessons[0][1]
                draft.title, draft.summary = only.title, only.summary
            yield draft

    def _posts(self) -> CourseDraft | None:
        draft = self._course("", "", "")
        for name in sorted(self.source.files):
            if not name.endswith((".md", ".markdown")):
                continue
            try:
                text = self.source.read(name, MAX_MARKDOWN_BYTES).decode("utf-8", "replace")
            except Unreadable:
                continue
            if not is_post(text):
                continue
            report = self.report.scenario(name)
            slug = re.sub(r"^\d{4}-\d\d-\d\d-", "", name.rpartition("/")[2].rpartition(".")[0])
            report.draft = PostReader(text, report).read()
            draft.lessons.append((slug, report.draft))
        if len(draft.lessons) == 1:
            draft.title = draft.lessons[0][1].title
        return draft if draft.lessons else None

    def _course(self, folder: str, title: str, summary: Any) -> CourseDraft:
        name = folder.rpartition("/")[2] or self.source.name
        title = title or one_line_of(name.replace("-", " ").replace("_", " "), 120, "Imported")
        return CourseDraft(name, title, one_line_of(summary, 600, title))

    def _add(self, draft: CourseDraft, folder: str, indexes: dict[str, str], title: str) -> None:
        self._taken.add(folder)
        report = self.report.scenario(indexes[folder])
        index = self._index(indexes[folder])
        if index is None:
            return
        prefix = f"{folder}/" if folder else ""
        lesson = ScenarioReader(self.source, prefix, index, report).read()
        report.draft = lesson
        lesson.title = title or lesson.title
        draft.lessons.append((folder.rpartition("/")[2] or self.source.name, lesson))

    def _index(self, name: str) -> dict[str, Any] | None:
        scenario = self.report.scenarios[-1]
        try:
            text = self.source.read(name, _MAX_INDEX_BYTES).decode("utf-8", "replace")
            if not name.endswith(".json"):
                return read_yaml_object(text)
            index, mended = read_json(text)
            if mended:
                scenario.step("index").lose("its JSON had comments or commas too many")
            return index
        except (Damaged, Unreadable) as error:
            scenario.step("index").block(str(error))
            return None

    def _object(self, name: str) -> dict[str, Any]:
        try:
            return read_json(self.source.read(name, _MAX_INDEX_BYTES).decode("utf-8", "replace"))[0]
        except (Damaged, Unreadable) as error:
            self.report.notes.append(f"{name}: {error}")
            return {}


def _below(indexes: dict[str, str], path: str) -> list[str]:
    return [folder for folder in indexes if path and folder.rpartition("/")[0] == path]


def _in_parts(draft: CourseDraft) -> Iterator[CourseDraft]:
    """A course of more lessons than one may have, as several."""
    for number, start in enumerate(range(0, len(draft.lessons), MAX_LESSONS), start=1):
        more = f" ({number})" if len(draft.lessons) > MAX_LESSONS else ""
        part = draft.lessons[start : start + MAX_LESSONS]
        yield CourseDraft(
            f"{draft.slug}-{number}" if more else draft.slug,
            draft.title[: 120 - len(more)] + more,
            draft.summary,
            part,
        )
