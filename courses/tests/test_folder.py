"""Reading never leaves the course folder, never waits, never takes in too much."""

import os

import pytest

from courses.folder import CourseFolder
from courses.problems import ContentError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "secret").write_text("key")
    root = tmp_path / "course"
    root.mkdir()
    (root / "a.md").write_text("text")
    return CourseFolder(root)


@pytest.mark.parametrize(
    "path",
    ["../secret", "x/../../secret", "/etc/passwd", "", ".", "a//b", "a.md/..", "a\0b", "a\\b"],
)
def test_paths_outside_are_refused(folder, path):
    with pytest.raises(ContentError):
        folder.read_text(path, 100)


def test_link_to_a_file_outside_is_refused(folder):
    (folder.root / "b.md").symlink_to("../secret")
    with pytest.raises(ContentError, match="symbolic"):
        folder.read_text("b.md", 100)
    with pytest.raises(ContentError):
        folder.has_file("b.md")


def test_link_to_a_folder_is_refused(folder, tmp_path):
    (folder.root / "dir").symlink_to(tmp_path)
    with pytest.raises(ContentError, match="symbolic"):
        folder.read_text("dir/secret", 100)
    with pytest.raises(ContentError):
        folder.subfolders("dir")


def test_link_inside_a_tree_is_refused(folder):
    (folder.root / "files").mkdir()
    (folder.root / "files" / "x").symlink_to("../../secret")
    with pytest.raises(ContentError, match="files/x"):
        folder.check_tree("files", 1000)


def test_fifo_is_refused_without_waiting(folder):
    os.mkfifo(folder.root / "pipe")
    with pytest.raises(ContentError, match="regular"):
        folder.read_text("pipe", 100)


def test_folder_in_place_of_a_file_is_refused(folder):
    (folder.root / "b.md").mkdir()
    with pytest.raises(ContentError):
        folder.read_text("b.md", 100)


def test_large_file_is_refused(folder):
    (folder.root / "big.md").write_bytes(b"x" * 3000)
    with pytest.raises(ContentError, match="larger than 2 KiB"):
        folder.read_text("big.md", 2048)


def test_sparse_giant_is_refused_without_reading_it(folder):
    with (folder.root / "giant").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ContentError, match="larger"):
        folder.read_text("giant", 2048)


def test_large_tree_is_refused(folder):
    (folder.root / "files").mkdir()
    for number in range(3):
        (folder.root / "files" / str(number)).write_bytes(b"x" * 1000)
    with pytest.raises(ContentError, match="more than"):
        folder.check_tree("files", 2048)


def test_missing_file_is_named(folder):
    with pytest.raises(ContentError, match="nope.md: error: the file is missing"):
        folder.read_text("nope.md", 100)


def test_text_that_is_not_utf8_names_its_line(folder):
    (folder.root / "b.md").write_bytes(b"fine\n\xff\xfe")
    with pytest.raises(ContentError) as caught:
        folder.read_text("b.md", 100)
    assert caught.value.problems[0].line == 2


def test_windows_line_ends_and_byte_order_mark_are_taken_off(folder):
    (folder.root / "b.md").write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree")
    assert folder.read_text("b.md", 100) == "one\ntwo\nthree"


def test_fingerprint_changes_with_an_edit(folder):
    before = folder.fingerprint()
    (folder.root / "a.md").write_text("longer text")
    assert folder.fingerprint() != before
