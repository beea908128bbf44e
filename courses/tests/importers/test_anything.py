"""No input makes the importer crash, hang, or write what the loader refuses or a browser runs."""

import json
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courses.importers.run import import_scenarios
from courses.lint import lint_course
from courses.loader import load_course
from courses.tests.importers.scenarios import scenario
from courses.tests.importers.test_scenarios import UNKNOWABLE, lay_out
from courses.tests.test_markdown import XSS, assert_harmless

ALPHABET = "`~{}[]()<>#:-=*!|&;/\\\"'\n\n \tabexc.:0189"
WORDS = st.sampled_from(
    [
        "```", "````", "~~~", "`x`", "{{exec}}", "{{copy}}", "{{execute HOST2}}", "{exec}}", "\n",
        "\n\n", "    ", "- ", "1. ", "> ", "| a | b |", "<details>", "<summary>s</summary>",
        "</details>", "<pre class='file' data-filename='a'>", "</pre>", "<br>", "<a href='x'>",
        "</a>", "<!--", "-->", "[x](y)", "![x](y)", "{{TRAFFIC_HOST1_80}}", "[[HOST_SUBDOMAIN]]",
        ":::task x", ":::", ":::quiz", ">>Q1: x<<\n(*) a\n( ) b\n", "(*) a", "( ) b", "---", "===", "<script>",
        "<img src=x onerror=y>", "\\", "{:.quiz}", "- [x] a", "- [ ] b", "```.term1", "{:.term1}",
        "{% raw %}", "## x", "\u2028", "\ue0007\ue001", "<div", "<?", "<![CDATA[", "a",
    ]
)  # fmt: skip
TEXT = st.text(ALPHABET, max_size=200) | st.lists(WORDS, max_size=25).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["step1.md", "a.sh", "../x", "*", "/root", "ubuntu", "**/*", "~"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            [
                "title", "description", "details", "steps", "intro", "finish", "assets", "text",
                "verify", "background", "foreground", "code", "courseData", "answer", "hint",
                "host01", "client", "file", "target", "chmod", "backend", "imageid", "port",
                "environment", "uilayout", "dashboards", "name", "interface", "layout", "time",
            ]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=30,
)  # fmt: skip
MANY = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def loads(files):
    """Import the files and return every error that its author could not have expected."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        roots, report = import_scenarios(lay_out(top / "x", files), top / "into")
        assert report.notes == []
        for root in roots:
            _, problems = lint_course(root)
            errors = [p for p in problems if p.level == "error"]
            assert [p for p in errors if not p.path.endswith(UNKNOWABLE)] == []
            for lesson in load_course(root).course.lessons:
                for block in lesson.body:
                    if hasattr(block, "html"):
                        assert_harmless(block.html)


@MANY
@given(TEXT)
def test_any_text_of_a_step_loads(text):
    loads(scenario(text, "`x`{{exec}}"))


@MANY
@given(TEXT)
def test_any_text_of_a_post_loads(text):
    loads({"p.md": f"---\nterms: 2\n---\n{text}"})


@MANY
@given(JSON)
def test_any_index_loads(value):
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        files = {"index.json": json.dumps(value), "step1.md": "Hi", "a.sh": "true", "assets/a": "A"}
        roots, _ = import_scenarios(lay_out(top / "x", files), top / "into")
        for root in roots:
            assert load_course(root).problems == ()


@MANY
@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data):
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        files = scenario("x", step={"verify": "v", "background": "v", "answer": "v"})
        files |= {"step1.md": data, "v": data}
        (root,), _ = import_scenarios(lay_out(top / "x", files), top / "into")
        assert load_course(root).problems == ()


@pytest.mark.parametrize("text", XSS)
def test_attacks_come_out_harmless(text):
    loads(
        scenario(text, f"`{text}`{{{{exec}}}}", title=text, description=text, step={"title": text})
    )
    loads({"p.md": f"---\ntitle: x\nterms: 1\n---\n## {text}\n\n{text}"})


@pytest.mark.parametrize(
    "piece",
    [
        "`", "`` ` ", "``` \n", "[", "![", "[[", "{{", "<", "<a ", "<!--", "<details>", "<pre>",
        "<pre ", "<a b='", "\\", "`x`{{exec}} ", "- `x`{{exec}}\n", ">>", ">>a<<\n(*) b\n", "a.",
        "{{TRAFFIC_HOST1_80}}", "[x](", "    ", "\n", " \n", "{:", "{% ", ":::hint\n", "=", "a\n=\n",
        "https://[[HOST_SUBDOMAIN]]-", "<details><summary>", "echo done", "-", "apt-get -y ",
    ],
)  # fmt: skip
def test_no_text_takes_long(tmp_path, piece):
    text = piece * (15_000 // len(piece))
    files = scenario(text, step={"verify": "v.sh"}, files={"v.sh": piece * (7_500 // len(piece))})
    began = time.process_time()
    import_scenarios(lay_out(tmp_path / "a", files), tmp_path / "into")
    import_scenarios(
        lay_out(tmp_path / "b", {"p.md": f"---\nterms: 1\n---\n{text}"}), tmp_path / "into"
    )
    assert time.process_time() - began < 15
