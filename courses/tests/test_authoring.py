"""A site for one author: problems at their place, scripts at hand, and none of it elsewhere."""

import re
import shutil

import pytest
from django.core.management import CommandError, call_command

from courses import author_runs, authoring
from courses.tests.conftest import boats, write
from sandbox import machines, replies
from sandbox.machines import ScriptResult

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]
HULL = "/courses/boats/hull/"
SCRIPTS = "/api/v1/author/boats/lessons/hull/tasks/float/scripts"


@pytest.fixture
def author(library, settings):
    """The course's folder, on a site for its author."""
    settings.AUTHOR_COURSE = str(library / "boats")
    return library / "boats"


def spoil(root, before, after, path="01-hull/lesson.md"):
    write(root, {path: boats()[path].replace(before, after, 1)})


def words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def test_site_for_others_has_none_of_it(own, library, client):
    spoil(library / "boats", "Read **this**", "Read <b>this</b>")
    for path in ("/courses/boats/", HULL):
        assert "author" not in own.get(path).content.decode()
    assert client.get("/api/v1/author/boats").status_code == 404
    assert own.post(f"{SCRIPTS}/solve").status_code == 404


def test_problem_stands_behind_the_block_that_holds_its_line(author, client):
    spoil(author, "```text {output}\n6.1.0\n```", "<b>six</b>")
    page = words(client.get(HULL))
    assert "01-hull/lesson.md:27" in page
    after_file = page.index("Write to production")
    problem = page.index("raw HTML")
    assert after_file < problem < page.index("Task 1 of 2")
    assert "27 &lt;b&gt;six&lt;/b&gt;" in page


def test_lesson_with_a_fault_is_shown_as_far_as_it_can_be_read(author, client):
    spoil(author, ":::task sink\n", ":::task swim\n")
    page = words(client.get(HULL))
    assert "there is no task “swim”" in page
    assert "Make it float" in page


def test_fault_of_a_task_stands_below_its_card(author, client):
    write(author, {"01-hull/tasks/float/check.sh": "if true; then\n"})
    page = words(client.get(HULL))
    assert page.index("Make it float") < page.index("float/check.sh") < page.index("Make it sink")


def test_task_that_cannot_be_read_is_told_at_the_top(author, client):
    write(author, {"01-hull/tasks/float/task.md": "---\ntitle: [\n---\n"})
    page = words(client.get(HULL))
    assert page.index("float/task.md") < page.index("Make it sink")


@pytest.mark.parametrize("path", ["01-hull/lesson.md", "course.yaml"])
def test_what_cannot_be_shown_at_all_says_why_in_its_place(author, client, path):
    write(author, {path: "---\ntitle: x\nminutes: many\n"})
    page = client.get(HULL)
    assert page.status_code == 200
    assert path in words(page)
    assert "can't be shown yet" in words(page)


def test_missing_page_stays_missing(author, client):
    assert client.get("/courses/boats/nope/").status_code == 404
    assert client.get("/courses/nope/").status_code == 404


def test_course_page_counts_what_is_to_be_mended(author, client):
    write(author, {"01-hull/tasks/sink/task.md": boats()["01-hull/tasks/float/task.md"]})
    assert "finds nothing to mend" in words(client.get("/courses/boats/"))
    spoil(author, "Read **this**", "Read <b>this</b> ![x](y)")
    write(author, {"03-more/lesson.md": "---\n---\n"})
    page = words(client.get("/courses/boats/"))
    assert "01-hull : 3 to mend" in page
    assert "the lesson in 03-more is not listed" in page


def test_other_courses_beside_it_are_left_out(author, client):
    shutil.copytree(author, author.parent / "other")
    assert client.get("/courses/other/").status_code == 404


def test_version_changes_with_a_save(author, client):
    before = client.get("/api/v1/author/boats").json()["version"]
    assert client.get("/api/v1/author/boats").json()["version"] == before
    write(author, {"01-hull/tasks/float/check.sh": "echo other\n"})
    assert client.get("/api/v1/author/boats").json()["version"] != before
    assert client.get("/api/v1/author/other").status_code == 404


def test_each_task_has_its_scripts_at_hand(author, client):
    (author / "01-hull/tasks/float/nearmiss.sh").unlink()
    page = words(client.get(HULL))
    first, second = page.split("Make it sink")
    assert "Run check Run solution Run second solution Reset machine" in first
    assert "Run second solution Run near-miss Reset machine" in second


def test_script_runs_on_the_authors_machines(author, own, sandbox, monkeypatch):
    ran = []

    def run_script(sandbox, machine, script, *, user, timeout_seconds):
        ran.append((machine, script, user))
        return ScriptResult(0, "out\n", "", False, 0.1)

    monkeypatch.setattr(machines, "run_script", run_script)
    monkeypatch.setattr(replies, "answer", lambda reply_to, payload: answers.append(payload))
    answers = []

    def ask(task, *args, timeout_seconds):
        task("reply", *args)
        return answers.pop()

    monkeypatch.setattr(replies, "ask", ask)
    write(author, {"01-hull/tasks/float/solve.production.sh": "echo first\n"})
    outcome = own.post(f"{SCRIPTS}/solve").json()
    assert [(machine, user) for machine, _, user in ran] == [
        ("production", "learner"),
        ("laptop", "learner"),
    ]
    assert (outcome["exit_code"], outcome["stdout"]) == (0, "out\nout\n")


@pytest.mark.parametrize("stem", ["check", "setup", "solution", "..", "solve.sh"])
def test_only_the_authors_three_scripts_run(author, own, sandbox, stem):
    assert own.post(f"{SCRIPTS}/{stem}").status_code in {404, 405}


def test_without_machines_it_says_so(author, own):
    answer = own.post(f"{SCRIPTS}/solve")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "sandbox_not_ready")


def test_late_answer_is_told(author, own, sandbox, monkeypatch):
    monkeypatch.setattr(replies, "ask", lambda *args, **more: None)
    assert own.post(f"{SCRIPTS}/solve").json()["error"]["code"] == "script_not_done"
    assert author_runs.TIMEOUT_SECONDS > 0


def test_stranger_needs_machines_of_their_own(author, stranger, sandbox):
    assert stranger.post(f"{SCRIPTS}/solve").status_code == 409


def test_problems_are_found_once_a_save(author, monkeypatch):
    folder = authoring.course_folder()
    before = authoring.problems(folder)
    monkeypatch.setattr(authoring, "lint_course", None)
    assert authoring.problems(folder) == before


def test_folder_without_a_course_is_told(tmp_path):
    with pytest.raises(CommandError, match="newcourse"):
        call_command("author", str(tmp_path))
