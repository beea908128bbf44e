"""What the browser is given, checked without one: modules parse, preloads are complete."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "static" / "js"
IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""")


def reached(entry: Path) -> set[Path]:
    """Every module that `entry` imports, directly or not."""
    found: set[Path] = set()
    waiting = [entry]
    while waiting:
        module = waiting.pop()
        for name in IMPORT.findall(module.read_text(encoding="utf-8")):
            target = (module.parent / name).resolve()
            if target not in found:
                found.add(target)
                if target.is_relative_to(MODULES):
                    waiting.append(target)
    return found


def test_every_import_names_a_file() -> None:
    for module in MODULES.glob("*.js"):
        for target in reached(module):
            assert target.is_file(), f"{module.name} reaches {target.name}, which does not exist"


def test_the_lesson_page_preloads_every_module_it_reaches() -> None:
    template = (ROOT / "templates/courses/lesson_modules.html").read_text(encoding="utf-8")
    preloaded = set(re.findall(r"static '([^']+)'", template))
    needed = {
        path.relative_to(ROOT / "static").as_posix() for path in reached(MODULES / "lesson.js")
    }
    assert needed <= preloaded, needed - preloaded


def test_modules_parse() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("not run: node is not on this machine; the browser tests load every module")
    for module in MODULES.glob("*.js"):
        subprocess.run([node, "--check", module], check=True)


def test_no_template_has_an_inline_script_or_handler() -> None:
    for template in (ROOT / "templates").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text), template
        assert not re.search(r"\son[a-z]+=", text), template


INTO_HTML = re.compile(
    r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|setHTML\w*|createContextualFragment|srcdoc)\b"
    r"|document\.write"
)
# What they put in was rendered and sanitised by the site: explanations of answers, hints, solutions.
OF_SITE_HTML = {"markup.js", "quizzes.js", "tasks.js"}


def test_text_of_a_machine_never_becomes_html() -> None:
    """One module makes HTML of text, and only those that show the site's own text import it."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in MODULES.rglob("*.js")}
    assert {name for name, code in sources.items() if INTO_HTML.search(code)} == {"markup.js"}
    assert {name for name, code in sources.items() if "setSiteHtml" in code} == OF_SITE_HTML


def test_codes_after_which_the_page_stays_away_are_documented() -> None:
    socket = (MODULES / "terminal-socket.js").read_text(encoding="utf-8")
    final = re.search(r"FINAL = new Set\(\[([\d, ]+)\]\)", socket)
    protocol = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    said = re.search(r"After ([\d, and]+) the page does not connect again", protocol)
    assert final
    assert said
    assert re.findall(r"\d+", final[1]) == re.findall(r"\d+", said[1])
