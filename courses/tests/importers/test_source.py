"""Nothing outside the named folder or archive is read, and nothing is written outside the target."""

import contextlib
import os
import stat
import subprocess
import zipfile

import pytest
from django.core.management import CommandError, call_command

from courses.importers import source
from courses.importers.run import import_scenarios
from courses.importers.source import NotImportable, Unreadable, open_source, safe_name
from courses.loader import load_course
from courses.tests.importers.scenarios import scenario
from courses.tests.importers.test_scenarios import lay_out

ALL = {"assets": {"host01": [{"file": "**", "target": "/root"}]}}


def everything_below(root):
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "..\\x",
        "C:/x",
        "c:x",
        "a/..",
        "",
        "a\nb",
        "a\0b",
        "./..",
    ],
)
def test_names_that_lead_outside_are_none(name):
    assert safe_name(name) is None


@pytest.mark.parametrize(("name", "clean"), [("a//b", "a/b"), ("./a", "a"), ("a/./b", "a/b")])
def test_names_inside_are_made_plain(name, clean):
    assert safe_name(name) == clean


def test_archive_can_not_write_outside(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name, text in scenario("Hi", details=ALL).items():
            archive.writestr(name, text)
        for name in ("../evil", "assets/../../evil", "/tmp/evil", "assets/..\\evil", "C:\\evil"):
            archive.writestr(name, "evil")
    (root,), report = import_scenarios(tmp_path / "x.zip", tmp_path / "deep" / "into")
    assert sum("leads outside" in note for note in report.notes) == 5
    assert list(tmp_path.rglob("evil*")) == []
    assert not any(path.name == "evil" for path in root.rglob("*"))


def test_link_in_an_archive_is_refused(tmp_path):
    link = zipfile.ZipInfo("assets/passwd")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name, text in scenario("Hi", details=ALL).items():
            archive.writestr(name, text)
        archive.writestr(link, "/etc/passwd")
    (root,), report = import_scenarios(tmp_path / "x.zip", tmp_path / "into")
    assert "neither a file nor a folder" in report.notes[0]
    assert not any(path.name == "passwd" for path in root.rglob("*"))


def test_links_in_a_folder_are_not_followed(tmp_path):
    (tmp_path / "secret").write_text("the-secret")
    top = lay_out(tmp_path / "x", scenario("Hi", "Ho", details=ALL, files={"assets/a": "A"}))
    (top / "assets" / "leak").symlink_to(tmp_path / "secret")
    (top / "assets" / "all").symlink_to(tmp_path)
    (top / "step2.md").unlink()
    (top / "step2.md").symlink_to(tmp_path / "secret")
    (root,), report = import_scenarios(top, tmp_path / "into")
    assert len([note for note in report.notes if "symbolic link" in note]) == 3
    assert b"the-secret" not in everything_below(root)


@pytest.fixture
def deep_root(tmp_path):
    """A folder that is removed by a program that nests deeper than Python."""
    yield tmp_path / "x"
    subprocess.run(["rm", "-rf", str(tmp_path / "x")], check=True)


def test_pipe_and_deep_folders_do_no_harm(tmp_path, deep_root):
    top = lay_out(deep_root, scenario("Hi", details=ALL))
    (top / "assets").mkdir()
    os.mkfifo(top / "assets" / "pipe")
    deep = os.open(top / "assets", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=deep)
        below = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    roots, report = import_scenarios(top, tmp_path / "into")
    assert len(roots) == 1
    assert any("no plain file" in note for note in report.notes)


def test_bomb_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in scenario("Hi", "Ho", details=ALL).items():
            if name != "step2.md":
                archive.writestr(name, text)
        archive.writestr("step2.md", b"\0" * 300_000_000)
        archive.writestr("assets/zeros", b"\0" * 300_000_000)
    roots, report = import_scenarios(tmp_path / "x.zip", tmp_path / "into")
    assert "larger than" in "\n".join(report.lines())
    assert len(everything_below(roots[0])) < 100_000


def test_size_in_the_archive_is_not_believed(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.md", b"\0" * 1_000_000)
    data = path.read_bytes().replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(data)
    file = open_source(path).files["a.md"]
    with contextlib.suppress(Unreadable):
        assert len(file.load(1000)) <= 1000


@pytest.mark.parametrize("cut", [0, 10, 60, 200, 400])
def test_damaged_archive_is_refused_or_read_in_part(tmp_path, cut):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in scenario("Hi " * 100).items():
            archive.writestr(name, text)
    data = bytearray(path.read_bytes())
    data[cut : cut + 20] = b"\xff" * 20
    path.write_bytes(bytes(data))
    with contextlib.suppress(NotImportable):
        import_scenarios(path, tmp_path / "into")
    for root in (tmp_path / "into").glob("*"):
        assert load_course(root).problems == ()


def test_too_many_entries_are_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MAX_ENTRIES", 3)
    top = lay_out(tmp_path / "x", {f"f{number}": "x" for number in range(9)})
    assert "more than 3" in open_source(top).refused[0]


def test_existing_course_is_not_touched(tmp_path):
    top = lay_out(tmp_path / "x", scenario("Hi"))
    import_scenarios(top, tmp_path / "into")
    (tmp_path / "into" / "x" / "mine").write_text("mine")
    with pytest.raises(CommandError, match="exists"):
        call_command("importscenario", str(top), "--into", str(tmp_path / "into"))
    assert (tmp_path / "into" / "x" / "mine").read_text() == "mine"


@pytest.mark.parametrize("name", ["nope", "x.txt", "link"])
def test_path_that_is_nothing_is_refused(tmp_path, name):
    (tmp_path / "x.txt").write_text("no zip")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(CommandError):
        call_command("importscenario", str(tmp_path / name), "--into", str(tmp_path / "into"))
