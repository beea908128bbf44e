"""The interface's words: all marked, all translated, and the compiled catalogues up to date.

Read without GNU gettext, which only translators need (CONTRIBUTING.md).
"""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PO = sorted(ROOT.glob("locale/*/LC_MESSAGES/*.po"))
# In English only: the API's page, and that of a site that has failed.
ENGLISH_ONLY = re.compile(r"api/docs|500\.html|allauth|glyphs|sprite|published\.html")
MARKED = re.compile(
    r"\b(?P<function>_|gettext|ngettext|pgettext|npgettext|gettext_noop)\(\s*u?(?P<rest>['\"].*)"
)
LITERAL = re.compile(r"u?('(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")\s*,?\s*")
TAG = re.compile(
    r"(\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<(?:[^<>{}]|\{%.*?%\}|\{\{.*?\}\})*>)", re.DOTALL
)
UNREAD = re.compile(
    r"\{% comment %\}.*?\{% endcomment %\}|\{% blocktranslate.*?\{% endblocktranslate %\}"
    r"|\{% block (?:body_class|skip_target|bar_class|main_class|main_attributes) %\}.*?\{% endblock %\}"
    r"|<(?P<tag>code|kbd|samp|style|script)\b.*?</(?P=tag)>",
    re.DOTALL,
)
# Names, units and the labels of the drawing that are names on real machines.
AS_THEY_ARE = {
    *("Slipway", "Linux", "Aa", "Esc", "Tab", "Ctrl", "GiB", "MiB"),
    *("shop", "libs", "init", "kernel", "mail", "wiki", "cache", "jobs", "web"),
}


def entries(path: Path) -> Iterator[dict[str, str]]:
    """The messages of a .po file: msgctxt, msgid, msgid_plural, msgstr, msgstr[n], flags."""
    entry: dict[str, str] = {}
    key = ""
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        if not line.strip():
            if entry.get("msgid"):
                yield entry
            entry, key = {}, ""
        elif line.startswith("#"):
            entry["flags"] = entry.get("flags", "") + line
        elif line.startswith('"'):
            entry[key] += ast.literal_eval(line)
        else:
            key, _, value = line.partition(" ")
            entry[key] = ast.literal_eval(value)


def translations(entry: dict[str, str]) -> list[str]:
    return [value for key, value in entry.items() if key.startswith("msgstr")]


def marked_in(code: str) -> Iterator[str]:
    for match in MARKED.finditer(code):
        rest, function = match["rest"], match["function"]
        wanted = {"ngettext": 2, "pgettext": 2, "npgettext": 3}.get(function, 1)
        found = []
        while len(found) < wanted and (literal := LITERAL.match(rest)):
            found.append(ast.literal_eval(literal[1]))
            rest = rest[literal.end() :]
        if found and "pgettext" in function:
            found = found[1:]
        if found:
            yield found[0].replace("%%", "%")


MARKS = {
    **dict.fromkeys(("_", "gettext", "gettext_noop", "gettext_lazy", "ngettext"), 0),
    **dict.fromkeys(("pgettext", "npgettext"), 1),
}


