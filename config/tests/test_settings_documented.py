"""docs/settings.md lists every setting that is read from the environment."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r"""\benv(?:\.[a-z_]+)?\(\s*["']([A-Z][A-Z0-9_]*)["']""")


def settings_read() -> list[str]:
    return sorted(set(READ.findall((ROOT / "config" / "settings.py").read_text())))


def test_there_are_settings_to_look_for() -> None:
    assert {"SITE_URL", "DATABASE_URL", "PREVIEW_FRAME_SOURCES"} <= set(settings_read())


@pytest.mark.parametrize("name", settings_read())
def test_the_setting_is_documented(name: str) -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| `{name}`", text, re.MULTILINE), f"{name} is not in docs/settings.md"


def test_nothing_is_documented_that_is_not_read() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([A-Z][A-Z0-9_]*)`", text, re.MULTILINE))
    assert listed - set(settings_read()) == set()
