"""Translations of a course: the same tasks and questions, in other words.

Scripts, machines and files exist once. A translated file says only what people read, so it can
lag behind: what is not translated, or does not fit any more, is shown as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from courses import folder as limits
from courses.body import BodyReader
from courses.content import Course, Lesson, Task
from courses.folder import CourseFolder
from courses.frontmatter import split
from courses.glossary import Term, TermMarker, read_glossary
from courses.links import LinkTable
from courses.markdown import render
from courses.pictures import read_pictures
from courses.problems import ContentError, ContentProblem
from courses.questions import Prediction, Quiz
from courses.schema import CourseMeta, CourseTranslation, LessonTranslation, TaskTranslation
from courses.yaml_reader import read_yaml

MAX_LANGUAGES = 20
_FILE = re.compile(
    r"^(course|glossary|lesson|task)\.(?P<language>[a-z]{2,3}(-[a-z]{2,4})?)\.(yaml|md)$"
)


def read_translations(
    folder: CourseFolder, meta: CourseMeta, course: Course
) -> tuple[dict[str, Course], list[ContentProblem]]:
    """The course by language, and what is wrong with its translated files."""
    translations: dict[str, Course] = {}
    problems: list[ContentProblem] = []
    for language in _languages(folder, course):
        translator = _Translator(folder, meta, language)
        translations[language] = translator.course(course)
        problems += translator.problems
    return translations, problems


def linked(lessons: list[Lesson]) -> tuple[Lesson, ...]:
    """The lessons, each knowing its neighbours among those that could be read."""
    return tuple(
        replace(
            lesson,
            previous=lessons[index - 1].link if index else None,
            next=lessons[index + 1].link if index + 1 < len(lessons) else None,
        )
        for index, lesson in enumerate(lessons)
    )


def _languages(folder: CourseFolder, course: Course) -> list[str]:
    names = [entry.name for entry in folder.files_of_root()]
    for lesson in course.lessons:
        names += folder.files(lesson.folder)
        for task in lesson.tasks:
            names += folder.files(f"{lesson.folder}/tasks/{task.name}")
    found = {match["language"] for name in names if (match := _FILE.match(name))}
    return sorted(found - {course.language.lower()})[:MAX_LANGUAGES]


@dataclass
class _Translator:
    """Reads one language of a course, collecting problems."""

    folder: CourseFolder
    meta: CourseMeta
    language: str
    problems: list[ContentProblem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.links = LinkTable(self.folder.root.name, self.meta.lessons)

    def course(self, course: Course) -> Course:
        terms = self._glossary() or course.glossary
        lessons = [self._lesson_or_original(lesson, terms) for lesson in course.lessons]
        shown = replace(course, language=self.language, lessons=linked(lessons), glossary=terms)
        path = f"course.{self.language}.yaml"
        try:
            if not self.folder.has_file(path):
                return shown
            text = self.folder.read_text(path, limits.MAX_META_BYTES)
            words = read_yaml(text, CourseTranslation, path)
        except ContentError as error:
            self.problems.extend(error.problems)
            return shown
        return replace(shown, title=words.title, summary=words.summary, audience=words.audience)

    def _glossary(self) -> tuple[Term, ...]:
        try:
            return read_glossary(self.folder, self.meta, f"glossary.{self.language}.yaml")
        except ContentError as error:
            self.problems.extend(error.problems)
            return ()

    def _lesson_or_original(self, lesson: Lesson, terms: tuple[Term, ...]) -> Lesson:
        tasks = tuple(self._task_or_original(lesson, task) for task in lesson.tasks)
        path = f"{lesson.folder}/lesson.{self.language}.md"
        try:
            if not self.folder.has_file(path):
                return replace(lesson, tasks=tasks)
            return self._lesson(lesson, tasks, path, terms)
        except ContentError as error:
            self.problems.extend(error.problems)
            return replace(lesson, tasks=tasks)

    def _lesson(
        self, lesson: Lesson, tasks: tuple[Task, ...], path: str, terms: tuple[Term, ...]
    ) -> Lesson:
        document = split(self.folder.read_text(path, limits.MAX_MARKDOWN_BYTES), path)
        words = read_yaml(document.meta, LessonTranslation, path, first_line=2)
        marker = TermMarker(self.links.course, terms)
        pictures, _ = read_pictures(self.folder, lesson.folder)
        body = BodyReader(
            path,
            tuple(machine.name for machine in lesson.machines),
            frozenset(task.name for task in lesson.tasks),
            self.links.resolver(path),
            pictures,
            lambda name, picture: self.links.picture(lesson.folder, name, picture.digest),
            marker,
        )
        body.read(document.body, document.body_line)
        problems = [*body.problems, *_differences(lesson, body)]
        if problems:
            raise ContentError(problems)
        return replace(
            lesson,
            title=words.title,
            summary=words.summary,
            objectives=words.objectives or lesson.objectives,
            body=tuple(body.blocks),
            lines=tuple(body.lines),
            tasks=tasks,
            quizzes={n: _same_quiz(quiz, lesson.quizzes[n]) for n, quiz in body.quizzes.items()},
            predictions={
                n: _same_guess(guess, lesson.predictions[n])
                for n, guess in body.predictions.items()
            },
            pictures=body.pictures,
            terms=tuple(marker.seen.values()),
            language=self.language,
        )

    def _task_or_original(self, lesson: Lesson, task: Task) -> Task:
        base = f"{lesson.folder}/tasks/{task.name}"
        path = f"{base}/task.{self.language}.md"
        try:
            if not self.folder.has_file(path):
                return task
            return self._task(task, base, path)
        except ContentError as error:
            self.problems.extend(error.problems)
            return task

    def _task(self, task: Task, base: str, path: str) -> Task:
        document = split(self.folder.read_text(path, limits.MAX_MARKDOWN_BYTES), path)
        words = read_yaml(document.meta, TaskTranslation, path, first_line=2)
        if len(words.hints) != len(task.hints_html):
            message = f"{len(words.hints)} hints, task.md has {len(task.hints_html)}"
            raise ContentError([ContentProblem(path, None, message, "translate each of them")])
        link = self.links.resolver(path)
        solution = f"{base}/solution.{self.language}.md"
        translated = task.solution_html
        if self.folder.has_file(solution):
            text = self.folder.read_text(solution, limits.MAX_MARKDOWN_BYTES)
            translated = render(text, link)
        return replace(
            task,
            title=words.title,
            html=render(document.body, link),
            hints_html=tuple(render(hint, link) for hint in words.hints),
            solution_html=translated,
        )


def _differences(lesson: Lesson, body: BodyReader) -> Iterator[ContentProblem]:
    """What makes a translation another lesson: its tasks and questions have to be the same."""
    pairs = (
        ("tasks", [task.name for task in lesson.tasks], body.task_order),
        ("quizzes", sorted(lesson.quizzes), sorted(body.quizzes)),
        ("predictions", sorted(lesson.predictions), sorted(body.predictions)),
    )
    for what, written, translated in pairs:
        if written != translated:
            message = f"its {what} are {_names(translated)}, those of lesson.md {_names(written)}"
            yield ContentProblem(body.path, None, message, "the same, by the same names")
    for name, quiz in body.quizzes.items():
        other = lesson.quizzes.get(name)
        if other and [c.right for c in quiz.choices] != [c.right for c in other.choices]:
            message = f"the choices of the quiz “{name}” are not those of lesson.md"
            yield ContentProblem(body.path, quiz.line, message, "the same, in the same order")
    for name, guess in body.predictions.items():
        first = lesson.predictions.get(name)
        if first and (len(guess.choices), bool(guess.unit)) != (
            len(first.choices),
            bool(first.unit),
        ):
            message = f"the choices of the prediction “{name}” are not those of lesson.md"
            yield ContentProblem(body.path, guess.line, message, "the same, in the same order")


def _names(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _same_quiz(translated: Quiz, written: Quiz) -> Quiz:
    """An answer counts in every language: it is kept by number, for the wording of lesson.md."""
    return replace(translated, digest=written.digest)


def _same_guess(translated: Prediction, written: Prediction) -> Prediction:
    return replace(translated, kept_as=written.choices)
