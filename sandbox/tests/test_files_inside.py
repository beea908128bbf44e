"""The program that moves files inside a machine, on this machine's own disk."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from sandbox import files_inside

Said = dict[str, Any]


@pytest.fixture(autouse=True)
def _only_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing outside this test's own folder can be removed, whatever the program does."""

    def only_below(remove: Any) -> Any:
        def checked(path: Any) -> None:
            place = os.path.realpath(os.path.dirname(path))
            assert place.startswith(os.path.realpath(tmp_path)), f"{path} is not the test's"
            remove(path)

        return checked

    for module, name in ((shutil, "rmtree"), (os, "rmdir"), (os, "unlink")):
        own = only_below(getattr(module, name))
        monkeypatch.setattr(
            files_inside,
            "os" if module is os else "shutil",
            _Shadow(getattr(files_inside, "os" if module is os else "shutil"), name, own),
        )


class _Shadow:
    """A module with one function replaced, for the program alone."""

    def __init__(self, module: Any, name: str, function: Any) -> None:
        self._module = module
        setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


@pytest.fixture
def do(capsysbinary: pytest.CaptureFixture[bytes]) -> Any:
    """Carries out an order; gives its answer."""

    def done(do: str, **order: Any) -> Said:
        files_inside.main(
            {"do": do, **{k: str(v) if isinstance(v, Path) else v for k, v in order.items()}}
        )
        said: Said = json.loads(capsysbinary.readouterr().out)
        return said

    return done


def test_a_folder_is_made_with_those_above_it_but_not_twice(do: Any, tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    assert do("folder", path=path) == {"path": str(path)}
    assert path.is_dir()
    assert do("folder", path=path)["error"] == "file_exists"


def test_a_rename_moves_and_never_replaces(do: Any, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("1")
    (tmp_path / "two").write_text("2")
    (tmp_path / "dangling").symlink_to("nowhere")
    assert do("rename", path=tmp_path / "one", to=tmp_path / "two")["error"] == "file_exists"
    assert do("rename", path=tmp_path / "one", to=tmp_path / "dangling")["error"] == "file_exists"
    assert do("rename", path=tmp_path / "none", to=tmp_path / "x")["error"] == "not_found"
    assert do("rename", path=tmp_path / "one", to=tmp_path / "three") == {
        "path": str(tmp_path / "three")
    }
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["dangling", "three", "two"]


def test_what_a_link_leads_to_survives_the_links_removal(do: Any, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("here")
    (tmp_path / "link").symlink_to(kept)
    do("delete", path=tmp_path / "link", recursive=True)
    assert not (tmp_path / "link").is_symlink()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "inner").symlink_to(kept)
    assert do("delete", path=tree, recursive=False)["error"] == "not_empty"
    assert do("delete", path=tree, recursive=True) == {"path": str(tree)}
    assert not tree.exists()
    assert (kept / "file").read_text() == "here"


@pytest.mark.parametrize("path", ["/", "//", "///", "/.", "/..", "~", "~/", "~/.", "~/x/.."])
def test_root_and_home_stay(
    do: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """With everything that removes out of order: were the guard wrong, this machine must live."""
    tried: list[str] = []
    for module, name in (("shutil", "rmtree"), ("os", "rmdir"), ("os", "unlink")):
        harmless = _Shadow(getattr(files_inside, module), name, tried.append)
        monkeypatch.setattr(files_inside, module, harmless)
    (tmp_path / "x").mkdir()
    monkeypatch.setattr(files_inside, "HOME", str(tmp_path))
    said = do("delete", path=path, recursive=True)
    assert (said.get("error"), said.get("message")) == ("not_allowed", "That folder stays.")
    assert do("delete", path=f"{tmp_path.parent}", recursive=True)["error"] == "not_allowed"
    assert tried == []


def test_a_listing_says_where_links_lead_to(do: Any, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "to-d").symlink_to("d")
    (tmp_path / "to-nowhere").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    entries = do("list", path=tmp_path)["entries"]
    assert {e["name"]: (e["type"], e.get("to")) for e in entries} == {
        "d": ("folder", None),
        "to-d": ("link", "folder"),
        "to-nowhere": ("link", None),
        "loop": ("link", None),
    }


@pytest.mark.parametrize("path", ["relative", "", "~other/x", "/a\0b"])
def test_paths_that_name_no_place_are_refused(do: Any, path: str) -> None:
    assert do("folder", path=path)["error"] == "bad_request"
