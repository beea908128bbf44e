"""Compiling our own small C programs: static, so that the same file runs in every image and guest."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from sandbox.images.stages import BuildError

_COMMAND = (
    "gcc",
    "-std=gnu17",
    "-D_GNU_SOURCE",
    "-static",
    "-Os",
    "-s",
    "-Wall",
    "-Wextra",
    "-Werror",
)


def compile_static(sources: Sequence[str], target: Path) -> None:
    """Compile C `sources` to the program `target`, making its folder. Raises BuildError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [*_COMMAND, "-o", str(target), *sources], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildError(f"{target.name} does not compile:\n{done.stderr.strip()}")
    target.chmod(0o755)
