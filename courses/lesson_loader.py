"""Reading one lesson's folder."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from courses import folder as limits
from courses.blocks import Slot
from courses.body import BodyReader
from courses.content import Lesson, Machine, Preview, Task
from courses.folder import CourseFolder
from courses.frontmatter import Document, split
from courses.glossary import Term, TermMarker
from courses.links import LinkTable, slug_of
from courses.pictures import Picture, read_pictures
from courses.problems import ContentError, ContentProblem, fail
from courses.schema import MAX_TASKS, LessonMeta
from courses.task_loader import TaskReader
from courses.yaml_reader import read_yaml

_IMAGE = re.compile(r"^[a-z0-9][a-z0-9._/-]{0,120}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,60})?$")
_MAX_IMAGES = 20


@dataclass
class LessonReader:
    """Reads the lesson in `name`, collecting its problems."""

    folder: CourseFolder
    name: str
    number: int
    links: LinkTable
    terms: tuple[Term, ...] = ()
    language: str = ""
    # Whether a lesson with faults is returned as far as it can be read, for its author.
    lenient: bool = False
    problems: list[ContentProblem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._marker = TermMarker(self.links.course, self.terms)

    def read(self) -> Lesson:
        """The lesson; raises ContentError with every problem found."""
        path = f"{self.name}/lesson.md"
        document = split(self.folder.read_text(path, limits.MAX_MARKDOWN_BYTES), path)
        meta = read_yaml(document.meta, LessonMeta, path, first_line=2)
        machines = tuple(meta.machines)
        tasks = self._tasks(machines)
        pictures, problems = read_pictures(self.folder, self.name)
        self.problems.extend(problems)
        body = self._body(document, path, machines, tasks, pictures)
        lesson = self._assemble(meta, tasks, body)
        if self.problems and not self.lenient:
            raise ContentError(self.problems)
        return lesson

    def _assemble(self, meta: LessonMeta, tasks: dict[str, Task], body: BodyReader) -> Lesson:
        machines = tuple(meta.machines)
        blocks = [
            (block, line)
            for block, line in zip(body.blocks, body.lines, strict=True)
            if not isinstance(block, Slot) or self._filled(block, tasks, body)
        ]
        return Lesson(
            slug=slug_of(self.name),
            folder=self.name,
            number=self.number,
            title=meta.title,
            summary=meta.summary,
            minutes=meta.minutes,
            objectives=meta.objectives,
            machines=tuple(
                Machine(name, entry.kind, entry.guest or "small", entry.login or "auto")
                for name, entry in meta.machines.items()
            ),
            network=meta.network,
            previews=tuple(Preview(p.machine, p.port, p.title) for p in meta.previews),
            layout=meta.layout,
            body=tuple(block for block, _ in blocks),
            tasks=self._ordered(tasks, body.task_order),
            quizzes=body.quizzes,
            predictions=body.predictions,
            setups=self._setups(machines),
            files=self._files(machines),
            images=self._images(meta),
            pictures=body.pictures,
            terms=tuple(self._marker.seen.values()),
            lines=tuple(line for _, line in blocks),
            language=self.language,
        )

    def _filled(self, slot: Slot, tasks: dict[str, Task], body: BodyReader) -> bool:
        """Whether what stands there could be read; a page has no place for what could not."""
        if slot.kind == "task":
            return slot.name in tasks
        return slot.name in (body.quizzes if slot.kind == "quiz" else body.predictions)

    def _tasks(self, machines: tuple[str, ...]) -> dict[str, Task]:
        reader = TaskReader(self.folder, self.name, machines, self.links)
        names = self.folder.subfolders(f"{self.name}/tasks")
        if len(names) > MAX_TASKS:
            raise fail(f"{self.name}/tasks", None, f"more than {MAX_TASKS} tasks")
        tasks = {}
        for name in names:
            try:
                tasks[name] = reader.read(name)
            except ContentError as error:
                self.problems.extend(error.problems)
        for task in tasks.values():
            self._check_needs(task, frozenset(names))
        return tasks

    def _check_needs(self, task: Task, names: frozenset[str]) -> None:
        for need in task.needs:
            if need not in names:
                message = f"needs the unknown task “{need}”"
                self._problem(f"{self.name}/tasks/{task.name}/task.md", message)

    def _body(
        self,
        document: Document,
        path: str,
        machines: tuple[str, ...],
        tasks: dict[str, Task],
        pictures: dict[str, Picture],
    ) -> BodyReader:
        # A task that can't be read is reported once, not again where the page names it.
        names = frozenset(self.folder.subfolders(f"{self.name}/tasks")) | tasks.keys()
        body = BodyReader(
            path,
            machines,
            names,
            self.links.resolver(path),
            pictures,
            lambda name, picture: self.links.picture(self.name, name, picture.digest),
            self._marker,
        )
        body.read(document.body, document.body_line)
        self.problems.extend(body.problems)
        for name in sorted(names - set(body.task_order)):
            self._problem(
                path, f"the task “{name}” stands nowhere on the page", f"add “:::task {name}”"
            )
        return body

    def _ordered(self, tasks: dict[str, Task], order: list[str]) -> tuple[Task, ...]:
        """The tasks numbered as on the page; each may need earlier ones only, so no circles."""
        seen: set[str] = set()
        ordered = []
        for number, name in enumerate((name for name in order if name in tasks), start=1):
            for need in tasks[name].needs:
                if need in tasks and need not in seen:
                    message = f"needs “{need}”, which does not come before it on the page"
                    self._problem(f"{self.name}/tasks/{name}/task.md", message)
            seen.add(name)
            ordered.append(replace(tasks[name], number=number))
        return tuple(ordered)

    def _setups(self, machines: tuple[str, ...]) -> dict[str, str]:
        setups = {}
        for file in self.folder.files(f"{self.name}/setup"):
            path = f"{self.name}/setup/{file}"
            name = file.removesuffix(".sh")
            if name not in machines or name == file:
                self._problem(path, "names no machine of the lesson", "call it <machine>.sh")
                continue
            try:
                setups[name] = self.folder.read_text(path, limits.MAX_SCRIPT_BYTES)
            except ContentError as error:
                self.problems.extend(error.problems)
        return setups

    def _files(self, machines: tuple[str, ...]) -> dict[str, Path]:
        base = f"{self.name}/files"
        try:
            self.folder.check_tree(base, limits.MAX_FILES_BYTES)
        except ContentError as error:
            self.problems.extend(error.problems)
            return {}
        names = self.folder.subfolders(base)
        for name in sorted({*names, *self.folder.files(base)} - set(machines)):
            self._problem(f"{base}/{name}", "names no machine of the lesson")
        return {name: self.folder.path(f"{base}/{name}") for name in names if name in machines}

    def _images(self, meta: LessonMeta) -> tuple[str, ...]:
        path = f"{self.name}/images.txt"
        if not self.folder.has_file(path):
            return ()
        text = self.folder.read_text(path, limits.MAX_META_BYTES)
        images = []
        for number, line in enumerate(text.split("\n"), start=1):
            image = line.partition("#")[0].strip()
            if image and not _IMAGE.match(image):
                self._problem(path, f"“{image[:80]}” is no image name", line=number)
            elif image:
                images.append(image)
        if len(images) > _MAX_IMAGES:
            self._problem(path, f"more than {_MAX_IMAGES} images")
        if images and all(entry.kind != "docker" for entry in meta.machines.values()):
            self._problem(path, "no machine of kind docker to hold the images")
        return tuple(images)

    def _problem(self, path: str, message: str, hint: str = "", line: int | None = None) -> None:
        self.problems.append(ContentProblem(path, line, message, hint))
