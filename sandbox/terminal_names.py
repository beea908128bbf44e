"""The terminals of a machine by name: `main`, and what people opened beside it.

The rows say which there are; their shells live in the machine, made by the first socket
that opens one (`sandbox/held.py`). Every change is an event on the sandbox's socket.
"""

from typing import Any

from django.conf import settings
from django.db import transaction

from sandbox import dispatch, events
from sandbox.errors import BadRequest, MainStays, TerminalNotFound, TerminalsFull
from sandbox.models import Machine, TerminalName

MAIN = "main"
NAME = r"[a-z0-9-]{1,20}"
TITLE_CHARACTERS = 40
# A vm's terminal is a serial line, of which it has one.
KINDS = ("shell", "docker")


def of(machine: Machine) -> list[dict[str, str]]:
    """Name and title of each terminal, main first."""
    titles = {row.name: row.title for row in machine.terminal_names.all()}
    main = {"name": MAIN, "title": titles.pop(MAIN, MAIN)}
    return [main, *({"name": name, "title": title} for name, title in titles.items())]


def of_new() -> list[dict[str, str]]:
    """`of` a machine that was made just now: main alone."""
    return [{"name": MAIN, "title": MAIN}]


def title_of(machine: Machine, name: str) -> str:
    """A terminal's title. Raises TerminalNotFound."""
    titles = {terminal["name"]: terminal["title"] for terminal in of(machine)}
    if name not in titles:
        raise TerminalNotFound
    return titles[name]


def open_new(machine: Machine, name: str | None = None, title: str = "") -> dict[str, str]:
    """Add a terminal, or find the one of that name; returns name and title.

    Without a name it gets the next free number. Raises TerminalsFull, BadRequest.
    """
    if machine.kind not in KINDS:
        raise TerminalsFull("A machine of this kind has one terminal.", "Use that one.")
    with transaction.atomic():
        # One at a time per machine, so that two tabs don't get the same number.
        Machine.objects.select_for_update().get(pk=machine.pk)
        rows = {row.name: row for row in TerminalName.objects.filter(machine=machine)}
        if name in rows or name == MAIN:
            return {"name": name, "title": rows[name].title if name in rows else MAIN}
        if len(rows.keys() - {MAIN}) + 1 >= settings.TERMINALS_PER_MACHINE:
            raise TerminalsFull
        number = next(n for n in range(2, 1000) if str(n) not in rows)
        row = TerminalName.objects.create(
            machine=machine, name=name or str(number), title=_clean(title) or name or str(number)
        )
        _announce("opened", machine, row.name, row.title)
    return {"name": row.name, "title": row.title}


def rename(machine: Machine, name: str, title: str) -> dict[str, str]:
    """Give a terminal another title. Raises TerminalNotFound, BadRequest for an empty one."""
    clean = _clean(title)
    if not clean:
        raise BadRequest("A terminal needs a title.", f"At most {TITLE_CHARACTERS} characters.")
    title_of(machine, name)
    with transaction.atomic():
        TerminalName.objects.update_or_create(machine=machine, name=name, defaults={"title": clean})
        _announce("renamed", machine, name, clean)
    return {"name": name, "title": clean}


def close(machine: Machine, name: str) -> None:
    """End a terminal and its shell. Raises MainStays, TerminalNotFound."""
    if name == MAIN:
        raise MainStays
    title_of(machine, name)
    forget(machine, name)
    dispatch.end_terminal(machine.sandbox_id, machine.name, name)


def forget(machine: Machine, name: str) -> None:
    """Take a terminal whose shell has ended, or is to, from the list."""
    with transaction.atomic():
        row = TerminalName.objects.filter(machine=machine, name=name).first()
        if row is not None and row.delete()[0]:
            _announce("closed", machine, name, row.title)


def forget_all(sandbox_id: str) -> None:
    """The machines are replaced: their extra terminals are gone with them."""
    TerminalName.objects.filter(machine__sandbox=sandbox_id).exclude(name=MAIN).delete()


def _clean(title: str) -> str:
    """One line that can be shown: no control characters, bounded."""
    words = " ".join(title.split())
    return "".join(c for c in words if c.isprintable())[:TITLE_CHARACTERS].strip()


def _announce(change: str, machine: Machine, name: str, title: str) -> None:
    event: dict[str, Any] = {
        "type": "terminal",
        "change": change,
        "machine": machine.name,
        "terminal": name,
        "title": title,
    }
    transaction.on_commit(lambda: events.publish(machine.sandbox_id, event))
