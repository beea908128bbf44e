"""Pictures of a lesson: shown by `<img>`, in the reader's theme, and never more than a picture."""

import re
import struct

import pytest

from courses import catalogue
from courses.blocks import PictureBlock
from courses.lint import lint_course
from courses.loader import load_course
from courses.pictures import CONTENT_TYPES
from courses.tests.conftest import KEEL, boats, write

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 120">{}</svg>'
DRAWING = SVG.format('<style>.a{fill:#fff}</style><rect class="a" width="9"/><text>Sea</text>')
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 300, 200) + bytes(9)
PAGE = '![Two boats](pictures/boats.svg "Left: a *cutter*")'
ADDRESS = "/courses/boats/keel/pictures/"


def course(tmp_path, page, **pictures):
    root = write(tmp_path / "boats", boats() | {"02-keel/lesson.md": f"{KEEL}\n{page}\n"})
    (root / "02-keel/pictures").mkdir(exist_ok=True)
    for name, data in pictures.items():
        path = root / "02-keel/pictures" / name.replace("__", ".").replace("_", "-")
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return root


def problems(root):
    """What is said of the lesson with the picture."""
    found = [str(problem) for problem in lint_course(root)[1]]
    return [problem for problem in found if problem.startswith("02-keel/")]


def block(root):
    loaded = load_course(root)
    assert loaded.problems == ()
    (found,) = (item for item in loaded.course.lessons[1].body if isinstance(item, PictureBlock))
    return found


def test_picture_alone_on_its_line_is_a_block(tmp_path):
    root = course(tmp_path, PAGE, boats__svg=DRAWING, boats__dark__svg=DRAWING)
    found = block(root)
    assert (found.alt, found.caption_html) == ("Two boats", "Left: a <em>cutter</em>")
    assert (found.width, found.height) == (480, 120)
    assert found.url.startswith(f"{ADDRESS}boats.svg?v=")
    assert found.dark_url.startswith(f"{ADDRESS}boats.dark.svg?v=")
    assert problems(root) == []


def test_png_has_the_sides_it_says(tmp_path):
    found = block(course(tmp_path, "![Sea](pictures/sea.png)", sea__png=PNG))
    assert (found.width, found.height, found.dark_url) == (300, 200, None)


def test_address_changes_with_the_file(tmp_path):
    before = block(course(tmp_path, PAGE, boats__svg=DRAWING)).url
    after = block(course(tmp_path, PAGE, boats__svg=DRAWING.replace("Sea", "Bay"))).url
    assert before != after


@pytest.mark.parametrize(
    "content",
    [
        "<script>alert(1)</script>",
        "<a href='//evil'><text>x</text></a>",
        "<image href='//evil/pixel.png'/>",
        "<use href='//evil/a.svg#b'/>",
        "<g onload='alert(1)'/>",
        "<g ONCLICK='alert(1)'/>",
        "<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'>x</p></foreignObject>",
        "<animate attributeName='href' to='javascript:alert(1)'/>",
        "<set attributeName='onload' to='alert(1)'/>",
        "<style>@import '//evil/a.css';</style>",
        "<style>rect{fill:url(//evil/a.svg#b)}</style>",
        "<style>rect{fill:u\\72l(//evil)}</style>",
        "<rect style='fill:url( \"//evil\")'/>",
        "<script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>",
        "<?xml-stylesheet href='//evil'?>",
        "<rect>",
        "\ud83c".encode("utf-8", "surrogatepass"),
    ],
)
def test_drawing_with_more_than_shapes_and_text_is_refused(tmp_path, content):
    plain = content if isinstance(content, str) else ""
    data = SVG.format(plain).encode() if plain else DRAWING.encode() + content
    loaded = load_course(course(tmp_path, PAGE, boats__svg=data))
    assert [lesson.slug for lesson in loaded.course.lessons] == ["hull"]
    assert "02-keel/pictures/boats.svg" in str(loaded.problems[0])


@pytest.mark.parametrize(
    "data",
    [
        '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + SVG.format("<text>&b;</text>"),
        "<html xmlns='http://www.w3.org/1999/xhtml'/>",
        "<svg viewBox='0 0 1 1'/>",
        '<svg xmlns="http://www.w3.org/2000/svg"/>',
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1e9 inf"/>',
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 nan 5"/>',
        "",
        PNG,
    ],
)
def test_what_is_no_drawing_is_refused(tmp_path, data):
    loaded = load_course(course(tmp_path, PAGE, boats__svg=data))
    assert "boats.svg" in str(loaded.problems[0])


