"""uvicorn's WebSockets with a short way for bytes, past queue and tasks.

A key and its echo pass four steps of the event loop on ASGI's way: a queue and a task each way.
An application that can take or send a message at once does so by `scope["extensions"][DIRECT]`;
whatever it can't goes ASGI's way, in order. Terminals use it (`sandbox/terminal_socket.py`).
"""

import struct
from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

DIRECT = "slipway.direct"
BINARY = b"\x82"  # final, binary (RFC 6455, 5.2)
SHORT_BYTES, TWO_BYTES = 126, 65_536


class DirectWebSocket(WebSocketsSansIOProtocol):
    """One connection. `on_bytes(data)` is offered each whole binary message; it answers whether it
    took it. It is asked only when no earlier message waits to be received."""

    on_bytes: Callable[[bytes], bool] | None = None

    def handle_connect(self, event: Request) -> None:
        """The handshake: the application learns of the short way."""
        super().handle_connect(event)
        if scope := getattr(self, "scope", None):
            scope["extensions"][DIRECT] = self

    def send_receive_event_to_app(self) -> None:
        """A whole message came."""
        take = self.on_bytes
        if (
            take is not None
            and self.curr_msg_data_type == "bytes"
            and not self.close_sent
            and self.queue.empty()
            and take(self.frames[0] if len(self.frames) == 1 else b"".join(self.frames))
        ):
            self.frames = []
            return
        super().send_receive_event_to_app()

    def send_bytes(self, data: bytes) -> bool:
        """Send a binary message of less than 64 KiB now; False when that can't be done now."""
        size = len(data)
        if (
            size >= TWO_BYTES
            or not self.handshake_complete
            or self.close_sent
            or self.disconnected
            or not self.writable.is_set()
            or self.transport.is_closing()
        ):
            return False
        length = bytes((size,)) if size < SHORT_BYTES else struct.pack("!BH", SHORT_BYTES, size)
        self.transport.write(BINARY + length + data)
        return True
