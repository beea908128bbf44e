"""Courses, lessons and progress over the API; no answers before answering."""

import json

import pytest
from django.test import Client

from courses.models import TaskProgress

LESSON = "/api/v1/courses/boats/lessons/hull"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]


def test_anybody_can_list_courses(client):
    (course,) = client.get("/api/v1/courses").json()
    assert (course["slug"], course["title"]) == ("boats", "Boats")
    assert course["lessons"][0]["slug"] == "hull"
    assert course["lessons"][0]["minutes"] == 20
    assert course["lessons"][0]["machines"] == [
        {"name": "laptop", "kind": "docker"},
        {"name": "production", "kind": "shell"},
    ]


def test_lesson_has_its_steps_in_order(client):
    lesson = client.get(LESSON).json()
    kinds = [step["type"] for step in lesson["steps"]]
    assert kinds[:6] == ["prose", "command", "command", "file", "output", "task"]
    assert [task["state"] for task in lesson["tasks"]] == ["open", "open"]
    assert [quiz["multiple"] for quiz in lesson["quizzes"]] == [False, True]


def test_lesson_leaks_no_answers(client, own):
    for browser in (client, own, Client()):
        text = browser.get(LESSON).content.decode()
        for secret in ("secret-explanation", '"right"', "It floats, of course", "About <strong>"):
            assert secret not in text
        for script in ("echo fine", "echo later", "# solve", "Second hint"):
            assert script not in text


@pytest.mark.parametrize("path", ["nope/lessons/hull", "boats/lessons/nope"])
def test_missing_lesson_is_404_in_the_common_shape(client, path):
    answer = client.get(f"/api/v1/courses/{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert answer.json()["error"]["hint"]


def test_wrong_method_is_405(own):
    assert own.delete(LESSON).status_code == 405


def test_lesson_shows_the_callers_state_only(own, stranger, learner):
    TaskProgress.objects.create(
        learner=learner, course="boats", lesson="hull", task="float", state="passed", hints_shown=1
    )
    mine = own.get(LESSON).json()["tasks"][0]
    theirs = stranger.get(LESSON).json()["tasks"][0]
    assert (mine["state"], len(mine["hints_shown"])) == ("passed", 1)
    assert (theirs["state"], theirs["hints_shown"]) == ("open", [])


def test_progress_needs_somebody(client):
    answer = client.get("/api/v1/progress")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "not_signed_in"


def test_progress_is_the_callers(own, stranger, learner):
    TaskProgress.objects.create(
        learner=learner, course="boats", lesson="hull", task="float", state="passed", tries=3
    )
    (mine,) = own.get("/api/v1/progress").json()["courses"]
    (theirs,) = stranger.get("/api/v1/progress").json()["courses"]
    assert mine["lessons"][0]["passed"] == 1
    assert mine["lessons"][0]["tasks"][0]["tries"] == 3
    assert theirs["lessons"][0]["passed"] == 0


def test_openapi_describes_every_endpoint(client):
    paths = json.loads(client.get("/api/v1/openapi.json").content)["paths"]
    for path, method in (
        ("/api/v1/courses", "get"),
        ("/api/v1/courses/{course}/lessons/{lesson}", "get"),
        ("/api/v1/progress", "get"),
        ("/api/v1/sandboxes", "post"),
        ("/api/v1/sandboxes/{sandbox_id}/tasks/{task}/check", "post"),
        ("/api/v1/courses/{course}/lessons/{lesson}/quizzes/{quiz}", "post"),
        ("/api/v1/courses/{course}/lessons/{lesson}/predictions/{prediction}", "post"),
        ("/api/v1/courses/{course}/lessons/{lesson}/tasks/{task}/hints", "post"),
        ("/api/v1/courses/{course}/lessons/{lesson}/tasks/{task}/solution", "post"),
    ):
        assert method in paths[path], path
