"""Recordings of terminals: kept, listed, read and expired. `sandbox/recorder.py` makes them.

Off unless the operator switches them on. In the database, because console and web may be
different machines' processes; what a learner typed is not kept, only what was shown.
Format: asciicast v2 (asciinema documentation, "asciicast v2").
"""

import json
import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from sandbox.errors import SandboxUserError
from sandbox.models import LIVE, Machine, Recording, RecordingPart, Sandbox, TerminalName
from sandbox.terminal_names import MAIN

TITLE_CHARACTERS = 120


class RecordingNotFound(SandboxUserError):
    code = "not_found"
    message = "There is no such recording of yours."
    hint = "Recordings are removed after a while; the list shows those there are."
    status = 404


def begin(machine: Machine, terminal: str, title: str, columns: int, rows: int) -> Recording:
    """A new recording of a terminal, empty."""
    sandbox = machine.sandbox
    return Recording.objects.create(
        learner_id=sandbox.learner_id,
        sandbox=sandbox.pk,
        course=sandbox.course,
        lesson=sandbox.lesson,
        machine=machine.name,
        terminal=terminal,
        title=title[:TITLE_CHARACTERS],
        columns=columns,
        rows=rows,
        expires_at=timezone.now() + timedelta(days=settings.TERMINAL_RECORDING_DAYS),
    )


def add(recording: Recording, events: list[tuple[float, str, str]], *, cut: bool) -> None:
    """Append events (seconds, "o" or "r", text). `cut`: the limit is reached, no more follow."""
    lines = "".join(
        json.dumps([round(seconds, 3), kind, text], ensure_ascii=False) + "\n"
        for seconds, kind, text in events
    ).encode()
    recording.parts += 1
    recording.size_bytes += len(lines)
    recording.seconds = events[-1][0] if events else recording.seconds
    recording.cut = cut
    RecordingPart.objects.create(
        recording=recording, number=recording.parts, data=zlib.compress(lines, 6)
    )
    recording.save(update_fields=["parts", "size_bytes", "seconds", "cut"])


def fit(recording: Recording) -> bool:
    """Keep all recordings of a learner within the limit: the oldest go, but for those being made.

    False when that is not enough: `recording`, one of those, is cut and must end.
    """
    limit = settings.TERMINAL_RECORDING_LEARNER_MIB * 1024 * 1024
    mine = Recording.objects.filter(learner=recording.learner_id)
    total = mine.aggregate(bytes=Sum("size_bytes"))["bytes"] or 0
    if total <= limit:
        return True
    making = _making(recording.learner_id)
    for old in mine.order_by("started_at", "pk"):
        if old.pk not in making and old.pk != recording.pk:
            old.delete()
            total -= old.size_bytes
            if total <= limit:
                return True
    recording.cut = True
    recording.save(update_fields=["cut"])
    return False


def _making(learner_id: int) -> set[str]:
    """Recordings that may still grow: the newest of each terminal that there is, if not cut."""
    live = Sandbox.objects.filter(learner=learner_id, state__in=LIVE).values_list("pk", flat=True)
    rows = TerminalName.objects.filter(machine__sandbox__in=live)
    names = set(rows.values_list("machine__sandbox", "machine__name", "name"))
    newest = {
        (row.sandbox, row.machine, row.terminal): row
        for row in Recording.objects.filter(sandbox__in=live).order_by("started_at", "pk")
    }
    return {
        row.pk
        for place, row in newest.items()
        if not row.cut and (row.terminal == MAIN or place in names)
    }


def of(learner: Any) -> list[dict[str, Any]]:
    """A learner's recordings, newest first."""
    rows = Recording.objects.filter(
        learner=learner.pk, expires_at__gt=timezone.now(), parts__gt=0
    ).order_by("-started_at", "-pk")
    return [_shown(row) for row in rows]


def get_for(learner: Any, recording_id: str) -> Recording:
    """One recording of this learner. Raises RecordingNotFound."""
    found = Recording.objects.filter(
        pk=recording_id, learner=learner.pk, expires_at__gt=timezone.now()
    ).first()
    if found is None:
        raise RecordingNotFound
    return found


def asciicast(recording: Recording) -> Iterator[bytes]:
    """The recording as asciicast v2, part by part."""
    header = {
        "version": 2,
        "width": recording.columns,
        "height": recording.rows,
        "timestamp": int(recording.started_at.timestamp()),
        "duration": recording.seconds,
        "title": recording.title,
        "env": {"TERM": "xterm-256color", "SHELL": "/bin/bash"},
    }
    yield json.dumps(header).encode() + b"\n"
    parts = RecordingPart.objects.filter(recording=recording).order_by("number")
    for data in parts.values_list("data", flat=True).iterator(chunk_size=4):
        yield zlib.decompress(bytes(data))


def remove_expired() -> None:
    """Remove what nobody may see any more."""
    Recording.objects.filter(expires_at__lte=timezone.now()).delete()


def _shown(row: Recording) -> dict[str, Any]:
    return {
        "id": row.pk,
        "sandbox": row.sandbox,
        "course": row.course,
        "lesson": row.lesson,
        "machine": row.machine,
        "terminal": row.terminal,
        "title": row.title,
        "started_at": row.started_at.isoformat(),
        "seconds": row.seconds,
        "bytes": row.size_bytes,
        "cut": row.cut,
        "expires_at": row.expires_at.isoformat(),
    }