def test_file_that_only_calls_itself_png_is_refused(tmp_path):
    loaded = load_course(course(tmp_path, "![Sea](pictures/sea.png)", sea__png=DRAWING))
    assert "not a PNG" in str(loaded.problems[0])


@pytest.mark.parametrize("name", ["boats.html", "Boats.svg", "boats.svg.js", "a b.svg", "b.jpg"])
def test_other_names_are_refused(tmp_path, name):
    root = course(tmp_path, PAGE, boats__svg=DRAWING)
    (root / "02-keel/pictures" / name).write_text(DRAWING)
    assert "not a name for a picture" in problems(root)[0]


def test_linked_pictures_are_refused(tmp_path):
    root = course(tmp_path, PAGE)
    (tmp_path / "secret.svg").write_text(DRAWING)
    (root / "02-keel/pictures/boats.svg").symlink_to(tmp_path / "secret.svg")
    assert "symbolic links are not followed" in str(load_course(root).problems)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("![](pictures/boats.svg)", "the picture has no text"),
        ("![Boat](pictures/other.svg)", "there is no picture “pictures/other.svg”"),
        ("![Boat](pictures/../lesson.md)", "there is no picture"),
        ("![Boat](https://tracker.example/pixel.gif)", "this image is left out"),
        ("See ![Boat](pictures/boats.svg) here", "this image is left out"),
        (":::note\n![Boat](pictures/boats.svg)\n:::", "this image is left out"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, page, words):
    found = problems(course(tmp_path, page, boats__svg=DRAWING, boats__dark__svg=DRAWING))
    assert any(words in line and "02-keel/lesson.md:" in line for line in found)


def test_unused_pictures_and_missing_dark_variants_are_told(tmp_path):
    found = problems(course(tmp_path, PAGE, boats__svg=DRAWING, extra__svg=DRAWING))
    assert any("extra.svg: warning: no picture of the page" in line for line in found)
    assert any("boats.svg: warning: the drawing has no variant" in line for line in found)


def test_picture_in_a_listing_is_text(tmp_path):
    root = course(tmp_path, f"```md\n{PAGE}\n```\n", boats__svg=DRAWING)
    assert not any(
        isinstance(item, PictureBlock) for item in load_course(root).course.lessons[1].body
    )


@pytest.fixture
def served(tmp_path, settings, db):
    settings.COURSES_PATH = tmp_path
    catalogue._entries.clear()
    return course(tmp_path, PAGE, boats__svg=DRAWING, boats__dark__svg=DRAWING)


def test_page_shows_one_picture_for_each_theme(client, served):
    page = client.get("/courses/boats/keel/").content.decode()
    assert page.count('alt="Two boats"') == 2
    assert page.count('loading="lazy"') == 2
    assert "<figcaption>Left: a <em>cutter</em></figcaption>" in page
    answer = client.get("/api/v1/courses/boats/lessons/keel").json()
    assert [step["type"] for step in answer["steps"]] == ["prose", "picture"]


def test_picture_is_served_without_scripts_or_origin(client, served):
    answer = client.get(f"{ADDRESS}boats.svg")
    assert answer.content == DRAWING.encode()
    assert answer["Content-Type"] == CONTENT_TYPES[".svg"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy


@pytest.mark.parametrize("name", ["other.svg", "lesson.md", "..%2Flesson.md", "boats.SVG"])
def test_only_the_lessons_pictures_are_served(client, served, name):
    assert client.get(f"{ADDRESS}{name}").status_code == 404


def test_alt_text_and_caption_are_escaped(client, tmp_path, settings, db):
    settings.COURSES_PATH = tmp_path
    catalogue._entries.clear()
    page = '!["><script>alert(1)</script>](pictures/boats.svg "<b onclick=x>y</b>")'
    course(tmp_path, page, boats__svg=DRAWING)
    text = client.get("/courses/boats/keel/").content.decode()
    assert "<script>alert" not in text
    assert "<b onclick" not in text


def test_dark_drawings_of_the_library_differ_from_the_light_ones_in_colours_only(flagship):
    pairs = [(path, path.with_name(f"{path.stem}.dark.svg")) for path in _light(flagship)]
    assert pairs
    for light, dark in pairs:
        assert _without_colours(light) == _without_colours(dark), light
        assert light.read_text() != dark.read_text()


def _light(library):
    return [path for path in library.glob("*/*/pictures/*.svg") if ".dark." not in path.name]


def _without_colours(path):
    return re.sub(r"#[0-9a-f]{6}\b", "colour", path.read_text(encoding="utf-8"))
