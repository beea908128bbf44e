"""What lesson pages may frame, as the settings derive it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PRINT = "from config import settings; print(*settings.PREVIEW_FRAME_SOURCES)"
ROOM = "http://192.168.7.20:8000,http://room"


@pytest.mark.parametrize(
    ("environment", "sources"),
    [
        ({}, "http://*.localhost:8000"),
        ({"PREVIEW_HOST": ""}, ""),
        (
            {"PREVIEW_PORTS": "8100-8163", "SITE_URLS_EXTRA": ROOM},
            "http://*.localhost:8000 http://localhost:* http://192.168.7.20:* http://room:*",
        ),
        ({"PREVIEW_PORTS": "8100-8163", "PREVIEW_HOST": ""}, "http://localhost:*"),
    ],
)
def test_pages_may_frame_previews_and_nothing_else(
    tmp_path: Path, environment: dict[str, str], sources: str
) -> None:
    taken = ("PREVIEW_", "SITE_URL")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(taken)}
    said = subprocess.run(
        [sys.executable, "-c", PRINT],
        cwd=Path(__file__).parents[2],
        env=inherited | environment | {"SLIPWAY_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == sources
