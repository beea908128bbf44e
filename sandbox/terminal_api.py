"""API of a machine's terminals: list, open, rename, close."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from sandbox import lifecycle, terminal_names
from sandbox.api import TerminalOut
from sandbox.errors import MachineNotFound, SandboxNotReady
from sandbox.models import USABLE, Machine

router = Router(tags=["terminals"])
PATH = "/sandboxes/{sandbox_id}/machines/{machine}/terminals"


class TerminalIn(Schema):
    title: str = Field("", max_length=200)
    name: str | None = Field(None, pattern=f"^{terminal_names.NAME}$")


class TitleIn(Schema):
    title: str = Field(max_length=200)


@router.get(PATH, response=list[TerminalOut])
def list_terminals(request: HttpRequest, sandbox_id: str, machine: str) -> Any:
    """The terminals of a machine of yours, main first."""
    return terminal_names.of(_machine(request, sandbox_id, machine))


@router.post(PATH, response={201: TerminalOut})
def open_terminal(request: HttpRequest, sandbox_id: str, machine: str, new: TerminalIn) -> Any:
    """One more terminal; its shell starts with the first WebSocket."""
    found = _machine(request, sandbox_id, machine)
    if found.sandbox.state not in USABLE:
        raise SandboxNotReady
    return Status(201, terminal_names.open_new(found, new.name, new.title))


@router.patch(PATH + "/{name}", response=TerminalOut)
def rename_terminal(
    request: HttpRequest, sandbox_id: str, machine: str, name: str, new: TitleIn
) -> Any:
    """Give a terminal another title."""
    return terminal_names.rename(_machine(request, sandbox_id, machine), name, new.title)


@router.delete(PATH + "/{name}", response={204: None})
def close_terminal(request: HttpRequest, sandbox_id: str, machine: str, name: str) -> Any:
    """End a terminal and its shell."""
    terminal_names.close(_machine(request, sandbox_id, machine), name)
    return Status(204, None)


def _machine(request: HttpRequest, sandbox_id: str, name: str) -> Machine:
    sandbox = lifecycle.get_for(request.user, sandbox_id)
    found = sandbox.machines.select_related("sandbox").filter(name=name).first()
    if found is None:
        raise MachineNotFound
    return found
