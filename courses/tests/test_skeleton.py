"""newcourse and newlesson write what checkcourse finds nothing wrong with."""

import pytest
from django.core.management import CommandError, call_command

from courses.lint import lint_course
from courses.loader import load_course
from courses.skeleton import NotPossible, with_lesson
from courses.tests.conftest import boats, write


@pytest.fixture
def course(tmp_path):
    call_command("newcourse", str(tmp_path / "my-course"))
    return tmp_path / "my-course"


@pytest.mark.parametrize("kind", ["shell", "docker", "vm"])
def test_new_course_has_no_problem_at_all(tmp_path, kind):
    call_command("newcourse", str(tmp_path / "x"), "--title", 'A: "b" # ünï', "--kind", kind)
    loaded, problems = lint_course(tmp_path / "x")
    assert problems == []
    assert loaded.course.title == 'A: "b" # ünï'
    (lesson,) = loaded.course.lessons
    assert (lesson.slug, lesson.machines[0].kind) == ("first-steps", kind)
    assert len(lesson.tasks) == 2
    assert lesson.quizzes
    assert lesson.predictions


def test_lessons_are_numbered_and_listed(course):
    call_command("newlesson", str(course), "images")
    call_command(
        "newlesson", str(course), "2-kernels", "--title", "Two: kernels", "--kind", "docker"
    )
    loaded, problems = lint_course(course)
    assert problems == []
    assert [lesson.folder for lesson in loaded.course.lessons] == [
        "01-first-steps",
        "02-images",
        "03-2-kernels",
    ]
    assert [lesson.title for lesson in loaded.course.lessons] == [
        "First steps",
        "Images",
        "Two: kernels",
    ]


def test_course_written_by_hand_takes_a_lesson_and_keeps_its_words(tmp_path):
    text = "# mine\n" + boats()["course.yaml"].replace(
        "lessons: [01-hull, 02-keel]", "lessons:\n  - 01-hull  # the first\n  - 02-keel\n# end"
    )
    root = write(tmp_path / "boats", boats() | {"course.yaml": text})
    call_command("newlesson", str(root), "sail")
    after = (root / "course.yaml").read_text()
    assert after == text.replace("  - 02-keel\n", "  - 02-keel\n  - 03-sail\n")
    assert load_course(root).course.lessons[-1].slug == "sail"


@pytest.mark.parametrize(
    "lessons",
    [
        "[01-a]",
        "[\n  01-a,\n  02-b\n]",
        "\n- 01-a\n- 02-b",
        "\n    - 01-a # x\n",
        "['01-a', \"02-b\"]",
    ],
)
def test_every_way_to_write_the_list_is_extended(lessons):
    text = boats()["course.yaml"].replace("[01-hull, 02-keel]", lessons)
    assert "09-new" in with_lesson(text, "09-new")


def test_unusual_list_is_left_to_the_author():
    text = boats()["course.yaml"].replace("[01-hull, 02-keel]", "[01-hull, 02-keel,]")
    with pytest.raises(NotPossible, match="09-new"):
        with_lesson(text, "09-new")


@pytest.mark.parametrize("name", ["Images", "a b", "../x", "", "-a", "x" * 58])
def test_names_that_are_no_addresses_are_refused(course, tmp_path, name):
    with pytest.raises(CommandError):
        call_command("newlesson", str(course), name)
    assert sorted(path.name for path in course.iterdir()) == ["01-first-steps", "course.yaml"]


@pytest.mark.parametrize("name", ["first-steps", "images"])
def test_nothing_that_exists_is_written_over(course, name):
    call_command("newlesson", str(course), "images")
    before = (course / "course.yaml").read_text()
    with pytest.raises(CommandError, match="already"):
        call_command("newlesson", str(course), name)
    assert (course / "course.yaml").read_text() == before
    with pytest.raises(CommandError, match="exists"):
        call_command("newcourse", str(course))


def test_folder_that_is_no_course_is_refused(tmp_path):
    with pytest.raises(CommandError, match="no course"):
        call_command("newlesson", str(tmp_path), "images")
