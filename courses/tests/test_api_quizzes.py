"""Answering a quiz."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from courses.models import QuizAnswer
from courses.tests.conftest import boats, write

LESSON = "/api/v1/courses/boats/lessons/hull"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]


def answer(client, quiz, answers):
    return client.post(
        f"{LESSON}/quizzes/{quiz}", {"answers": answers}, content_type="application/json"
    )


def test_right_answer(own):
    graded = answer(own, "kernels", [1]).json()
    assert graded["correct"] is True
    assert [choice["right"] for choice in graded["choices"]] == [False, True]
    assert "secret-explanation-two" in graded["choices"][1]["explanation_html"]


def test_wrong_answer_is_explained(own):
    graded = answer(own, "kernels", [0]).json()
    assert graded["correct"] is False
    assert graded["choices"][0]["chosen"] is True


@pytest.mark.parametrize(
    ("answers", "correct"), [([0, 1], True), ([1, 0, 0], True), ([0], False), ([0, 1, 2], False)]
)
def test_several_right_answers_must_all_be_chosen(own, answers, correct):
    assert answer(own, "several", answers).json()["correct"] is correct


@pytest.mark.parametrize("answers", [[], [2], [-1], [0, 1], ["1"], [True], None, [0] * 9])
def test_what_is_no_answer_is_refused_without_a_leak(own, answers):
    said = answer(own, "kernels", answers)
    assert said.status_code == 422
    assert "secret" not in said.content.decode()
    assert not QuizAnswer.objects.exists()


def test_latest_answer_counts_and_tries_add_up(own, learner):
    answer(own, "kernels", [0])
    answer(own, "kernels", [1])
    row = QuizAnswer.objects.get(learner=learner)
    assert (row.chosen, row.correct, row.tries) == ([1], True, 2)


def test_answer_comes_back_with_the_lesson_for_its_owner_only(own, stranger):
    answer(own, "kernels", [0])
    mine = own.get(LESSON).json()["quizzes"][0]["answered"]
    assert mine["choices"][0]["chosen"] is True
    assert stranger.get(LESSON).json()["quizzes"][0]["answered"] is None


def test_answer_to_an_older_wording_is_forgotten(own, library):
    answer(own, "kernels", [0])
    text = boats()["01-hull/lesson.md"].replace("How many kernels?", "How many kernels run now?")
    write(library / "boats", {"01-hull/lesson.md": text})
    assert own.get(LESSON).json()["quizzes"][0]["answered"] is None


def test_missing_quiz_is_404(own):
    assert answer(own, "nope", [0]).status_code == 404


def test_wrong_method_is_405(own):
    assert own.get(f"{LESSON}/quizzes/kernels").status_code == 405


def test_visitor_becomes_a_guest_and_keeps_the_answer(client):
    assert answer(client, "kernels", [1]).status_code == 200
    guest = get_user_model().objects.get()
    assert guest.is_guest
    assert QuizAnswer.objects.get().learner == guest
    assert client.get(LESSON).json()["quizzes"][0]["answered"]["correct"] is True


def test_cookie_without_csrf_header_is_refused(learner):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(learner)
    assert answer(browser, "kernels", [1]).status_code == 403
    assert not QuizAnswer.objects.exists()
