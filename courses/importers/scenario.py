"""One Katacoda or Killercoda scenario, its index.json and files, as a draft of a lesson."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from courses.importers.assets import Assets
from courses.importers.backends import LAYOUTS, Environment, environment_of
from courses.importers.drafts import LessonDraft
from courses.importers.report import ScenarioReport, StepReport
from courses.importers.screens import Screens
from courses.importers.scripts import machine_setup
from courses.importers.source import Source
from courses.importers.values import as_list, as_text, mapping, one_line_of
from courses.importers.variables import Addresses

_MINUTES = re.compile(r"(\d{1,3})")


@dataclass
class ScenarioReader:
    """Reads the scenario whose files are in `folder` (with a final `/`, or empty) of the source."""

    source: Source
    folder: str
    index: dict[str, Any]
    report: ScenarioReport
    draft: LessonDraft = field(init=False)
    addresses: Addresses = field(init=False)

    def read(self) -> LessonDraft:
        """The lesson; whatever is missing or damaged is in the report."""
        details = mapping(self.index.get("details"))
        start = self.report.step("start")
        environment = self._environment(start)
        machines = tuple(environment.machines)
        self.addresses = Addresses(machines)
        self.draft = self._draft(environment)
        self._surroundings(start)
        assets = Assets(self.source, self.folder, start)
        assets.read(details.get("assets"), machines)
        self.draft.files |= assets.files
        background = ""
        sections = []
        screens = Screens(self.source, self.folder, self.draft, self.addresses)
        for kind, number, raw in self._screens(details):
            step = self.report.step(self._label(kind, number, raw))
            if environment.blocker:
                step.block(environment.blocker)
            section, started = screens.read(kind, number, raw, step)
            sections.append(section)
            background += started
        self.draft.body = "\n\n".join(section for section in sections if section)
        self.draft.previews = self.addresses.previews
        for machine in machines:
            moves = assets.moves.get(machine, [])
            first = background if machine == machines[0] else ""
            self.draft.setups[machine] = machine_setup(moves, first)
        return self.draft

    def _environment(self, start: StepReport) -> Environment:
        backend = mapping(self.index.get("backend"))
        environment = environment_of(as_text(backend.get("imageid")))
        if environment.loss:
            start.lose(environment.loss)
        if environment.blocker:
            start.block(environment.blocker)
        return environment

    def _draft(self, environment: Environment) -> LessonDraft:
        title = one_line_of(self.index.get("title"), 120, "Untitled scenario")
        summary = one_line_of(self.index.get("description"), 600, title)
        steps = as_list(mapping(self.index.get("details")).get("steps"))
        found = _MINUTES.search(as_text(self.index.get("time"))[:100])
        minutes = int(found[1]) if found else 5 * max(1, len(steps))
        layout = "split" if environment.machines else "text"
        return LessonDraft(
            title,
            summary,
            min(240, max(1, minutes)),
            environment.machines,
            layout,  # type: ignore[arg-type]
        )

    def _surroundings(self, start: StepReport) -> None:
        """Layout and the ports that were shown beside the terminal."""
        around = mapping(self.index.get("environment"))
        inner = mapping(self.index.get("interface"))
        layout = as_text(around.get("uilayout")) or as_text(inner.get("layout"))
        loss = LAYOUTS.get(layout.strip().lower(), f"the layout “{layout[:40]}” is unknown")
        if loss:
            start.lose(loss)
        for dashboard in map(mapping, as_list(around.get("dashboards"))):
            title = one_line_of(dashboard.get("name"), 60)
            self._dashboard(title, dashboard, start)
        if port := as_text(mapping(self.index.get("backend")).get("port")):
            self._dashboard("", {"port": port}, start)

    def _dashboard(self, title: str, dashboard: dict[str, Any], start: StepReport) -> None:
        port = as_text(dashboard.get("port"))
        if re.fullmatch(r"\d{1,5}", port) and self.draft.machines:
            self.addresses.add(1, int(port), start, title)
        elif self.draft.machines:
            start.lose(f"the tab “{title}” has no port of the lesson")

    def _screens(self, details: dict[str, Any]) -> list[tuple[str, int, dict[str, Any]]]:
        screens = []
        if details.get("intro"):
            screens.append(("intro", 0, mapping(details["intro"])))
        raw = details.get("steps")
        for number, step in enumerate(as_list(raw), start=1):
            screens.append(("step", number, mapping(step)))
        if details.get("finish"):
            screens.append(("finish", 0, mapping(details["finish"])))
        return screens

    def _label(self, kind: str, number: int, raw: dict[str, Any]) -> str:
        title = one_line_of(raw.get("title"), 60)
        return f"{number}. {title or 'without a title'}" if kind == "step" else kind
