"""The pages."""

import os

import pytest
from django.test import Client

from courses import catalogue
from courses.models import LessonVisit, Prediction, QuizAnswer, TaskProgress
from courses.tests.conftest import boats, write
from sandbox.models import Sandbox, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]
LESSON = "/courses/boats/hull/"


def test_home_lists_courses(client):
    page = client.get("/")
    assert page.status_code == 200
    assert "Boats" in page.content.decode()


def test_course_page_shows_where_to_go_on(own, learner):
    TaskProgress.objects.create(
        learner=learner, course="boats", lesson="hull", task="float", state="passed"
    )
    page = own.get("/courses/boats/")
    assert page.status_code == 200
    assert page.context["resume"].task.name == "sink"
    assert [leg.lesson.slug for leg in page.context["legs"]] == ["hull", "keel"]
    assert (page.context["done"], page.context["total"]) == (0, 2)


def test_home_leads_to_where_the_learner_was(own, library):
    other = boats() | {"course.yaml": boats()["course.yaml"].replace("Boats", "Another")}
    write(library / "another", other)
    page = own.get("/").content.decode()
    assert "Open lesson 1: The hull" in page
    own.get("/courses/boats/keel/")
    own.get("/courses/boats/hull/")
    page = own.get("/").content.decode()
    assert 'href="/courses/boats/hull/">Continue where you were: lesson 1: The hull' in page
    assert "Next: task 1, Make it float. About 20 min left" in page
    assert "Continue where you were" in own.get("/courses/boats/").content.decode()


def test_a_course_done_in_part_says_so_to_its_learner_only(own, learner):
    assert "<b>2</b> lessons" in Client().get("/").content.decode()
    for task in ("float", "sink"):
        TaskProgress.objects.create(
            learner=learner, course="boats", lesson="hull", task=task, state="passed"
        )
    assert "<b>1</b> of 2 lessons done" in own.get("/").content.decode()
    assert "<b>2</b> lessons" in Client().get("/").content.decode()


def test_an_edited_course_is_listed_as_edited(client, library):
    assert "Boats" in client.get("/").content.decode()
    write(library / "boats", {"course.yaml": boats()["course.yaml"].replace("Boats", "Ships")})
    page = client.get("/").content.decode()
    assert "Ships" in page
    assert "Boats" not in page


def test_home_asks_the_database_as_often_for_one_course_as_for_many(
    own, library, django_assert_max_num_queries
):
    for number in range(5):
        write(library / f"more-{number}", boats())
    with django_assert_max_num_queries(8):
        own.get("/")


def test_large_library_is_looked_at_in_turns(client, library, monkeypatch):
    for number in range(3):
        write(library / f"more-{number}", boats())
    client.get("/")
    monkeypatch.setattr(catalogue, "LOOKED_AT_ENTRIES", 1)
    for number in range(3):
        text = boats()["course.yaml"].replace("Boats", f"Edited {number}")
        write(library / f"more-{number}", {"course.yaml": text})
    seen = [client.get("/").content.decode().count("Edited") for _ in range(4)]
    assert seen[0] < 3
    assert seen[3] == 3
    assert "Edited 0" in client.get("/courses/more-0/").content.decode()


def test_lesson_page_for_a_visitor(client):
    page = client.get(LESSON)
    assert page.status_code == 200
    text = page.content.decode()
    for secret in ("secret-explanation", "It floats, of course", "# solve", "Second hint"):
        assert secret not in text
    data = page.context["page_data"]
    assert data["sandbox"] is None
    assert data["user"] == {"name": "", "is_guest": False, "signed_in": False}
    assert data["engine"]["available"] is False
    assert [task["state"] for task in data["tasks"]] == ["open", "open"]
    assert not LessonVisit.objects.exists()


def test_page_sets_the_csrf_cookie(client):
    assert "csrftoken" in client.get(LESSON).cookies


