"""Wheels for the lessons: fetched once with the host's pip settings, kept as a PEP 503 index and as a plain folder."""

import html
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox.images.stages import BuildError

PINS = Path(__file__).with_name("wheels.txt")
PYTHON_VERSIONS: tuple[str, ...] = ("3.11", "3.13")
_GLIBC_TAGS = ("manylinux_2_17", "manylinux2014", "manylinux_2_28")


def pins(text: str) -> list[str]:
    """The requirements of a wheels.txt: one `name==version` each, comments left out."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def fetch(cache: Path) -> list[Path]:
    """Every pinned wheel, downloaded into `cache` unless it is there. Returns their paths, sorted.

    The host's own pip configuration (index, proxy, certificates) applies.
    """
    wanted = pins(PINS.read_text())
    folder = cache / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    for version in PYTHON_VERSIONS:
        missing = [pin for pin in wanted if not _matching(folder, pin, version)]
        # Two versions of one package can't be asked for in one run.
        for group in _without_repeats(missing):
            _download(folder, group, version)
    found = {
        wheel
        for pin in wanted
        for version in PYTHON_VERSIONS
        for wheel in _matching(folder, pin, version)
    }
    return sorted(found)


def write_index(wheels: list[Path], target: Path) -> None:
    """A PEP 503 "simple" index of `wheels` under `target`, with relative links and hashes left to pip's defaults."""
    packages: dict[str, list[Path]] = {}
    for wheel in wheels:
        packages.setdefault(_normalised(wheel.name.split("-")[0]), []).append(wheel)
    simple = target / "simple"
    for name, files in packages.items():
        folder = simple / name
        folder.mkdir(parents=True, exist_ok=True)
        links = []
        for file in files:
            shutil.copyfile(file, folder / file.name)
            links.append(f'<a href="{html.escape(file.name)}">{html.escape(file.name)}</a><br>')
        (folder / "index.html").write_text(_page(name, links))
    (simple / "index.html").write_text(
        _page("index", [f'<a href="{name}/">{name}</a><br>' for name in packages])
    )


def _page(title: str, links: list[str]) -> str:
    body = "\n".join(links)
    return (
        f"<!doctype html><html><head><title>{title}</title></head><body>\n{body}\n</body></html>\n"
    )


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _matching(folder: Path, pin: str, version: str) -> list[Path]:
    """Downloaded wheels for `pin` that Python `version` can install."""
    name, number = pin.split("==")
    tag = "cp" + version.replace(".", "")
    found = []
    for wheel in folder.glob("*.whl"):
        wheel_name, wheel_number, *_, python_tag, _abi, _platform = wheel.stem.split("-")
        fits = tag in python_tag.split(".") or "py3" in python_tag.split(".")
        if (_normalised(wheel_name), wheel_number) == (_normalised(name), number) and fits:
            found.append(wheel)
    return found


def _without_repeats(wanted: list[str]) -> list[list[str]]:
    groups: list[list[str]] = []
    for pin in wanted:
        name = pin.split("==")[0]
        for group in groups:
            if all(other.split("==")[0] != name for other in group):
                group.append(pin)
                break
        else:
            groups.append([pin])
    return groups


def _download(folder: Path, wanted: list[str], version: str) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
    ]
    command += ["--dest", str(folder), "--implementation", "cp", "--python-version", version]
    command += [f"--platform={tag}_{platform.machine()}" for tag in _GLIBC_TAGS]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [*command, *wanted], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode != 0:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise BuildError(
            f"pip could not fetch {' '.join(wanted)}:\n{last}", "check the host's pip configuration"
        )