def marked_in_python(code: str) -> Iterator[str]:
    """As `marked_in`, of Python, where one text may be written in several pieces."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            at = MARKS.get(node.func.id)
            text = node.args[at] if at is not None and len(node.args) > at else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield text.value.replace("%%", "%")


def in_sources(domain: str) -> set[str]:
    if domain == "djangojs":
        scripts = [path for path in (ROOT / "static/js").glob("*.js") if path.name != "words.js"]
        return {word for path in scripts for word in marked_in(path.read_text(encoding="utf-8"))}
    found: set[str] = set()
    for path in (ROOT / "templates").rglob("*.html"):
        found |= set(marked_in(templatize(path.read_text(encoding="utf-8"))))
    for app in ("classroom", "config", "courses", "sandbox"):
        for path in (ROOT / app).rglob("*.py"):
            if "tests" not in path.parts and "library" not in path.parts:
                found |= set(marked_in_python(path.read_text(encoding="utf-8")))
    return found


def test_there_is_a_whole_translation() -> None:
    assert {path.parts[-3] for path in PO} == {code for code, _ in settings.LANGUAGES} - {"en"}
    assert len(PO) == 2


@pytest.mark.parametrize("path", PO, ids=lambda path: path.name)
def test_every_message_is_translated(path: Path) -> None:
    for entry in entries(path):
        assert "fuzzy" not in entry.get("flags", ""), entry["msgid"]
        assert all(translations(entry)), entry["msgid"]


@pytest.mark.parametrize("path", PO, ids=lambda path: path.name)
def test_places_and_tags_are_the_same_in_both(path: Path) -> None:
    holes = re.compile(r"%\(\w+\)s|\{s\}|</?\w+[^>]*>")
    for entry in entries(path):
        for text in translations(entry):
            assert sorted(holes.findall(text)) == sorted(holes.findall(entry["msgid"])), text


@pytest.mark.parametrize("path", PO, ids=lambda path: path.name)
def test_every_marked_word_is_in_the_catalogue(path: Path) -> None:
    known = {entry["msgid"].replace("%%", "%") for entry in entries(path)}
    assert in_sources(path.stem) - known == set()


@pytest.mark.parametrize("path", PO, ids=lambda path: path.name)
def test_compiled_catalogue_is_the_text(path: Path) -> None:
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in entries(path):
        first = translations(entry)[0]
        if "msgid_plural" in entry:
            assert compiled.ngettext(entry["msgid"], entry["msgid_plural"], 1) == first
        elif "msgctxt" in entry:
            assert compiled.pgettext(entry["msgctxt"], entry["msgid"]) == first
        else:
            assert compiled.gettext(entry["msgid"]) == first


def test_no_template_has_a_word_that_is_not_marked() -> None:
    bare = []
    for path in (ROOT / "templates").rglob("*.html"):
        name = path.relative_to(ROOT / "templates").as_posix()
        if ENGLISH_ONLY.search(name):
            continue
        text = UNREAD.sub("", path.read_text(encoding="utf-8"))
        for index, piece in enumerate(TAG.split(text)):
            words = set(re.findall(r"[A-Za-z]{2,}", piece)) - AS_THEY_ARE
            if index % 2 == 0 and words:
                bare.append((name, piece.strip()))
    assert bare == []


@pytest.mark.django_db
def test_reader_of_german_gets_a_german_page() -> None:
    page = Client(HTTP_ACCEPT_LANGUAGE="de-AT,en;q=0.5").get("/")
    text = page.content.decode()
    assert '<html lang="de">' in text
    assert "Wessen Kernel ist das?" in text
    assert '<script src="/words.js?de"></script>' in text
    assert "Whose kernel" in Client().get("/").content.decode()
    assert "words.js?" not in Client().get("/").content.decode()


@pytest.mark.django_db
def test_scripts_get_their_words() -> None:
    script = Client(HTTP_ACCEPT_LANGUAGE="de").get("/words.js")
    assert script["Content-Type"].startswith("text/javascript")
    assert "Jetzt pr\\u00fcfen" in script.content.decode()


@pytest.mark.django_db
def test_menu_keeps_the_choice_and_goes_back() -> None:
    client = Client()
    answer = client.post("/language", {"language": "de", "next": "/courses/playground/"})
    assert (answer.status_code, answer["Location"]) == (302, "/courses/playground/")
    assert "Wessen Kernel" in client.get("/").content.decode()
    assert (
        '<option value="de" lang="de" selected>Deutsch</option>' in client.get("/").content.decode()
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_menu_leads_nowhere_else(target: str) -> None:
    answer = Client().post("/language", {"language": "de", "next": target})
    assert answer["Location"] == "/"


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["", "x" * 400, "de\r\nSet-Cookie: a=b", "../de", "<b>"])
def test_menu_takes_no_odd_code(code: str) -> None:
    assert "django_language" not in Client().post("/language", {"language": code}).cookies
    assert Client().get("/language").status_code == 405


@pytest.mark.django_db
def test_errors_are_in_the_readers_language() -> None:
    answer = Client(HTTP_ACCEPT_LANGUAGE="de").get("/api/v1/courses/nope/lessons/nope")
    assert answer.json()["error"]["message"] == "Diesen Kurs gibt es nicht."
    assert Client().get("/api/v1/courses/nope/lessons/nope").json()["error"]["code"] == "not_found"


def test_no_message_of_a_script_is_a_piece_of_a_sentence() -> None:
    """A translator needs the whole: no word of ours goes into a place of another message."""
    pieces = []
    for path in (ROOT / "static/js").glob("*.js"):
        code = path.read_text(encoding="utf-8")
        inner = re.findall(r'gettext\("[^"\n]*%\([^"\n]*", \{[^{}]*\? gettext\([^{}]*', code)
        glued = re.findall(r"\$\{[^{}`]*gettext\([^`]*?\)\}(?! \$|\$|\.)[^`]*[a-z]{2}", code)
        cut = [word for word in marked_in(code) if re.match(r"[ ,.;]", word) or word.endswith(" ")]
        pieces += [(path.name, piece) for piece in [*inner, *glued, *cut]]
    assert pieces == []
