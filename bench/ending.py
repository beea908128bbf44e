"""What a benchmark leaves on the engine when it is killed: nothing.

A process beside it waits for the end of a pipe that only the benchmark holds open. When the
benchmark has ended, by whatever, SIGKILL included, it removes what carries the labels that it
was told.
"""

import subprocess
import uuid
from functools import cache

# For containers that a benchmark makes with `docker run`.
LABEL = f"slipway.bench={uuid.uuid4().hex}"
_REMOVE = """labels=$(cat)
for label in $labels; do
  docker ps -aq --filter "label=$label" | xargs -r docker rm --force --volumes
  docker volume ls -q --filter "label=$label" | xargs -r docker volume rm
done >/dev/null 2>&1"""


@cache
def _beside() -> "subprocess.Popen[str]":
    # In a session of its own: what ends the benchmark's whole group does not end it.
    return subprocess.Popen(
        ["/bin/sh", "-c", _REMOVE], stdin=subprocess.PIPE, text=True, start_new_session=True
    )


def removed_with_us(label: str = LABEL) -> str:
    """Have containers and volumes that carry `label` removed when this process has ended."""
    pipe = _beside().stdin
    assert pipe is not None
    pipe.write(f"{label}\n")
    pipe.flush()
    return label
