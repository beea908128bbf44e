"""Figures recorded elsewhere: complete, labelled, and with the lessons whose hosts can't measure."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from courses import recorded
from courses.blocks import PANELS

SORTS = ("measure", "race", "fit", "survive")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return dict(json.loads(recorded.FILE.read_text(encoding="utf-8")))


def test_the_record_says_when_and_on_what_machine(found: dict[str, Any]) -> None:
    assert datetime(2026, 1, 1, tzinfo=UTC) < datetime.fromisoformat(found["at"])
    assert " × " in found["machine"]
    assert "Linux" in found["machine"]


@pytest.mark.parametrize("what", SORTS)
def test_every_sort_of_run_was_recorded_to_its_end(what: str) -> None:
    kept = recorded.of(what)
    assert kept
    assert kept["runs"]
    for run in kept["runs"]:
        assert (run["state"], run["error"], run["what"]) == ("done", "", what)
        assert all(value["how"] and value["taken_at"] for value in run["values"])


def test_what_was_recorded_is_what_the_lessons_teach(found: dict[str, Any]) -> None:
    runs = found["runs"]
    assert len(runs["race"]) >= 5
    for race in runs["race"]:
        vm, container = race["outcome"]["sides"]["vm"], race["outcome"]["sides"]["container"]
        assert vm["seconds"] > container["seconds"] > 0
        assert (vm["kernel"], vm["boot"]) != (container["kernel"], container["boot"])
        assert vm["emulated"] is any(v["emulated"] for v in race["values"])
    (fit,) = runs["fit"]
    assert (
        fit["outcome"]["sides"]["container"]["count"] > fit["outcome"]["sides"]["vm"]["count"] > 0
    )
    before, panic, kill = (each["alive"] for each in runs["survive"][0]["outcome"]["rounds"])
    assert all(before.values())
    assert [name for name in panic if not panic[name]] == ["guest-victim"]
    assert {name for name in kill if not kill[name]} == {"guest-victim", "container-victim"}


def test_every_panel_has_something_recorded() -> None:
    for panel in PANELS:
        assert recorded.of(panel if panel in SORTS else "measure"), panel


def test_nothing_recorded_is_no_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "_recorded", dict)
    assert recorded.of("race") is None
