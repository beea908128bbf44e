"""The authors' page knows every key and directive."""

import re
from pathlib import Path

import pytest

from courses.directives import BODYLESS, WITH_BODY
from courses.loader import load_course
from courses.schema import CourseMeta, LessonMeta, TaskMeta

PAGE_FOLDER = Path(__file__).parents[2] / "docs"
PAGE = (PAGE_FOLDER / "authoring.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("model", [CourseMeta, LessonMeta, TaskMeta])
def test_every_key_is_documented(model):
    assert [key for key in model.model_fields if f"{key}:" not in PAGE] == []


def test_every_directive_is_documented():
    assert [kind for kind in BODYLESS | WITH_BODY if f":::{kind}" not in PAGE] == []


def test_browser_test_drives_every_directive():
    """tests/e2e/test_directives.py goes through this lesson on real machines."""
    lesson = PAGE_FOLDER.parent / "tests/e2e/courses/every-directive/01-all/lesson.md"
    text = lesson.read_text(encoding="utf-8")
    fences = ("{run}", "{run on=", "copy}", "{copy}", "{file=", "{output}")
    wanted = [*(f":::{kind}" for kind in BODYLESS | WITH_BODY), *fences]
    assert [directive for directive in wanted if directive not in text] == []


def test_table_of_concepts_names_each_lesson_of_the_flagship_course_and_no_other(flagship):
    concepts = (PAGE_FOLDER / "concepts.md").read_text(encoding="utf-8")
    course = load_course(flagship / "containers-vs-vms").course
    named = set(re.findall(r"\b\d\d-[a-z-]+", concepts))
    assert named == {lesson.folder for lesson in course.lessons}
