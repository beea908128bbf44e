"""What a machine says about itself on its own terminal, beside what the learner sees.

PID 1 writes operating system commands that terminals ignore (OSC 777), for instance
`ESC ] 777 ; slipway ; ready ; pid=9;kernel=6.1.0;boot=51d0… BEL`. A learner can print the
same bytes; nothing that is believed here gives more than a wrong label on the own screen.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

INTRODUCER = b"\x1b]777;slipway;"
_MARKER = re.compile(rb"\x1b\]777;slipway;([^\x07\x1b]{0,400})\x07")
# Longest marker; the tail kept for one that is cut in two is never longer.
LIMIT_BYTES = 450


@dataclass(frozen=True)
class Ready:
    """A shell is about to read commands: its PID, and the kernel below it."""

    pid: int
    kernel_release: str
    boot_id: str


@dataclass(frozen=True)
class Stage:
    """A step of coming up was done."""

    name: str


@dataclass(frozen=True)
class Failed:
    """The machine gives up."""

    reason: str


Marker = Ready | Stage | Failed


class MarkerReader:
    """Finds markers in a byte stream that may be cut anywhere."""

    def __init__(self, on_marker: Callable[[Marker], None]) -> None:
        self._on_marker = on_marker
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """Read on. The common case, output without an escape, costs one search."""
        if not self._tail and b"\x1b" not in data:
            return
        text = self._tail + data
        end = 0
        for match in _MARKER.finditer(text):
            end = match.end()
            if marker := parse(match[1]):
                self._on_marker(marker)
        self._tail = _unfinished(text[end:])


def _unfinished(text: bytes) -> bytes:
    """The end of `text` if it may be the beginning of a marker."""
    start = text.rfind(b"\x1b")
    if start < 0:
        return b""
    rest = text[start:]
    begins = INTRODUCER.startswith(rest) or rest.startswith(INTRODUCER)
    return rest if begins and len(rest) < LIMIT_BYTES else b""


def parse(payload: bytes) -> Marker | None:
    """Read one marker's payload; None for one that says nothing we know."""
    kind, _, rest = payload.decode(errors="replace").partition(";")
    if kind == "stage" and rest:
        return Stage(rest[:40])
    if kind == "failed":
        return Failed(rest[:200] or "no reason given")
    if kind != "ready":
        return None
    fields = dict(part.partition("=")[::2] for part in rest.split(";"))
    if not fields.get("pid", "").isdigit():
        return None
    return Ready(int(fields["pid"]), fields.get("kernel", "")[:100], fields.get("boot", "")[:40])
