"""One screen of a scenario (intro, step or finish) as a section of a lesson, with its task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from courses.folder import MAX_MARKDOWN_BYTES, MAX_SCRIPT_BYTES
from courses.importers.assets import HOME
from courses.importers.drafts import LessonDraft, TaskDraft
from courses.importers.markers import Buttons
from courses.importers.quizzes import one_line
from courses.importers.report import StepReport
from courses.importers.scripts import (
    FOLDER,
    background_script,
    check_script,
    command_script,
    internet_needs,
    interpreter_of,
)
from courses.importers.source import Source, Unreadable
from courses.importers.steps import StepText
from courses.importers.values import as_text, one_line_of
from courses.importers.variables import Addresses
from courses.schema import MAX_TASKS

# Room for the rest of lesson.md.
_MAX_BODY_BYTES = MAX_MARKDOWN_BYTES - 16 * 1024
_OLD_KEYS = {"background": "courseData", "foreground": "code"}


@dataclass
class Screens:
    """Reads the screens of one scenario; tasks and files go to the draft."""

    source: Source
    folder: str
    draft: LessonDraft
    addresses: Addresses
    size_bytes: int = 0

    def read(
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
