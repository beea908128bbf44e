"""Frames of a terminal's socket: their codes and limits, and what any viewer may say in them."""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.errors import SandboxError
from sandbox.viewer import Viewer

log = logging.getLogger(__name__)
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

NOT_SIGNED_IN, NOT_FOUND, IDLE, GONE, TOO_MANY = 4401, 4404, 4408, 4410, 4429
ENDED, POLICY, TOO_BIG, COME_BACK = 1000, 1008, 1009, 1012
# By the server itself: no WebSocket frames at all, text that is no UTF-8, a frame beyond all bounds.
BROKEN = (1002, 1007, TOO_BIG)
FRAME_LIMIT_BYTES = 64 * 1024


# Ends that are nobody's fault; any other code of ours is a line of the log.
ORDINARY = (ENDED, COME_BACK, IDLE, GONE)


class Refused(Exception):
    """Close the socket with `code`; what is wrong and what to do is said before, if there is `error`."""

    def __init__(self, code: int, error: str = "", message: str = "", hint: str = "") -> None:
        self.code = code
        self.error = {"code": error, "message": message, "hint": hint} if error else None
        super().__init__(code)

    @classmethod
    def by(cls, code: int, error: SandboxError) -> "Refused":
        return cls(code, error.code, error.message, error.hint)


def checked(data: bytes | str) -> None:
    """Raises Refused for a frame that is too large."""
    if len(data) > FRAME_LIMIT_BYTES:
        raise Refused(TOO_BIG)


def order_in(text: str) -> dict[str, Any]:
    """The object of a text frame. Raises Refused for what is none."""
    checked(text)
    try:
        order = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise no_frame() from error
    if not isinstance(order, dict):
        raise no_frame()
    return order


def no_frame() -> Refused:
    """What closes the socket of a client that does not speak this protocol."""
    hint = "docs/architecture.md has what may be sent."
    return Refused(POLICY, "bad_request", "Not a frame of this protocol.", hint)


async def read_on(viewer: Viewer, order: dict[str, Any]) -> None:
    """Obey what concerns the reading alone. Raises Refused."""
    try:
        if "ack" in order:
            viewer.acknowledge(number(order["ack"]))
        if "ping" in order:
            await viewer.tell({"pong": number(order["ping"])})
    except (ValueError, TypeError) as error:
        raise no_frame() from error


def number(value: Any) -> int:
    """A whole number as JSON has it. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("not a whole number")
    return value


async def send_frame(send: Send, data: bytes | str) -> None:
    key = "bytes" if isinstance(data, bytes) else "text"
    await send({"type": "websocket.send", key: data})


async def close(send: Send, code: int, error: dict[str, str] | None = None) -> None:
    """Close with a code, and say why before if there is something to say."""
    try:
        if error:
            await send_frame(send, json.dumps({"error": error}))
        await send({"type": "websocket.close", "code": code})
    except (OSError, RuntimeError):
        log.debug("closing a socket that was gone")
