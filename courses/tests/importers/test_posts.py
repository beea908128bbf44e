"""Play with Docker posts become lessons."""

import pytest

from courses.importers.run import import_scenarios
from courses.lint import lint_course

POST = """\
---
layout: post
title: "Two nodes"
date: 2020-01-01
terms: 2
---
* TOC
{:toc}

Beginning. {% include note.html %}

## First {: .big}

Run it:

```.term1
docker ps
```

And there:

```
docker info
```
{:.term2}

```
only output
```

[open it](/){:data-term=".term2"}{:data-port="8080"}

## Then

{:.quiz}
Which engine runs?
- [ ] None
- [x] Both
- [x] All

{:.quiz}
None right?
- [ ] a
- [ ] b

{% raw %}`{{ .Name }}`{% endraw %} and <b>bold</b>{: .red}

```.term7
nowhere
```

```.term1
never closed
"""


@pytest.fixture
def post(tmp_path):
    path = tmp_path / "2020-01-01-two-nodes.markdown"

    def imported(text):
        path.write_text(text, encoding="utf-8")
        roots, report = import_scenarios(path, tmp_path / "into")
        assert report.notes == []
        _, problems = lint_course(roots[0])
        assert [problem for problem in problems if problem.level == "error"] == []
        return next(roots[0].glob("*/lesson.md")).read_text(encoding="utf-8"), report

    return imported


def test_terminals_previews_and_quizzes_are_carried_over(post):
    text, report = post(POST)
    for words in (
        "node2:\n    kind: docker",
        "```sh {run on=node1}\ndocker ps\n```",
        "```sh {run on=node2}\ndocker info\n```",
        "```\nonly output\n```",
        "**open it** (the preview “node2:8080”)",
        "port: 8080",
        ":::quiz section-3-q1\nWhich engine runs?",
        "- [x] Both",
        "**bold**",
        "never closed",
        "## First\n",
    ):
        assert words in text
    for words in ("{%", "{:", "TOC", ".term"):
        assert words not in text.split("---", 2)[2]
    outcomes = [step.outcome.value for step in report.scenarios[0].steps]
    assert outcomes == ["runs with loss", "runs", "can't"]
    said = "\n".join(report.lines())
    assert "host 7" in said
    assert "none right" in said


@pytest.mark.parametrize(
    ("front", "words"),
    [
        ("terms: 9", "9 terminals"),
        ("title: [", "not valid YAML"),
        ("a: &a [x]\nb: *a", "aliases"),
        ("terms: 1", "runs"),
    ],
)
def test_front_matter_of_any_kind(post, front, words):
    _, report = post(f"---\n{front}\n---\n```.term1\nls\n```\n")
    assert words in "\n".join(report.lines())


def test_post_without_terminals_is_text(post):
    text, _ = post("---\ntitle: Read\nterms: 0\n---\nOnly text.\n")
    assert "layout: text" in text
    assert "machines:" not in text


def test_front_matter_that_is_never_closed(post):
    text, report = post("---\nterms: 1\n\nBody\n\n```.term1\nls\n```\n")
    assert "never closed" in "\n".join(report.lines())
    assert "{run on=node1}" in text
