"""What every lesson of the flagship course has. That its commands and checks work is shown on an engine."""

import re
from pathlib import Path

import pytest

from courses.loader import load_course

LIBRARY = Path(__file__).parents[1] / "library"
COURSE = LIBRARY / "containers-vs-vms"
FOLDERS = sorted(path.name for path in COURSE.glob("[0-9]*"))


@pytest.fixture(scope="module")
def lessons():
    loaded = load_course(COURSE)
    assert loaded.problems == ()
    return {lesson.folder: lesson for lesson in loaded.course.lessons}


def test_there_are_thirteen_and_all_are_listed(lessons):
    assert list(lessons) == FOLDERS
    assert len(FOLDERS) == 13


@pytest.mark.parametrize("folder", FOLDERS)
def test_lesson_takes_ten_to_twenty_minutes_and_says_what_for(lessons, folder):
    assert 10 <= lessons[folder].minutes <= 20
    assert len(lessons[folder].objectives) >= 2


@pytest.mark.parametrize("folder", FOLDERS)
def test_lesson_has_tasks_with_hints_two_solutions_and_a_near_miss(lessons, folder):
    tasks = lessons[folder].tasks
    assert len(tasks) >= 2
    for task in tasks:
        scripts = {path.name for path in (COURSE / folder / "tasks" / task.name).glob("*.sh")}
        assert len(task.hints_html) >= 2, task.name
        assert task.solution_html, task.name
        assert scripts >= {"check.sh", "solve.sh", "solve-2.sh", "nearmiss.sh"}, task.name


@pytest.mark.parametrize("folder", FOLDERS)
def test_lesson_has_a_prediction_and_a_quiz_that_explains_each_answer(lessons, folder):
    lesson = lessons[folder]
    assert lesson.predictions
    assert lesson.quizzes
    assert all(prediction.outcome_html for prediction in lesson.predictions.values())
    for quiz in lesson.quizzes.values():
        assert all(choice.explanation_html for choice in quiz.choices), quiz.name


@pytest.mark.parametrize("folder", FOLDERS)
def test_headings_are_there_once(lessons, folder):
    text = (COURSE / folder / "lesson.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## .*", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    assert len(headings) == len(set(headings))


@pytest.mark.parametrize("folder", FOLDERS)
def test_pictures_are_told_in_words(lessons, folder):
    text = (COURSE / folder / "lesson.md").read_text(encoding="utf-8")
    told = re.findall(r"^!\[(.*?)\]\((pictures/[^ )]*)", text, re.M)
    assert {Path(path).name for _, path in told} == {
        path.name
        for path in (COURSE / folder).glob("pictures/*.svg")
        if not path.name.endswith(".dark.svg")
    }
    assert all(len(alternative) >= 60 for alternative, _ in told)
