"""Frames on the control port: type, channel, length, bytes (`agent/agent.h` has the other end)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = struct.Struct("<BII")
PAYLOAD_LIMIT = 65536
SEED_BYTES = 64

GO, RUN, INPUT, KILL, SIZE, CLOCK = b"G", b"R", b"I", b"K", b"W", b"C"
HELLO, FACTS, SESSION, OUTPUT, ERRORS, EXIT = b"H", b"F", b"S", b"O", b"E", b"X"


@dataclass(frozen=True)
class Frame:
    """One message; `channel` is 0 for the guest itself, else one program in it."""

    type: bytes
    channel: int
    payload: bytes


class BadFrame(Exception):
    """What came is no frame: the two ends are out of step."""


def encode(type_: bytes, channel: int = 0, payload: bytes = b"") -> bytes:
    """The bytes of one frame. `payload` holds at most 64 KiB."""
    return HEADER.pack(type_[0], channel, len(payload)) + payload


class FrameReader:
    """Cuts a byte stream into frames."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now. Raises BadFrame."""
        self._bytes += data
        while len(self._bytes) >= HEADER.size:
            type_, channel, length = HEADER.unpack_from(self._bytes)
            if length > PAYLOAD_LIMIT:
                raise BadFrame(f"a frame of {length} bytes")
            end = HEADER.size + length
            if len(self._bytes) < end:
                return
            payload = bytes(self._bytes[HEADER.size : end])
            del self._bytes[:end]
            yield Frame(bytes([type_]), channel, payload)


def go(clock_nanoseconds: int, seed: bytes, host_name: str, console: str) -> bytes:
    """The payload of GO: clock (since 1970), 64 random bytes, name, "auto" or "prompt"."""
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a seed has {SEED_BYTES} bytes")
    words = f"{host_name}\0{console}\0".encode()
    return clock_nanoseconds.to_bytes(8, "little") + seed + words


def run(user: str, environment: dict[str, str], command: list[str]) -> bytes:
    """The payload of RUN."""
    words = [user, str(len(environment))]
    words += [f"{name}={value}" for name, value in environment.items()]
    words += command
    return b"".join(word.encode() + b"\0" for word in words)


def size(rows: int, columns: int) -> bytes:
    """The payload of SIZE."""
    return struct.pack("<HH", rows, columns)
