"""Names, sources and layers of the machine images. No engine, no network."""

import io
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from sandbox.images import image_ref, names, seed_images, seed_volume
from sandbox.images.apt_sources import (
    MIRROR_VARIABLE,
    NEUTRAL_SOURCES,
    Mirrors,
    derive_mirrors,
    sources_for,
)
from sandbox.images.archive import write_difference
from sandbox.images.stages import BuildError
from sandbox.images.standins import STAND_IN_LABEL, STAND_INS, image_config
from sandbox.images.wheels import pins, write_index

PACKAGE = Path(names.__file__).parent

DEB822 = """\
# mirrors of a school
Types: deb deb-src
URIs: http://mirror.school.example/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.school.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
"""
ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb cdrom:[Debian GNU/Linux 12]/ bookworm main
deb [arch=amd64 signed-by=/k.gpg] https://one.example/debian bookworm main contrib
deb-src https://sources.example/debian bookworm main
deb https://one.example/debian-security bookworm-security main
"""
UBUNTU = "Types: deb\nURIs: http://archive.example/ubuntu/\nSuites: noble noble-updates\nComponents: main\n"


def test_names_hold_a_hash_and_stay_the_same() -> None:
    assert re.fullmatch(r"slipway/shell:[0-9a-f]{12}", image_ref("shell"))
    assert re.fullmatch(r"slipway/docker:[0-9a-f]{12}", image_ref("docker"))
    assert re.fullmatch(r"slipway-seed-[0-9a-f]{12}", seed_volume())
    before = image_ref("shell")
    names.content_hash.cache_clear()
    assert image_ref("shell") == before


def test_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match="shell, docker"):
        image_ref("mainframe")


def test_another_input_gives_another_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "input").write_text("one")
    monkeypatch.setattr(names, "_HERE", tmp_path)
    monkeypatch.setitem(names._INPUTS, "shell", ("input",))
    first = names.content_hash.__wrapped__("shell")
    (tmp_path / "input").write_text("two")
    second = names.content_hash.__wrapped__("shell")
    (tmp_path / "input").chmod(0o755)
    assert len({first, second, names.content_hash.__wrapped__("shell")}) == 3


def test_the_package_needs_only_the_standard_library() -> None:
    code = "import sandbox.images.build, sys; print([m for m in ('docker', 'django', 'celery') if m in sys.modules])"
    root = PACKAGE.parent.parent
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_mirrors_from_deb822_skip_disabled_stanzas() -> None:
    expected = Mirrors(
        "http://mirror.school.example/debian", "http://mirror.school.example/debian-security"
    )
    assert derive_mirrors([DEB822]) == expected


def test_mirrors_from_one_line_skip_comments_sources_and_cdrom() -> None:
    assert derive_mirrors([ONE_LINE]) == Mirrors(
        "https://one.example/debian", "https://one.example/debian-security"
    )


@pytest.mark.parametrize("texts", [[UBUNTU, ""], []])
def test_a_host_without_debian_sources_is_told_what_to_set(
    texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BuildError) as told:
        derive_mirrors(texts)
    assert MIRROR_VARIABLE in told.value.hint
    monkeypatch.setenv(MIRROR_VARIABLE, "http://m.example/debian/ http://m.example/security")
    assert derive_mirrors(texts) == Mirrors("http://m.example/debian", "http://m.example/security")


def test_a_partial_mirror_gets_no_security_line() -> None:
    text = sources_for("trixie", derive_mirrors(["deb http://m.example/debian bookworm main\n"]))
    assert "http://m.example/debian trixie main" in text
    assert "security" not in text


def test_what_stays_in_an_image_names_no_mirror() -> None:
    assert NEUTRAL_SOURCES.startswith("#")
    assert "//" not in NEUTRAL_SOURCES


def test_no_source_file_names_a_private_mirror_or_a_build_machine() -> None:
    allowed = {"engine", "172.17.0.1:3141"}
    for file in PACKAGE.rglob("*"):
        if file.is_file() and file.suffix != ".pyc":
            text = file.read_text()
            assert set(re.findall(r"https?://([^/\s\"'<>)]+)", text)) <= allowed, file


def _tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def test_a_layer_holds_what_is_new_or_changed(tmp_path: Path) -> None:
    lower = _tar(tmp_path / "lower", {"same": b"1", "changed": b"1"})
    upper = _tar(tmp_path / "upper", {"same": b"1", "changed": b"2", "new": b"3", "dev/null": b""})
    layer = write_difference(upper, lower, tmp_path / "layer")
    with tarfile.open(layer.path) as tar:
        assert sorted(tar.getnames()) == ["changed", "new"]


def test_a_subtree_becomes_the_root_of_its_layer(tmp_path: Path) -> None:
    upper = _tar(tmp_path / "upper", {"etc/passwd": b"", "stand-in/bin/sh": b"x"})
    with tarfile.open(write_difference(upper, None, tmp_path / "layer", "stand-in").path) as tar:
        assert tar.getnames() == ["bin/sh"]


def test_every_stand_in_says_what_it_is_and_no_tag_is_used_twice() -> None:
    assert len(set(seed_images())) == len(seed_images())
    assert {
        "python:3.11-slim",
        "alpine:latest",
        "nginx:alpine",
        "registry:2",
        "ubuntu:24.04",
    } <= set(seed_images())
    for image in STAND_INS:
        labels = image_config(image)["Labels"]
        assert isinstance(labels, dict)
        assert labels[STAND_IN_LABEL]


def test_wheel_pins_are_exact() -> None:
    for pin in pins((PACKAGE / "wheels.txt").read_text()):
        assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+", pin)


def test_the_index_has_one_page_per_package_with_every_version(tmp_path: Path) -> None:
    wheels = [tmp_path / f"Some_Thing-{version}-py3-none-any.whl" for version in ("1.0", "2.0")]
    for wheel in wheels:
        wheel.write_bytes(b"wheel")
    write_index(wheels, tmp_path / "out")
    page = (tmp_path / "out/simple/some-thing/index.html").read_text()
    assert [wheel.name in page for wheel in wheels] == [True, True]
    assert 'href="some-thing/"' in (tmp_path / "out/simple/index.html").read_text()
