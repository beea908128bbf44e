"""One Katacoda or Killercoda scenario, its index.json and files, as a draft of a lesson."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from courses.folder import MAX_MARKDOWN_BYTES, MAX_SCRIPT_BYTES
from courses.importers.assets import HOME, Assets
from courses.importers.backends import LAYOUTS, Environment, environment_of
from courses.importers.drafts import LessonDraft, TaskDraft
from courses.importers.markers import Buttons
from courses.importers.quizzes import one_line
from courses.importers.report import ScenarioReport, StepReport
from courses.importers.scripts import (
    FOLDER,
    background_script,
    check_script,
    command_script,
    internet_needs,
    interpreter_of,
    machine_setup,
)
from courses.importers.source import Source, Unreadable
from courses.importers.steps import StepText
from courses.importers.values import as_list, as_text, mapping, one_line_of
from courses.importers.variables import Addresses
from courses.schema import MAX_TASKS

_MINUTES = re.compile(r"(\d{1,3})")
# Room for the rest of lesson.md.
_MAX_BODY_BYTES = MAX_MARKDOWN_BYTES - 16 * 1024
_OLD_KEYS = {"background": "courseData", "foreground": "code"}
TIMEOUT_SECONDS = 60


@dataclass
class ScenarioReader:
    """Reads the scenario whose files are in `folder` (with a final `/`, or empty) of the source."""

    source: Source
    folder: str
    index: dict[str, Any]
    report: ScenarioReport
    draft: LessonDraft = field(init=False)
    size_bytes: int = 0

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
        for kind, number, raw in self._screens(details):
            step = self.report.step(self._label(kind, number, raw))
            if environment.blocker:
                step.block(environment.blocker)
            section, started = self._screen(kind, number, raw, step)
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

    def _screen(
        self, kind: str, number: int, raw: dict[str, Any], step: StepReport
    ) -> tuple[str, str]:
        """The Markdown of one screen, and what its background script adds to the set-up."""
        name = f"step-{number}" if kind == "step" else kind
        buttons = Buttons(tuple(self.draft.machines), step)
        parts = [self._heading(kind, number, raw, step)]
        opener, started = self._openers(kind, name, raw, step, last_task=bool(raw.get("verify")))
        parts += opener
        text = self._text(raw.get("text"), "text", step)
        if text is None:
            parts.append(":::warning\nThe text of this step is missing in the source.\n:::")
        else:
            converter = StepText(step, buttons, self.addresses, name)
            parts.append(converter.convert(text))
        for what in internet_needs("\n".join(code for _, code in buttons.commands)):
            step.lose(f"a command {what}: needs the internet")
        if raw.get("hint"):
            step.lose("a script that makes up hints is not run")
        if raw.get("verify"):
            parts.append(self._task(name, raw, step, buttons))
        section = "\n\n".join(part for part in parts if part)
        self.size_bytes += len(section.encode())
        if self.size_bytes > _MAX_BODY_BYTES:
            self.size_bytes -= len(section.encode())
            self.draft.tasks = [task for task in self.draft.tasks if task.name != name]
            step.block("left out: the lesson would be larger than a lesson may be")
            return "", started
        return section, started

    def _heading(self, kind: str, number: int, raw: dict[str, Any], step: StepReport) -> str:
        title = one_line(one_line_of(raw.get("title"), 120), step)
        if kind == "intro":
            return ""
        return f"## {title or ('In the end' if kind == 'finish' else f'Step {number}')}"

    def _openers(
        self, kind: str, name: str, raw: dict[str, Any], step: StepReport, *, last_task: bool
    ) -> tuple[list[str], str]:
        """What ran by itself when the screen opened: blocks for it, and the part of the set-up."""
        parts, started = [], ""
        background = self._script(raw, "background", step)
        if background and self.draft.machines:
            script, interpreter = background
            if kind == "intro":
                started = background_script(script, interpreter, name)
            elif not last_task:
                parts.append(self._by_click(name, "background", script, interpreter, step))
        foreground = self._script(raw, "foreground", step)
        if foreground and self.draft.machines:
            parts.append(self._by_click(name, "foreground", *foreground, step))
        return parts, started

    def _by_click(
        self, name: str, kind: str, script: str, interpreter: str, step: StepReport
    ) -> str:
        """A block that runs a script that ran by itself elsewhere; foreground ones in the shell."""
        machine = next(iter(self.draft.machines))
        path = f"{FOLDER}/{name}-{kind}"
        self.draft.files[(machine, f"{HOME}/{path}")] = (script.encode(), 0o644)
        step.lose(f"its {kind} script runs by a click, not by itself")
        own = kind == "foreground" and interpreter == "bash"
        call = f". ~/{path}" if own else f"{interpreter} ~/{path}"
        if kind == "background":
            call += f" >~/{path}.log 2>&1 &"
        return f"Run this first:\n\n```sh {{run on={machine}}}\n{call}\n```"

    def _task(self, name: str, raw: dict[str, Any], step: StepReport, buttons: Buttons) -> str:
        found = self._script(raw, "verify", step)
        if found is None or not self.draft.machines:
            return ""
        if len(self.draft.tasks) == MAX_TASKS:
            step.lose(f"no task: a lesson has {MAX_TASKS}")
            return ""
        machine = next(iter(self.draft.machines))
        commands = [code for where, code in buttons.commands if where == machine]
        files = {
            "check.sh": check_script(*found),
            "solve.sh": command_script(commands or ["# Write what solves the step."]),
            "nearmiss.sh": "# Having done nothing is not enough.\ntrue\n",
        }
        others: dict[str, list[str]] = {}
        for where, code in buttons.commands:
            if where != machine:
                others.setdefault(where, []).append(code)
        files |= {f"solve.{where}.sh": command_script(codes) for where, codes in others.items()}
        answer = self._text(raw["answer"], "answer", step) if raw.get("answer") else None
        if answer:
            quiet = Buttons((), StepReport(""))
            shown = StepText(quiet.report, quiet, Addresses(tuple(self.draft.machines)), name)
            files["solution.md"] = _bare(shown.convert(answer))
        background = self._script(raw, "background", StepReport(""))
        if background:
            files["setup.sh"] = background_script(*background, name)
        needs = (self.draft.tasks[-1].name,) if self.draft.tasks else ()
        title = one_line_of(raw.get("title"), 120, name)
        text = "Do what this step asks for, then check."
        self.draft.tasks.append(TaskDraft(name, title, machine, needs, text, files))
        return f":::task {name}\n:::"

    def _script(self, raw: dict[str, Any], key: str, step: StepReport) -> tuple[str, str] | None:
        """Text and interpreter of a script; None when there is none that can run."""
        value = raw.get(key) or raw.get(_OLD_KEYS.get(key, ""))
        if not value:
            return None
        text = self._text(value, f"{key} script", step, MAX_SCRIPT_BYTES // 2)
        if text is None or not text.strip():
            return None
        interpreter = interpreter_of(text)
        if interpreter is None:
            step.lose(f"its {key} script asks for a program that is not on the machine")
            return None
        for what in internet_needs(text):
            step.lose(f"its {key} script {what}: needs the internet")
        return self.addresses.in_code(text, step), interpreter

    def _text(
        self, value: Any, what: str, step: StepReport, limit_bytes: int = MAX_MARKDOWN_BYTES
    ) -> str | None:
        """The text of a file named in the index; None (and reported) when there is none."""
        name = as_text(value)
        path = self.source.find(f"{self.folder}{name.lstrip('/')}") if name.strip() else None
        shown = one_line_of(name, 60, "(no name)")
        tell = step.block if what == "text" else step.lose
        if path is None:
            tell(f"its {what} “{shown}” is missing")
            return None
        try:
            data = self.source.read(path, limit_bytes)
        except Unreadable as error:
            tell(f"its {what} “{shown}” is {error}")
            return None
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            step.lose(f"its {what} “{shown}” is not UTF-8")
            text = data.decode("latin-1")
        return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")


def _bare(text: str) -> str:
    """Markdown without directives and buttons, for a solution."""
    kept = [line for line in text.split("\n") if not line.startswith(":::")]
    return "\n".join(
        line.partition("{")[0].rstrip() if line.startswith("```") else line for line in kept
    )