def test_lesson_page_has_the_learners_state(own, learner, hull):
    key = {"learner": learner, "course": "boats", "lesson": "hull"}
    TaskProgress.objects.create(
        **key, task="float", state="failing", tries=2, feedback="Not yet.", hints_shown=1
    )
    QuizAnswer.objects.create(
        **key, quiz="kernels", digest=hull.quizzes["kernels"].digest, chosen=[0], correct=False
    )
    Prediction.objects.create(**key, prediction="fate", value="It sinks")
    page = own.get(LESSON)
    blocks = {type(block).__name__: block for block in page.context["blocks"]}
    first = next(block.task for block in page.context["blocks"] if hasattr(block, "task"))
    assert (first.state, first.feedback, len(first.hints_shown)) == ("failing", "Not yet.", 1)
    assert "of course" in blocks["RevealBlock"].prediction.outcome_html
    assert "secret-explanation-one" in page.content.decode()
    assert LessonVisit.objects.get().lesson == "hull"


def test_own_sandbox_is_on_its_page_and_elsewhere_as_the_other_one(own, sandbox):
    data = own.get(LESSON).context["page_data"]
    assert (data["sandbox"]["id"], data["other_sandbox"]) == (sandbox.pk, None)
    data = own.get("/courses/boats/keel/").context["page_data"]
    assert data["sandbox"] is None
    assert data["other_sandbox"]["url"] == LESSON
    assert data["other_sandbox"]["title"] == "The hull"


def test_strangers_sandbox_is_not_shown(stranger, sandbox):
    data = stranger.get(LESSON).context["page_data"]
    assert (data["sandbox"], data["other_sandbox"]) == (None, None)


def test_sandbox_of_a_lesson_that_is_gone_leads_home(own, learner):
    Sandbox.objects.create(
        learner=learner, course="x", lesson="y", state=State.READY, spec={}, memory_bytes=0
    )
    assert own.get(LESSON).context["page_data"]["other_sandbox"]["url"] == "/"


@pytest.mark.parametrize("path", ["/courses/nope/", "/courses/boats/nope/", "/courses/nope/hull/"])
def test_missing_page_is_404(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/courses/boats/", LESSON])
def test_wrong_method_is_405(client, path):
    assert client.post(path).status_code == 405


def test_folder_name_leads_to_the_address(client):
    assert client.get("/courses/boats/01-hull/")["Location"] == LESSON


def test_edit_shows_without_restart(client, library):
    client.get(LESSON)
    text = boats()["01-hull/lesson.md"].replace("title: The hull", "title: The new hull")
    write(library / "boats", {"01-hull/lesson.md": text})
    assert "The new hull" in client.get(LESSON).content.decode()


def test_broken_lesson_is_refused_with_a_log_and_the_rest_stays(client, library, caplog):
    write(library / "boats", {"01-hull/lesson.md": "---\ntitle: x\n---\n"})
    assert client.get(LESSON).status_code == 404
    assert client.get("/courses/boats/keel/").status_code == 200
    assert "01-hull/lesson.md:2" in caplog.text


def test_course_that_is_a_link_is_not_offered(client, library, tmp_path):
    os.rename(library / "boats", tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", library / "boats")
    assert client.get("/courses/boats/").status_code == 404


def test_no_courses_folder_is_an_empty_list(client, settings, tmp_path):
    settings.COURSES_PATH = tmp_path / "nothing"
    assert client.get("/").status_code == 200


def test_markup_of_a_lesson_reaches_the_page_as_text(client, library):
    text = boats()["01-hull/lesson.md"].replace("Read **this**", "<script>alert(1)</script>")
    text = text.replace("uname -r", "echo '<script>alert(2)</script>'")
    text = text.replace("title: The hull", "title: <script>alert(3)</script>")
    write(library / "boats", {"01-hull/lesson.md": text})
    page = client.get(LESSON).content.decode()
    assert "<script>alert" not in page
