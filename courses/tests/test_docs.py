"""The authors' page knows every key and directive."""

from pathlib import Path

import pytest

from courses.directives import BODYLESS, WITH_BODY
from courses.schema import CourseMeta, LessonMeta, TaskMeta

PAGE = (Path(__file__).parents[2] / "docs" / "authoring.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("model", [CourseMeta, LessonMeta, TaskMeta])
def test_every_key_is_documented(model):
    assert [key for key in model.model_fields if f"{key}:" not in PAGE] == []


def test_every_directive_is_documented():
    assert [kind for kind in BODYLESS | WITH_BODY if f":::{kind}" not in PAGE] == []
