"""docs/measurements.md: each command replaces its own part, between two comments."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

MEASUREMENTS = Path(__file__).resolve().parents[1] / "docs" / "measurements.md"
END = "<!-- end -->"


def where_and_when() -> str:
    """Date, kernel, processors and engine, as every part begins."""
    command = ["docker", "version", "-f", "{{.Server.Version}}"]
    engine = subprocess.check_output(command, text=True).strip()
    system = f"{platform.system()} {platform.release()}, {os.cpu_count()} processors"
    return f"{datetime.now(UTC):%Y-%m-%d}, {system}, engine {engine}"


def replace_part(begin: str, text: str, path: Path = MEASUREMENTS) -> None:
    """Put `text` between the comment `begin` and the next end. Raises ValueError without them."""
    before, rest = path.read_text(encoding="utf-8").split(begin, 1)
    _, after = rest.split(END, 1)
    path.write_text(f"{before}{begin}\n{text}\n{END}{after}", encoding="utf-8")
