"""Courses in several languages: the reader's first, what is not translated as it was written."""

import pytest
from django.test import Client

from courses import catalogue, search
from courses.loader import load_course
from courses.models import Prediction, QuizAnswer
from courses.tests.conftest import HULL, boats, write

pytestmark = [pytest.mark.django_db]
LESSON = "/courses/boats/hull/"
API = "/api/v1/courses/boats/lessons/hull"
TRANSLATED = (
    HULL.replace("title: The hull", "title: Der Rumpf")
    .replace("summary: It keeps the water out.", "summary: Er hält das Wasser draußen.")
    .replace("Read **this**", "Lies **dies**")
    .replace("- It floats\n- It `sinks`", "- Es schwimmt\n- Es sinkt")
    .replace("- [ ] One", "- [ ] Einer")
    .replace("secret-explanation-two", "geheime Erklärung")
)
TRANSLATED = "".join(
    line
    for line in TRANSLATED.splitlines(keepends=True)
    if not line.startswith(("minutes:", "machines:", "  laptop:", "  production:", "previews:"))
)
TASK = "---\ntitle: Lass es schwimmen\nhints: [Erster *Hinweis*, Zweiter]\n---\nTu es.\n"
GERMAN = {
    "course.de.yaml": "title: Boote\nsummary: Was schwimmt.\naudience: Alle\n",
    "glossary.de.yaml": "terms: [{term: Rumpf, meaning: Der Körper., lesson: 01-hull}]\n",
    "01-hull/lesson.de.md": TRANSLATED,
    "01-hull/tasks/float/task.de.md": TASK,
}


@pytest.fixture
def german(library):
    return write(library / "boats", GERMAN)


def reader(languages, user=None):
    client = Client(HTTP_ACCEPT_LANGUAGE=languages)
    if user:
        client.force_login(user)
    return client


def page(languages, path=LESSON):
    return reader(languages).get(path).content.decode()


def test_translation_is_without_problems(german):
    loaded = load_course(german)
    assert loaded.problems == ()
    assert list(loaded.course.translations) == ["de"]


@pytest.mark.parametrize("languages", ["de", "de-AT,en;q=0.5", "fr, de;q=0.8, en;q=0.2"])
def test_reader_of_german_gets_german(german, languages):
    text = page(languages)
    for part in ("Der Rumpf", "Lies <strong>dies</strong>", "Lass es schwimmen", "Es schwimmt"):
        assert part in text
    assert '<article class="text" id="lesson-text" lang="de"' in text


@pytest.mark.parametrize("languages", ["", "en", "en-GB,de;q=0.9", "fr", "*", "x" * 5000, "de;q=x"])
def test_everybody_else_gets_what_was_written(german, languages):
    assert "<h1>The hull</h1>" in page(languages)


def test_what_is_not_translated_is_shown_as_it_was_written(german):
    text = page("de")
    assert "Make it sink" in text
    assert "<h1>The keel</h1>" in page("de", "/courses/boats/keel/")
    course = page("de", "/courses/boats/")
    assert "Boote" in course
    assert "The keel" in course


def test_choice_in_the_menu_comes_before_the_browsers(german):
    client = reader("en")
    client.cookies["django_language"] = "de"
    assert "Der Rumpf" in client.get(LESSON).content.decode()
    client.cookies["django_language"] = "no such ; language"
    assert "The hull" in client.get(LESSON).content.decode()


def test_answer_counts_in_every_language(german, learner):
    answer = reader("de", learner).post(
        f"{API}/quizzes/kernels", {"answers": [1]}, content_type="application/json"
    )
    assert "geheime Erklärung" in answer.json()["choices"][1]["explanation_html"]
    assert QuizAnswer.objects.get().correct
    shown = reader("en", learner).get(LESSON).content.decode()
    assert "secret-explanation-two" in shown


def test_guess_is_the_same_in_every_language(german, learner):
    kept = reader("de", learner).post(
        f"{API}/predictions/fate", {"value": "Es sinkt"}, content_type="application/json"
    )
    assert kept.json()["value"] == "Es sinkt"
    assert Prediction.objects.get().value == "It sinks"
    assert reader("en", learner).get(API).json()["predictions"][1]["kept"] == "It sinks"
    assert reader("de", learner).get(API).json()["predictions"][1]["kept"] == "Es sinkt"


def test_hints_come_in_the_readers_language(german, learner):
    answer = reader("de", learner).post(f"{API}/tasks/float/hints")
    assert "Hinweis" in answer.json()["html"]


def test_search_finds_the_readers_words(german, client):
    assert "Der Rumpf" in page("de", "/search/?q=rumpf")
    assert "Der Rumpf" not in page("en", "/search/?q=rumpf")
    assert [r.lesson.title for r in search.search(catalogue.courses(), "hull").results][0] == (
        "The hull"
    )
    assert "Der Körper" in page("de", "/glossary/boats/")


@pytest.mark.parametrize(
    ("path", "before", "after", "says"),
    [
        ("01-hull/lesson.de.md", ":::task float\n:::\n", "", "its tasks are sink"),
        ("01-hull/lesson.de.md", "- [ ] Einer", "- [x] Einer", "choices of the quiz “kernels”"),
        ("01-hull/lesson.de.md", ":::quiz kernels", ":::quiz kerne", "its quizzes are"),
        ("01-hull/lesson.de.md", "- Es sinkt", "- Es sinkt\n- Beides", "prediction “fate”"),
        ("01-hull/lesson.de.md", ":::predict depth", ":::predict tiefe", "its predictions are"),
        ("01-hull/lesson.de.md", "title: Der Rumpf", "titel: Der Rumpf", "titel"),
        ("01-hull/lesson.de.md", "objectives: [Name the hull]", "minutes: 3", "minutes"),
        ("01-hull/tasks/float/task.de.md", ", Zweiter", "", "1 hints, task.md has 2"),
        ("course.de.yaml", "title: Boote", "title: [", "course.de.yaml"),
        ("glossary.de.yaml", "01-hull", "09-no", "unknown lesson"),
    ],
)
def test_translation_that_does_not_fit_is_named_and_the_original_shown(
    german, path, before, after, says
):
    assert before in GERMAN[path]
    write(german, {path: GERMAN[path].replace(before, after)})
    loaded = load_course(german)
    assert says in " ".join(str(problem) for problem in loaded.problems)
    assert {problem.path for problem in loaded.problems} == {path}
    assert len(loaded.course.translations["de"].lessons) == 2
    if path.endswith("lesson.de.md"):
        assert "<h1>The hull</h1>" in page("de")


def test_files_that_only_look_like_translations_are_left_alone(library):
    names = ("lesson.DE.md", "lesson.old.copy.md", "lesson..md", "course.de.md.yaml")
    root = write(library / "boats", {f"01-hull/{name}": "nothing" for name in names})
    assert load_course(root).course.translations == {}
    assert boats()


def test_playground_has_a_german_lesson(flagship):
    loaded = load_course(flagship / "playground")
    assert loaded.problems == ()
    shell = loaded.course.translations["de"].lessons[0]
    assert shell.language == "de"
    assert shell.title != loaded.course.lessons[0].title
