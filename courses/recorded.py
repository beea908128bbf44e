"""Measurements recorded on another machine, for sites whose host can't run virtual machines.

`courses/figures/recorded.json` is written by `manage.py recordmeasurements`, never by hand:
`{"at": ISO 8601, "machine": words, "runs": {what: [run as the API gives it]}}`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "figures" / "recorded.json"


@cache
def _recorded() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text(encoding="utf-8"))) if FILE.exists() else {}


def of(what: str) -> dict[str, Any] | None:
    """`{"at", "machine", "runs"}` for one sort of run, None when none was recorded."""
    recorded = _recorded()
    runs = recorded.get("runs", {}).get(what)
    return {"at": recorded["at"], "machine": recorded["machine"], "runs": runs} if runs else None
