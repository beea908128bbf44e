"""Starting a lesson's sandbox."""

import pytest
from django.utils import timezone

from courses.launch import opened_by, sandbox_spec
from sandbox import admission, dispatch
from sandbox.models import Host, Sandbox, State
from sandbox.promises import PROMISES

URL = "/api/v1/sandboxes"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]


@pytest.fixture
def host(monkeypatch):
    """A host with room, no Redis and no worker."""
    monkeypatch.setattr(admission, "check_rate", lambda *_: None)
    monkeypatch.setattr(dispatch, "create", lambda sandbox_id: None)
    return Host.objects.create(name="local", memory_bytes=1 << 36, seen_at=timezone.now())


def start(client, course="boats", lesson="hull"):
    return client.post(URL, {"course": course, "lesson": lesson}, content_type="application/json")


def test_start_answers_at_once_with_the_sandbox(own, host, learner):
    said = start(own)
    assert said.status_code == 202
    body = said.json()
    assert (body["course"], body["lesson"], body["state"]) == ("boats", "hull", "requested")
    assert [machine["name"] for machine in body["machines"]] == ["laptop", "production"]
    assert Sandbox.objects.get().learner == learner


def test_second_start_of_the_same_lesson_gives_the_same_sandbox(own, host):
    assert start(own).json()["id"] == start(own).json()["id"]


def test_folder_name_works_and_the_row_has_the_slug(own, host):
    assert start(own, lesson="01-hull").json()["lesson"] == "hull"


def test_other_lesson_live_is_409_with_its_id(own, host, learner):
    other = Sandbox.objects.create(
        learner=learner, course="x", lesson="y", state=State.READY, spec={}, memory_bytes=0
    )
    said = start(own)
    assert said.status_code == 409
    assert said.json()["error"]["code"] == "sandbox_live"
    assert said.json()["error"]["sandbox_id"] == other.pk


def test_a_kind_that_is_off_is_503_and_says_which_promise_and_what_to_change(own, host):
    host.examination = {"findings": {p.id: {"verdict": "kept", "evidence": ""} for p in PROMISES}}
    host.examination["findings"]["seccomp"]["verdict"] = "not kept"
    host.save()
    said = start(own)
    assert said.status_code == 503
    error = said.json()["error"]
    assert error["code"] == "kind_off"
    assert "system call" in error["message"]
    assert "SANDBOX_ACCEPT_RISK=seccomp" in error["hint"]
    page = own.get("/courses/boats/hull/")
    assert page.context["page_data"]["engine"] == {
        "available": False,
        "message": error["message"],
        "hint": error["hint"],
        "of_host": False,
    }


def test_lesson_without_machines_is_409(own, host):
    assert start(own, lesson="keel").json()["error"]["code"] == "no_machines"


@pytest.mark.parametrize(("course", "lesson"), [("nope", "hull"), ("boats", "nope")])
def test_missing_lesson_is_404(own, host, course, lesson):
    assert start(own, course, lesson).status_code == 404


def test_no_worker_is_503(own):
    assert start(own).json()["error"]["code"] == "no_engine"


def test_visitor_gets_a_guest_and_a_sandbox(client, host):
    assert start(client).status_code == 202
    assert Sandbox.objects.get().learner.is_guest


def test_spec_carries_set_up_files_and_images(hull):
    laptop, production = sandbox_spec(hull).machines
    assert (laptop.setup, laptop.images) == ("echo set-up\n", ("nginx:alpine",))
    assert laptop.files_from.endswith("01-hull/files/laptop")
    assert (production.setup, production.images, production.files_from) == (None, (), None)


def test_set_up_of_an_opened_task_is_part_of_the_next_start(hull):
    assert sandbox_spec(hull, frozenset({"float"})).machines[1].setup == "echo later\n"


def test_passing_a_task_opens_those_that_need_it(hull):
    float_, sink = hull.tasks
    assert opened_by(hull, frozenset(), float_) == [sink]
    assert opened_by(hull, frozenset({"float"}), float_) == []


def test_set_ups_on_one_machine_run_apart(hull):
    import subprocess
    from dataclasses import replace

    tasks = (replace(hull.tasks[0], setup="set -e\nexit 0"), replace(hull.tasks[0], setup="echo b"))
    lesson = replace(hull, tasks=tasks, setups={"laptop": "echo a # comment"})
    script = sandbox_spec(lesson).machines[0].setup
    done = subprocess.run(["bash", "-s"], input=script, text=True, capture_output=True, check=True)
    assert done.stdout == "a\nb\n"


def test_failing_set_up_stops_those_behind_it(hull):
    import subprocess
    from dataclasses import replace

    tasks = (
        replace(hull.tasks[0], setup="set -e\nfalse\necho on"),
        replace(hull.tasks[0], setup="echo b"),
    )
    script = sandbox_spec(replace(hull, tasks=tasks, setups={})).machines[0].setup
    done = subprocess.run(["bash", "-s"], input=script, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
