"""Times are those of the clock on the wall."""

from pathlib import Path

import pytest

from config import host_zone


@pytest.fixture(autouse=True)
def _no_tz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)


def test_it_is_what_localtime_leads_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    zone = tmp_path / "zoneinfo" / "Europe" / "Berlin"
    zone.parent.mkdir(parents=True)
    zone.touch()
    (tmp_path / "localtime").symlink_to(zone)
    monkeypatch.setattr(host_zone, "LOCALTIME", tmp_path / "localtime")
    assert host_zone.host_zone() == "Europe/Berlin"


def test_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert host_zone.host_zone() == "Asia/Tokyo"


@pytest.mark.parametrize("name", ["", "CET-1CEST,M3.5.0,M10.5.0/3", "../../etc/passwd", "Nowhere"])
def test_what_is_no_name_is_utc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv("TZ", name)
    monkeypatch.setattr(host_zone, "LOCALTIME", tmp_path / "none")
    assert host_zone.host_zone() == "UTC"
