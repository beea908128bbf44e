"""Certificates: only for all tasks, provable by whoever has the address, and by nobody else."""

import pytest
from django.test import Client

from courses import certificates
from courses.models import Certificate, TaskProgress

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]
OWN = "/certificates/for/boats/"


def passes(learner, *tasks):
    for task in tasks:
        TaskProgress.objects.create(
            learner=learner, course="boats", lesson="hull", task=task, state="passed"
        )


@pytest.fixture
def done(learner):
    passes(learner, "float", "sink")


@pytest.fixture
def made(own, done):
    own.post(OWN, {"name": "  Mara \t Å. "})
    return Certificate.objects.get()


def test_public_page_shows_name_course_and_date_to_anybody(made):
    page = Client().get(f"/certificates/{made.code}/")
    text = page.content.decode()
    assert page.status_code == 200
    for part in ("Mara Å.", "Boats", "all 2 checked tasks", made.issued_at.strftime("%B %Y")):
        assert part in text
    assert f"http://testserver/certificates/{made.code}/" in text
    assert page["X-Robots-Tag"] == "noindex"


def test_open_task_means_no_certificate(own, learner):
    passes(learner, "float")
    page = own.get(OWN).content.decode()
    assert "1 of 2 tasks passed" in page
    assert "<form" not in page.partition("<main")[2].partition("</main>")[0]
    assert own.post(OWN, {"name": "Mara"}).status_code == 422
    assert not Certificate.objects.exists()


def test_failing_task_does_not_count(own, learner):
    passes(learner, "float")
    TaskProgress.objects.create(
        learner=learner, course="boats", lesson="hull", task="sink", state="failing"
    )
    assert own.post(OWN, {"name": "Mara"}).status_code == 422


@pytest.mark.parametrize("name", ["", "   ", "...", "\u200b\u202e", "x" * 81])
def test_what_is_no_name_is_refused(own, done, name):
    answer = own.post(OWN, {"name": name})
    assert answer.status_code == 422
    assert "at most 80 characters" in answer.content.decode()
    assert not Certificate.objects.exists()


def test_second_post_keeps_the_first(own, made):
    assert own.post(OWN, {"name": "Somebody else"})["Location"] == f"/certificates/{made.code}/"
    assert Certificate.objects.get().name == "Mara Å."


def test_withdrawn_one_answers_no_more(own, made, client):
    own.post(OWN, {"withdraw": "yes"})
    page = client.get(f"/certificates/{made.code}/")
    assert page.status_code == 404
    assert "no certificate with this code" in page.content.decode()
    own.post(OWN, {"name": "Mara"})
    assert Certificate.objects.get().code != made.code


def test_stranger_can_neither_make_nor_withdraw_it(made, stranger):
    client = Client()
    stranger.post(OWN, {"withdraw": "yes"})
    assert stranger.post(OWN, {"name": "Me"}).status_code == 422
    client.post(OWN, {"withdraw": "yes"})
    assert client.post(OWN, {"name": "Me"}).status_code == 200
    assert Certificate.objects.get() == made


def test_task_that_is_added_later_takes_nothing_back(made, library, client):
    TaskProgress.objects.all().delete()
    assert client.get(f"/certificates/{made.code}/").status_code == 200


@pytest.mark.parametrize("code", ["nope", "aaaaa-bbbbb-ccccc-ddddd", "for", "%00"])
def test_wrong_code_is_404(client, code):
    assert client.get(f"/certificates/{code}/").status_code == 404


def test_codes_cannot_be_guessed():
    codes = {certificates._code() for _ in range(1000)}
    assert len(codes) == 1000
    assert all(certificates.CODE.match(code) for code in codes)
    assert len(certificates._ALPHABET) ** 20 > 2**99


def test_course_page_leads_to_it(own, done):
    assert ">Your certificate</a>" in own.get("/courses/boats/").content.decode()
    assert "Certificate: 0 of 2 tasks" in Client().get("/courses/boats/").content.decode()


def test_missing_course_and_wrong_method(client, made):
    assert client.get("/certificates/for/nope/").status_code == 404
    assert client.put(OWN).status_code == 405
    assert client.post(f"/certificates/{made.code}/").status_code == 405


def test_name_reaches_the_page_as_text(own, done, client):
    own.post(OWN, {"name": "<script>alert(1)</script>"})
    page = client.get(f"/certificates/{Certificate.objects.get().code}/").content.decode()
    assert "<script>alert" not in page
