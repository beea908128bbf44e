"""Hostile text in every place of a course changes nothing about what a page is made of."""

from html.parser import HTMLParser
from urllib.parse import urlencode

import nh3
import pytest

from courses import catalogue, markdown
from courses.importers.run import import_scenarios
from courses.loader import load_course
from courses.models import Prediction, QuizAnswer, TaskProgress
from courses.tests.conftest import write
from courses.tests.hostile_text import ATTACKS, course_with
from courses.tests.importers.scenarios import scenario
from courses.tests.importers.test_scenarios import lay_out

pytestmark = pytest.mark.django_db
FROM_MARKDOWN = {
    *((tag, None) for tag in markdown._INLINE | markdown._BLOCK),
    *(("a", name) for name in ("href", "title", "rel", "data-gloss")),
    ("ol", "start"),
}
PAGES = ("/", "/courses/boats/", "/courses/boats/hull/", "/glossary/boats/", "/search/?q=word")


class Structure(HTMLParser):
    """Collects elements, their attributes, and the addresses a click or a load would go to."""

    def __init__(self, html):
        super().__init__()
        self.parts, self.addresses, self.scripts = set(), [], 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.parts.add((tag, None))
        self.scripts += tag == "script"
        for name, value in attrs:
            self.parts.add((tag, name))
            if name in {"href", "src", "action", "formaction", "data", "srcdoc", "xlink:href"}:
                self.addresses.append((value or "").strip().lower())


@pytest.fixture
def shown(tmp_path, settings, own, learner):
    """The pages of a course with a text in every place, for somebody who has done it all."""
    settings.COURSES_PATH = tmp_path / "library"

    def pages(text):
        root = write(tmp_path / "library" / "boats", course_with(text))
        catalogue._entries.clear()
        loaded = load_course(root)
        assert loaded.problems == ()
        (lesson,) = loaded.course.lessons
        for model in (TaskProgress, QuizAnswer, Prediction):
            model.objects.all().delete()
        key = {"learner": learner, "course": "boats", "lesson": "hull"}
        TaskProgress.objects.create(
            **key, task="first", state="failing", feedback=text[:200], tries=1, hints_shown=2,
            solution_shown=True,
        )  # fmt: skip
        digest = lesson.quizzes["one"].digest
        QuizAnswer.objects.create(**key, quiz="one", digest=digest, chosen=[0, 1], correct=False)
        for name in ("fate", "number"):
            value = lesson.predictions[name].choices[0] if name == "fate" else "3"
            Prediction.objects.create(**key, prediction=name, value=value[:100])
        paths = [*PAGES, f"/search/?{urlencode({'q': text})}"]
        answers = [own.get(path) for path in paths]
        assert [answer.status_code for answer in answers] == [200] * len(paths)
        return [answer.content.decode() for answer in answers]

    return pages


@pytest.mark.parametrize("attack", ATTACKS)
def test_pages_are_made_of_what_they_are_made_of_with_a_harmless_word(shown, attack):
    plain = [Structure(page) for page in shown("word")]
    hostile = [Structure(page) for page in shown(attack)]
    for before, after in zip(plain, hostile, strict=True):
        assert after.parts - before.parts <= FROM_MARKDOWN
        assert after.scripts == before.scripts
        for address in after.addresses:
            assert not address.startswith(("javascript", "data:", "vbscript", "\x01"))


@pytest.mark.parametrize("attack", ATTACKS)
def test_html_means_the_same_when_it_is_parsed_again(attack):
    """nh3 parses as browsers do (html5ever): what comes out of it unchanged does not mutate."""
    for html in (markdown.render(attack), markdown.render_inline(attack)):
        again = markdown._clean(html, markdown._INLINE | markdown._BLOCK)
        assert again == html
        assert nh3.clean_text(attack)


@pytest.mark.parametrize("attack", ATTACKS)
def test_imported_text_is_as_harmless(attack, tmp_path, settings, own):
    quiz = f">>Q1: {attack}<<\n(*) {attack}\n( ) {attack} 2\n"
    details = f"<details><summary>{attack}</summary>\n\n{attack}\n\n</details>\n"
    text = f"{attack}\n\n`{attack}`{{{{exec}}}}\n\n{quiz}\n{details}\n- {attack}\n"
    files = scenario(text, title=attack, description=attack, step={"title": attack})
    settings.COURSES_PATH = tmp_path / "library"
    roots, _ = import_scenarios(lay_out(tmp_path / "boats", files), tmp_path / "library")
    assert load_course(roots[0]).problems == ()
    catalogue._entries.clear()
    slug = catalogue.courses()[0].lessons[0].slug
    for path in ("/", "/courses/boats/", f"/courses/boats/{slug}/"):
        page = Structure(own.get(path).content.decode())
        assert not [part for part in page.parts if (part[1] or "").startswith("on")]
        assert not {"iframe", "base", "object", "embed", "math", "template"} & {
            tag for tag, _ in page.parts
        }
        assert not [a for a in page.addresses if a.startswith(("javascript", "data:", "vbscript"))]


def test_scripts_come_from_the_site_only(shown, own):
    shown("word")
    policy = own.get(PAGES[2]).headers["Content-Security-Policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["script-src"] == "'self'"
    assert parts["object-src"] == "'none'"
    assert parts["base-uri"] == "'none'"
