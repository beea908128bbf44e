"""API of sandboxes that exist: look, extend, stop, reset, write a file, open and end a preview."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field, field_validator

from sandbox import lifecycle, preview_links, preview_ways, replies
from sandbox.errors import MachineNotFound, SandboxEngineError, SandboxError, SandboxNotReady
from sandbox.models import USABLE
from sandbox.specs import MACHINE_NAME
from sandbox.tasks import write_file

router = Router(tags=["sandboxes"])
WRITE_TIMEOUT_SECONDS = 12


class TerminalOut(Schema):
    name: str
    title: str


class GuestOut(Schema):
    """The guest of a `vm` machine. The machine's own kernel and boot id are the guest's."""

    size: str
    # What lies below: the kernel that the hypervisor runs on.
    host_kernel_release: str | None
    host_boot_id: str | None
    # "kvm", or "tcg": emulated, and then why, in words; figures of it must carry them.
    accelerator: str
    emulated: str | None
    # "booted" or "restored" (from this host's snapshot), and the seconds to its prompt.
    how: str
    seconds: float | None
    # Boots before this one that hung and were begun again.
    hangs: int


class MachineOut(Schema):
    name: str
    kind: str
    state: str
    kernel_release: str | None
    boot_id: str | None
    image: str | None
    notice: str | None
    terminal: str
    terminals: list[TerminalOut]
    guest: GuestOut | None


class StageOut(Schema):
    name: str
    seconds: float


class ErrorOut(Schema):
    code: str
    message: str
    hint: str


class SandboxOut(Schema):
    """A sandbox as it is now; durations in seconds, times in ISO 8601."""

    id: str
    course: str
    lesson: str
    state: str
    queue_position: int | None
    # At most so long, as far as can be told; None when nothing is waited for, or none can tell.
    wait_seconds: int | None
    # What was done last, or what is waited for before anything is.
    stage: str | None
    stages: list[StageOut]
    ready_seconds: float | None
    expires_at: str | None
    seconds_left: int | None
    extensions_left: int
    machines: list[MachineOut]
    # Whether what the terminals show is kept as a recording.
    recording: bool
    previews: list[dict[str, Any]]
    error: ErrorOut | None


class FileIn(Schema):
    path: str
    content: str

    @field_validator("path", "content")
    @classmethod
    def _is_text(cls, value: str) -> str:
        # JSON can name half a character (a lone surrogate), which no file can hold.
        value.encode()
        return value


class FileOut(Schema):
    path: str
    bytes: int


class PreviewIn(Schema):
    machine: str = Field(pattern=MACHINE_NAME)
    port: int


class PreviewOut(Schema):
    url: str
    # "name": a host name of its own; "port": a port of the site's address, where names can't be.
    way: str
    # Whether to offer the address for sharing; whoever has it sees the preview in any case.
    share: bool


@router.get("/sandboxes/{sandbox_id}", response=SandboxOut)
def show(request: HttpRequest, sandbox_id: str) -> dict[str, Any]:
    """A sandbox of yours as it is now."""
    return lifecycle.snapshot(lifecycle.get_for(request.user, sandbox_id))


@router.post("/sandboxes/{sandbox_id}/extend", response=SandboxOut)
def extend(request: HttpRequest, sandbox_id: str) -> dict[str, Any]:
    """Add time to a sandbox."""
    return lifecycle.snapshot(lifecycle.extend(lifecycle.get_for(request.user, sandbox_id)))


@router.delete("/sandboxes/{sandbox_id}", response={202: SandboxOut})
def stop(request: HttpRequest, sandbox_id: str) -> Any:
    """End a sandbox. Everything on its machines is gone."""
    sandbox = lifecycle.get_for(request.user, sandbox_id)
    lifecycle.request_stop(sandbox)
    sandbox.refresh_from_db()
    return Status(202, lifecycle.snapshot(sandbox))


@router.post("/sandboxes/{sandbox_id}/reset", response={202: SandboxOut})
def reset(request: HttpRequest, sandbox_id: str) -> Any:
    """Replace all machines by fresh ones."""
    sandbox = lifecycle.request_reset(lifecycle.get_for(request.user, sandbox_id))
    return Status(202, lifecycle.snapshot(sandbox))


@router.put("/sandboxes/{sandbox_id}/machines/{machine}/files", response=FileOut)
def put_file(request: HttpRequest, sandbox_id: str, machine: str, file: FileIn) -> dict[str, Any]:
    """Write a text file as the learner's user."""
    sandbox = lifecycle.get_for(request.user, sandbox_id)
    if sandbox.state not in USABLE:
        raise SandboxNotReady
    if not sandbox.machines.filter(name=machine).exists():
        raise MachineNotFound
    said = replies.ask(
        write_file,
        sandbox.pk,
        machine,
        file.path,
        file.content,
        timeout_seconds=WRITE_TIMEOUT_SECONDS,
    )
    if said is None:
        raise SandboxEngineError("The machine did not answer in time.", "Try again.")
    if "error" in said:
        raise _error_of(said["error"])
    return {"path": file.path, "bytes": said["bytes"]}


def _error_of(said: dict[str, Any]) -> SandboxError:
    """A worker's error as one of this process."""
    error = SandboxError(said["message"], said["hint"])
    error.code, error.status = said["code"], said["status"]
    return error


@router.post("/sandboxes/{sandbox_id}/previews", response={201: PreviewOut})
def open_preview(request: HttpRequest, sandbox_id: str, preview: PreviewIn) -> Any:
    """An address of its own for one port of one machine."""
    sandbox = lifecycle.get_for(request.user, sandbox_id)
    opened = preview_ways.open_preview(
        sandbox, preview.machine, preview.port, site_host=request.get_host()
    )
    share = request.user.may_share_previews()  # type: ignore[union-attr]
    return Status(201, opened._asdict() | {"share": share})


@router.delete("/sandboxes/{sandbox_id}/previews", response={204: None})
def revoke_preview(request: HttpRequest, sandbox_id: str, preview: PreviewIn) -> Any:
    """End the address of a port; opening it again gives another."""
    sandbox = lifecycle.get_for(request.user, sandbox_id)
    preview_links.revoke(sandbox, preview.machine, preview.port)
    return Status(204, None)
