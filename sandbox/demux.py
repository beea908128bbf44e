"""The engine's multiplexed stream format, for execs without a terminal.

Each frame: one byte stream (1 stdout, 2 stderr), three zero bytes, length (uint32, big
endian), payload. Source: Docker Engine API reference, "Stream format".
"""

from collections.abc import Callable

HEADER_BYTES = 8


class Demultiplexer:
    """Feeds payloads to `on_frame(stream, payload)`; frames may be cut anywhere."""

    def __init__(self, on_frame: Callable[[int, bytes], None]) -> None:
        self._on_frame = on_frame
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= HEADER_BYTES:
            size = int.from_bytes(self._buffer[4:HEADER_BYTES], "big")
            end = HEADER_BYTES + size
            if len(self._buffer) < end:
                return
            self._on_frame(self._buffer[0], bytes(self._buffer[HEADER_BYTES:end]))
            del self._buffer[:end]
