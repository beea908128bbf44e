"""The terminal's WebSocket: authorises, then hands frames to `Terminal`.

A plain ASGI callable, because a Channels consumer dispatches every frame as a task of its
own, which costs more than the frame. Binary frames are bytes, both ways; text frames are
small JSON objects: `{"ack": n}` and `{"resize": [columns, rows], "focus": bool}` from the
client. docs/architecture.md has the whole protocol.
"""

import asyncio
import logging
import re
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings

from sandbox import onlookers, presence, terminal_names
from sandbox.errors import EngineDown, SandboxError, SandboxNotReady, TerminalsFull
from sandbox.models import Machine
from sandbox.onlookers import Look
from sandbox.socket_limits import Pace, TooFast, TooManySockets, counted
from sandbox.terminal import Terminal
from sandbox.terminal_frames import (
    BROKEN,
    COME_BACK,
    ENDED,
    FRAME_LIMIT_BYTES,
    GONE,
    IDLE,
    NOT_FOUND,
    NOT_SIGNED_IN,
    ORDINARY,
    POLICY,
    TOO_MANY,
    Receive,
    Refused,
    Send,
    checked,
    close,
    no_frame,
    number,
    order_in,
    read_on,
    send_frame,
)
from sandbox.terminals import find_machine, is_usable, terminals
from sandbox.viewer import Stalled, Viewer

log = logging.getLogger(__name__)
# The server's own way for bytes that go on at once (`config/direct_sockets.py`), if it has one.
DIRECT = "slipway.direct"


