"""Keeping a guess."""

import pytest

from courses.models import Prediction

LESSON = "/api/v1/courses/boats/lessons/hull"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]


def keep(client, name, value):
    return client.post(
        f"{LESSON}/predictions/{name}", {"value": value}, content_type="application/json"
    )


def test_number_is_kept_and_its_outcome_shown(own):
    kept = keep(own, "depth", " 2,5 ").json()
    assert kept["value"] == "2,5"
    assert kept["kept_at"]
    assert "<strong>two</strong>" in kept["outcome_html"]


def test_outcome_of_a_later_reveal_is_not_shown_yet(own):
    assert keep(own, "fate", "It sinks").json()["outcome_html"] is None


def test_first_guess_stays(own):
    keep(own, "depth", "2")
    assert keep(own, "depth", "3").json()["value"] == "2"
    assert Prediction.objects.get().value == "2"


@pytest.mark.parametrize(
    ("name", "value"), [("depth", "deep"), ("depth", "nan"), ("fate", "Nothing"), ("depth", "")]
)
def test_what_is_no_guess_is_refused(own, name, value):
    assert keep(own, name, value).status_code == 422
    assert not Prediction.objects.exists()


def test_missing_prediction_is_404(own):
    assert keep(own, "nope", "1").status_code == 404


def test_wrong_method_is_405(own):
    assert own.get(f"{LESSON}/predictions/depth").status_code == 405


def test_guess_is_its_owners(own, stranger):
    keep(own, "fate", "It floats")
    mine = own.get(LESSON).json()["predictions"][1]
    theirs = stranger.get(LESSON).json()["predictions"][1]
    assert (mine["kept"], "of course" in mine["outcome_html"]) == ("It floats", True)
    assert (theirs["kept"], theirs["outcome_html"]) == (None, None)
