"""Quizzes and predictions as authors write them."""

import pytest

from courses.directives import Container
from courses.problems import ContentError
from courses.questions import parse_prediction, parse_quiz

QUIZ = """\
How many?

- a list in the question

- [ ] `One`
  > No: *why*.
- [x] Two
  Yes, an indented line.

- [X] Three

    A paragraph with

        code
"""


def container(body, kind="quiz", name=""):
    return Container(kind, name, body, 5, 6)


def quiz(body, name=""):
    return parse_quiz(container(body, "quiz", name), "q1", "f.md", str)


def prediction(body, name=""):
    return parse_prediction(container(body, "predict", name), "p1", "f.md", str)


def test_quiz_is_read_with_its_explanations():
    found = quiz(QUIZ)
    assert (found.name, found.multiple) == ("q1", True)
    assert [choice.right for choice in found.choices] == [False, True, True]
    assert found.choices[0].html == "<code>One</code>"
    assert "<em>why</em>" in found.choices[0].explanation_html
    assert "indented line" in found.choices[1].explanation_html
    assert "code" in found.choices[2].explanation_html
    assert "a list in the question" in found.question_html


def test_task_list_in_a_code_block_is_no_choice():
    body = "Q\n```\n- [x] code\n```\n- [x] a\n  > b\n- [ ] c\n  > d\n"
    assert len(quiz(body).choices) == 2


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("- [x] a\n  > b\n- [ ] c\n  > d", 5, "asks nothing"),
        ("Q\n- [x] a\n  > b", 5, "2 to 8"),
        ("Q", 5, "2 to 8"),
        ("Q\n- [ ] a\n  > b\n- [ ] c\n  > d", 5, "no choice is right"),
        ("Q\n- [x] a\n  > b\n- [ ] c", 9, "no explanation"),
    ],
)
def test_quiz_faults_name_their_line(body, line, words):
    with pytest.raises(ContentError) as caught:
        quiz(body)
    found = caught.value.problems[0]
    assert (found.line, words in found.message) == (line, True)


def test_digest_follows_the_wording():
    assert quiz(QUIZ).digest != quiz(QUIZ.replace("Two", "2")).digest


def test_prediction_of_a_number():
    found = prediction("How long?\n\n> quoted question\n\nunit: s\n\n> About **2**.\n")
    assert (found.unit, found.choices) == ("s", ())
    assert "quoted question" in found.question_html
    assert "<strong>2</strong>" in found.outcome_html


def test_prediction_of_a_choice_with_blank_lines_between():
    found = prediction("Who?\n\n- The `VM`\n\n- Both,\n  really\n\n> Only one.\n> Yes.\n")
    assert found.choices == ("The VM", "Both, really")
    assert "Only one." in found.outcome_html


def test_prediction_without_reveal_is_possible():
    assert prediction("Who?\n- a\n- b\n").outcome_html == ""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Q", "nothing to choose"),
        ("- a\n- b", "asks nothing"),
        ("Q\n- a\n- a", "read the same"),
        ("Q\n- a", "nothing to choose"),
    ],
)
def test_prediction_faults(body, words):
    with pytest.raises(ContentError, match=words):
        prediction(body)


def test_names_are_slugs():
    with pytest.raises(ContentError, match="can't be a name"):
        quiz(QUIZ, "Kernel count")


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("2", True),
        ("0,5", True),
        ("1e3", True),
        ("x", False),
        ("nan", False),
        ("inf", False),
        ("", False),
        ("9" * 50, False),
    ],
)
def test_numbers_as_guesses(value, good):
    assert prediction("Q\n\nunit: s\n").accepts(value) is good


def test_choices_as_guesses():
    found = prediction("Q\n- a\n- b\n")
    assert found.accepts("a")
    assert not found.accepts("c")
