"""Splitting a body: shapes, lines, and what is reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.directives import Container, Fence, Prose, parse_attributes, scan


def nodes(text):
    found, problems = scan(text, "f.md", 10)
    assert problems == []
    return found


def problem(text):
    _, problems = scan(text, "f.md", 10)
    assert len(problems) == 1
    return problems[0]


def test_fences_without_braces_stay_prose():
    assert nodes("a\n```sh\nls\n```\nb") == [Prose("a\n```sh\nls\n```\nb", 10)]


def test_fence_with_braces_is_taken_out():
    assert nodes("a\n\n```sh {run on=x}\nls\n```\nb") == [
        Prose("a\n", 10),
        Fence("sh", {"run": None, "on": "x"}, "ls\n", 12),
        Prose("b", 15),
    ]


def test_directive_inside_a_plain_fence_is_text():
    assert nodes("````md\n```sh {run}\n:::task x\n```\n````") == [
        Prose("````md\n```sh {run}\n:::task x\n```\n````", 10)
    ]


def test_bodyless_container_with_and_without_its_end():
    expected = [Container("task", "a", "", 10, 11), Prose("text", 12)]
    assert nodes(":::task a\n:::\ntext") == expected
    assert nodes(":::task a\n\ntext")[0] == expected[0]


def test_two_bodyless_containers_in_a_row():
    assert [node.argument for node in nodes(":::task a\n\n:::task b\n:::\n")] == ["a", "b"]


def test_container_keeps_fences_and_knows_where_its_body_starts():
    (node,) = nodes(":::note Title here\n```\n:::\n```\nx\n:::")
    assert node == Container("note", "Title here", "```\n:::\n```\nx", 10, 11)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a\n:::", 11, "closes nothing"),
        (":::note\nx", 10, "never closed"),
        ("```sh {run}\nls", 10, "never closed"),
        (":::nope x\n:::", 10, "unknown directive"),
        ("- a\n\n  ```sh {run}\n  ls\n  ```", 12, "margin"),
        ("- ```sh {run}\n  ls\n  ```", 10, "margin"),
        ("```sh {run on=}\nls\n```", 10, "can't read"),
        ("```sh {run} more\nls\n```", 10, "can't read"),
    ],
)
def test_faults_name_their_line(text, line, words):
    found = problem(text)
    assert (found.line, words in found.message) == (line, True)


def test_containers_do_not_nest():
    _, problems = scan(":::note\n:::hint\nx\n:::\n", "f.md", 1)
    assert [found.line for found in problems][:1] == [2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run", {"run": None}),
        ("run on=a copy", {"run": None, "on": "a", "copy": None}),
        ('file="~/my app/x" on=a', {"file": "~/my app/x", "on": "a"}),
        ("file=~/x.y-z/a_b", {"file": "~/x.y-z/a_b"}),
        ("", {}),
        ("run run", None),
        ("=x", None),
        ('file="x', None),
        ('file="a"b', None),
    ],
)
def test_attributes(text, expected):
    assert parse_attributes(text) == expected


@given(
    st.lists(
        st.sampled_from(
            [":::", ":::task a", ":::note", ":::quiz", "```", "````", "```sh {run}", "~~~", "x", ""]
        )
        | st.text(max_size=20),
        max_size=20,
    )
)
def test_no_line_is_lost_and_nothing_crashes(lines):
    text = "\n".join(lines)
    found, problems = scan(text, "f.md", 1)
    assert all(1 <= node.line <= text.count("\n") + 1 for node in found)
    assert all(1 <= (item.line or 1) <= text.count("\n") + 2 for item in problems)
