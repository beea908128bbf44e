"""Metadata: what is accepted, and how a refusal reads."""

import pytest

from courses.problems import ContentError
from courses.schema import CourseMeta, LessonMeta, TaskMeta
from courses.tests.conftest import COURSE
from courses.yaml_reader import read_yaml

LESSON = "title: T\nsummary: S\nminutes: 5\n"


def problems(text, model=LessonMeta, first_line=1):
    with pytest.raises(ContentError) as caught:
        read_yaml(text, model, "f.md", first_line)
    return caught.value.problems


def test_smallest_lesson_gets_defaults():
    meta = read_yaml(LESSON, LessonMeta, "f.md")
    assert (meta.network, meta.layout, meta.machines) == ("isolated", "split", {})


def test_machines_keep_their_order():
    text = LESSON + "machines:\n  zeta: {kind: vm}\n  alpha: {kind: shell}\n"
    assert list(read_yaml(text, LessonMeta, "f.md").machines) == ["zeta", "alpha"]


def test_unknown_key_names_line_and_the_likely_meaning():
    (problem,) = problems(LESSON + "machine:\n  a: {kind: shell}\n")
    assert (problem.line, problem.message) == (4, "unknown key “machine”")
    assert "machines" in problem.hint


def test_line_counts_from_where_the_front_matter_starts():
    (problem,) = problems("title: T\nsummary: S\nminutes: x\n", first_line=2)
    assert problem.line == 4


def test_missing_key_is_named():
    assert "“minutes” is missing" in problems("title: T\nsummary: S\n")[0].message


@pytest.mark.parametrize(
    "line",
    [
        "minutes: '20'",
        "minutes: 0",
        "minutes: 241",
        "minutes: yes",
        "minutes: 1.5",
        "title: 12",
        "title: ''",
        f"title: {'x' * 121}",
        "network: host",
        "layout: wide",
        "machines: {Laptop: {kind: shell}}",
        "machines: {a: {kind: shell, privileged: true}}",
        "machines: {a: {kind: lxc}}",
        "machines: {a: {}, b: {kind: vm}, c: {kind: vm}, d: {kind: vm}, e: {kind: vm}}",
        "machines: {'a b': {kind: shell}}",
        "machines: {-a: {kind: shell}}",
        "previews: [{machine: a, port: 80, title: T}]",
        "machines: {a: {kind: shell}}\npreviews: [{machine: a, port: 70000, title: T}]",
        "objectives: text",
    ],
)
def test_wrong_values_are_refused_on_their_line(line):
    kept = [kept for kept in LESSON.splitlines() if kept.split(":")[0] != line.split(":")[0]]
    found = problems("\n".join([*kept, line]))
    assert all(problem.line is not None and problem.message for problem in found)


def test_every_wrong_value_is_reported_at_once():
    assert len(problems("title: 1\nsummary: 2\nminutes: 3000\n")) == 3


@pytest.mark.parametrize(
    "change",
    ["lessons: []", "lessons: [A]", "lessons: [a, a]", "lessons: [../x]", "language: English!"],
)
def test_wrong_courses_are_refused(change):
    kept = [line for line in COURSE.splitlines() if line.split(":")[0] != change.split(":")[0]]
    assert problems("\n".join([*kept, change]), CourseMeta)


@pytest.mark.parametrize(
    "line", ["timeout_seconds: 0", "timeout_seconds: 121", "user: admin", "needs: [a, a]"]
)
def test_wrong_tasks_are_refused(line):
    assert problems(f"title: T\n{line}\n", TaskMeta)


def test_problem_reads_like_a_compiler_message():
    assert str(problems("title: T\nsummary: S\n")[0]).startswith("f.md:1: error: ")
