"""What a machine says about itself on its own terminal, beside what the learner sees.

PID 1 writes operating system commands that terminals ignore (OSC 777), for instance
`ESC ] 777 ; slipway ; ready ; pid=9;kernel=6.1.0;boot=51d0… BEL`. A learner can print the
same bytes; nothing that is believed here gives more than a wrong label on the own screen.

The shell's prompt adds the marks of OSC 133: C, a command's output begins; D;<code>, it
has ended (FinalTerm's semantic prompts, as iTerm2 and VS Code document them).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

INTRODUCERS = (b"\x1b]777;slipway;", b"\x1b]133;C", b"\x1b]133;D")
_MARKER = re.compile(
    rb"\x1b\]777;slipway;([^\x07\x1b]{0,4500})\x07"
    rb"|\x1b\]133;([CD])(?:;(\d{1,3}))?[^\x07\x1b]{0,200}(?:\x07|\x1b\\)"
)
# Longest marker; the tail kept for one that is cut in two is never longer.
LIMIT_BYTES = 4600
COMMAND_CHARACTERS = 1000


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


@dataclass(frozen=True)
class Exited:
    """The shell on the main terminal has ended; another one follows."""

    code: int


@dataclass(frozen=True)
class CommandLine:
    """The line that ran, as the shell's history has it; its end mark comes next."""

    text: str


@dataclass(frozen=True)
class CommandStarted:
    """What follows is a command's output."""


@dataclass(frozen=True)
class CommandEnded:
    """A command has ended with an exit code."""

    exit: int


@dataclass(frozen=True)
class Guest:
    """The guest of a `vm` machine has a shell at its prompt: what the guest says of itself.

    `accelerator` is "kvm" or "tcg" (emulated); `how` is "booted" or "restored"; `seconds` it
    took so long, from the start of QEMU to the prompt; `hangs`: boots before that hung.
    """

    pid: int
    kernel_release: str
    boot_id: str
    accelerator: str
    how: str
    seconds: float
    hangs: int


@dataclass(frozen=True)
class GuestEnded:
    """The guest is gone while its machine lives: "panicked", "off" or "lost"."""

    state: str


Marker = (
    Ready
    | Stage
    | Failed
    | Exited
    | CommandLine
    | CommandStarted
    | CommandEnded
    | Guest
    | GuestEnded
)


class MarkerReader:
    """Finds markers in a byte stream that may be cut anywhere."""

    def __init__(self, on_marker: Callable[[Marker], None]) -> None:
        self._on_marker = on_marker
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """Read on. The common case, output without an escape, costs one search."""
        if not self._tail and b"\x1b]" not in data and data[-1:] != b"\x1b":
            return
        text = self._tail + data
        end = 0
        for match in _MARKER.finditer(text):
            end = match.end()
            if marker := _marker_of(match):
                self._on_marker(marker)
        self._tail = _unfinished(text[end:])


def _unfinished(text: bytes) -> bytes:
    """The end of `text` if it may be the beginning of a marker."""
    start = text.rfind(b"\x1b")
    if start < 0:
        return b""
    rest = text[start:]
    begins = any(word.startswith(rest) or rest.startswith(word) for word in INTRODUCERS)
    return rest if begins and len(rest) < LIMIT_BYTES else b""


def _marker_of(match: "re.Match[bytes]") -> Marker | None:
    if match[1] is not None:
        return parse(match[1])
    return CommandStarted() if match[2] == b"C" else CommandEnded(int(match[3] or 0))


def parse(payload: bytes) -> Marker | None:
    """Read one marker's payload; None for one that says nothing we know."""
    kind, _, rest = payload.decode(errors="replace").partition(";")
    if kind == "stage" and rest:
        return Stage(rest[:40])
    if kind == "failed":
        return Failed(rest[:200] or "no reason given")
    if kind == "exit" and rest.isdigit():
        return Exited(int(rest[:3]))
    if kind == "command":
        return CommandLine(unquote(rest)[:COMMAND_CHARACTERS])
    if kind == "guest-ended":
        return GuestEnded(rest[:20])
    if kind not in ("ready", "guest"):
        return None
    fields = dict(part.partition("=")[::2] for part in rest.split(";"))
    if not fields.get("pid", "").isdigit():
        return None
    if kind == "guest":
        return _guest(fields)
    return Ready(int(fields["pid"]), fields.get("kernel", "")[:100], fields.get("boot", "")[:40])


def _guest(fields: Mapping[str, str]) -> Guest | None:
    try:
        seconds, hangs = float(fields["seconds"]), int(fields["hangs"])
    except (KeyError, ValueError):
        return None
    return Guest(
        int(fields["pid"]),
        fields.get("kernel", "")[:100],
        fields.get("boot", "")[:40],
        fields.get("accelerator", "")[:10],
        fields.get("how", "")[:10],
        seconds,
        hangs,
    )
