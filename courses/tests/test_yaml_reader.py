"""YAML from strangers: bombs, tags, and anything at all."""

import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.problems import ContentError
from courses.schema import LessonMeta
from courses.yaml_reader import read_yaml

BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(ord(last) + 1)}: &{chr(ord(last) + 1)} [{', '.join([f'*{last}'] * 9)}]\n"
    for last in "abcdefgh"
)


def refused(text):
    with pytest.raises(ContentError) as caught:
        read_yaml(text, LessonMeta, "f.md")
    return caught.value.problems[0]


def test_alias_bomb_is_refused_quickly():
    began = time.monotonic()
    problem = refused(BOMB)
    assert "aliases" in problem.message
    assert problem.line == 2
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("bomb", ["[" * 5000, "{a: " * 5000, "- " * 5000, "a: " + "[x," * 900])
def test_deep_nesting_is_refused(bomb):
    assert "YAML" in refused(bomb).message


def test_endless_lists_are_refused():
    assert "too many" in refused("a: [" + "x," * 10_000 + "x]").message


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system ['true']", "!!python/name:os.system ''", "!foo bar"]
)
def test_tags_build_no_objects(tag):
    assert "YAML" in refused(f"title: {tag}\n").message


def test_repeated_key_is_refused_on_its_second_line():
    problem = refused("title: a\ntitle: b\n")
    assert (problem.line, "twice" in problem.message) == (2, True)


@pytest.mark.parametrize("text", ["", "[]", "text", "1", "null", "? [a]\n: b", "2001-99-99: x"])
def test_other_shapes_are_refused(text):
    assert refused(text)


def test_number_with_too_many_digits_is_refused():
    assert refused("minutes: " + "9" * 5000)


@given(st.text(max_size=400))
def test_no_text_crashes_the_reader(text):
    with contextlib.suppress(ContentError):
        read_yaml(text, LessonMeta, "f.md")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from([*LessonMeta.model_fields]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_no_value_crashes_the_schema(value):
    with contextlib.suppress(ContentError):
        read_yaml(json.dumps(value), LessonMeta, "f.md")