async def terminal_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one viewer of one terminal, from handshake to close."""
    await receive()
    await send({"type": "websocket.accept"})
    try:
        user = scope.get("user")
        if user is None or not user.is_authenticated:
            raise Refused(NOT_SIGNED_IN)
        with counted(user.pk):
            await _serve(scope, receive, send)
    except TooManySockets:
        await _refuse(scope, send, Refused(TOO_MANY))
    except Refused as refused:
        await _refuse(scope, send, refused)


async def _refuse(scope: dict[str, Any], send: Send, refused: Refused) -> None:
    level = logging.INFO if refused.code in ORDINARY else logging.WARNING
    log.log(
        level,
        "terminal of sandbox %s closed with %d: %s; learner %s",
        scope["url_route"]["kwargs"]["sandbox_id"],
        refused.code,
        refused.error["code"] if refused.error else "no reason sent",
        getattr(scope.get("user"), "pk", None),
    )
    await close(send, refused.code, refused.error)


async def _serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    machine, name, look = await _asked_for(scope)
    terminal = await _terminal_of(machine, name)
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    viewer = await terminal.view(
        lambda data: send_frame(send, data),
        _after(query),
        settings.TERMINAL_WINDOW_BYTES,
        readonly=look is not None or query.get("readonly", ["0"])[0] not in ("", "0"),
        patience_seconds=settings.TERMINAL_STALL_SECONDS,
        onlooker=look.name if look else "",
    )
    direct = scope.get("extensions", {}).get(DIRECT)
    if look:
        # Nothing that this client says is ever near the terminal, and nobody counts as present.
        work = [onlookers.read(viewer, receive), look.until_over()]
    else:
        reader = _Reader(terminal, viewer)
        if direct is not None:
            viewer.send_now, direct.on_bytes = direct.send_bytes, reader.take
        work = [reader.read(receive), presence.keep(machine.sandbox_id)]
    await _until_over(scope, terminal, viewer, work)
    if terminal.closed:
        await close(send, await _end_of(terminal, machine, name))


async def _until_over(
    scope: dict[str, Any],
    terminal: Terminal,
    viewer: Viewer,
    work: list[Coroutine[Any, Any, None]],
) -> None:
    """Show the terminal and do `work` beside it, until one of them is over. Raises Refused."""
    tasks = [asyncio.create_task(each) for each in (viewer.follow(terminal), *work)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except Stalled as stalled:
        raise Refused(IDLE) from stalled
    except TooFast as fast:
        raise Refused(
            POLICY, "too_fast", "Far too many frames came in a short time.", "Send them slower."
        ) from fast
    except SandboxError as error:
        raise _out_of_reach(error) from error
    except (OSError, ConnectionError):
        # The browser is gone; the shell and its output stay for when it comes back.
        log.debug("viewer of %s lost", scope["path"])
    finally:
        if (direct := scope.get("extensions", {}).get(DIRECT)) is not None:
            direct.on_bytes = None
        terminal.leave(viewer)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _asked_for(scope: dict[str, Any]) -> tuple[Machine, str, Look | None]:
    """The machine, the terminal's name, and the look if they are somebody else's. Raises Refused."""
    names, look = scope["url_route"]["kwargs"], None
    name, place = names["name"], (names["sandbox_id"], names["machine"])
    machine = await find_machine(scope["user"], *place)
    if machine is None:
        look = await onlookers.look(scope["user"], *place, name)
        machine = look.machine if look else None
    if machine is None or not re.fullmatch(terminal_names.NAME, name):
        raise Refused(
            NOT_FOUND, "not_found", "There is no such terminal of yours.", "Load the page again."
        )
    if not is_usable(machine):
        raise Refused.by(GONE, SandboxNotReady("The machine is not ready, or over."))
    return machine, name, look


async def _terminal_of(machine: Machine, name: str) -> Terminal:
    try:
        return await terminals.get(machine, name)
    except TerminalsFull as error:
        raise Refused.by(TOO_MANY, error) from error
    except SandboxError as error:
        raise _out_of_reach(error) from error


def _out_of_reach(error: SandboxError) -> Refused:
    """The machine is gone; or the engine is away, and says nothing about the machine."""
    if isinstance(error, EngineDown):
        return Refused(COME_BACK)
    return Refused.by(GONE, error)


async def _end_of(terminal: Terminal, machine: Machine, name: str) -> int:
    """Why a terminal is closed: its shell ended, the machine is gone, or only the stream is."""
    if terminal.exit_code is not None:
        return ENDED
    if name == terminal_names.MAIN:
        # The main one is there as long as its machine.
        try:
            await terminals.get(machine, name)
        except SandboxError as error:
            return _out_of_reach(error).code
    # The holder of an extra terminal may live on; coming back attaches to it, or is told.
    return COME_BACK


def _after(query: dict[str, list[str]]) -> int | None:
    value = query.get("after", [""])[0]
    if value and not (value.isdigit() and len(value) < 19):
        raise Refused(
            POLICY,
            "bad_request",
            "after must be a number of bytes.",
            "Leave it out for all there is.",
        )
    return int(value) if value else None


class _Reader:
    """Hands a viewer's frames on."""

    def __init__(self, terminal: Terminal, viewer: Viewer) -> None:
        self._terminal, self._viewer = terminal, viewer
        self._pace = Pace()
        # No earlier frame is being obeyed: the next one may go before the task is woken.
        self._waits = False

    def take(self, data: bytes) -> bool:
        """Hand typed bytes on now; False when they must go through `read`, in their turn."""
        return (
            self._waits
            and len(data) <= FRAME_LIMIT_BYTES
            and self._pace.free_frame()
            and self._terminal.typed_now(self._viewer, data)
        )

    async def read(self, receive: Receive) -> None:
        """Until the client leaves. Raises Refused for what is no frame, TooFast."""
        while True:
            self._waits = True
            message = await receive()
            self._waits = False
            if message["type"] == "websocket.disconnect":
                if message.get("code") in BROKEN:
                    raise Refused(message["code"])
                return
            await self._pace.frame()
            data = message.get("bytes")
            if data is not None:
                checked(data)
                await self._terminal.typed(self._viewer, data)
            else:
                await _obey(self._terminal, self._viewer, message.get("text") or "")


async def _obey(terminal: Terminal, viewer: Viewer, text: str) -> None:
    order = order_in(text)
    await read_on(viewer, order)
    if "resize" not in order:
        return
    try:
        columns, rows = order["resize"]
        focus = order.get("focus", True) is not False
        await terminal.asked(viewer, number(columns), number(rows), focus)
    except (ValueError, TypeError) as error:
        raise no_frame() from error
