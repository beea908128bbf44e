"""API of one's own recordings: list, fetch, remove."""

from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Router, Schema, Status

from sandbox import recordings

router = Router(tags=["recordings"])


class RecordingOut(Schema):
    id: str
    sandbox: str
    course: str
    lesson: str
    machine: str
    terminal: str
    title: str
    started_at: str
    seconds: float
    bytes: int
    # The limit was reached before the terminal was closed.
    cut: bool
    expires_at: str


@router.get("/recordings", response=list[RecordingOut])
def list_recordings(request: HttpRequest) -> Any:
    """Recordings of your terminals, newest first."""
    return recordings.of(request.user)


@router.get("/recordings/{recording_id}")
def fetch_recording(request: HttpRequest, recording_id: str) -> Any:
    """A recording of yours as asciicast v2."""
    found = recordings.get_for(request.user, recording_id)
    response = StreamingHttpResponse(
        recordings.asciicast(found), content_type="application/x-asciicast"
    )
    response["Content-Disposition"] = f'attachment; filename="{found.pk}.cast"'
    return response


@router.delete("/recordings/{recording_id}", response={204: None})
def remove_recording(request: HttpRequest, recording_id: str) -> Any:
    """Remove a recording of yours."""
    recordings.get_for(request.user, recording_id).delete()
    return Status(204, None)
