"""What a terminal stands between: the machine's end, and whoever keeps the terminal."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from sandbox.markers import Guest, Marker, Ready

Resize = Callable[[int, int], Awaitable[None]]


class Source(Protocol):
    """The machine's end of a terminal; `EngineStream` and `HeldTerminal` are two."""

    def listen(self, on_data: Callable[[bytes], None], on_close: Callable[[], None]) -> None: ...
    def write(self, data: bytes) -> None: ...
    def writable(self) -> bool: ...
    async def drained(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def close(self) -> None: ...


class Watch:
    """What the owner of a `Terminal` wants to hear of; each may be left as it is."""

    def ready(self, marker: Ready | Guest) -> None:
        """Another shell runs on the terminal."""

    def marker(self, marker: Marker) -> None:
        """The machine, or its shell, said something about itself."""

    def output(self, data: bytes) -> None:
        """The terminal printed something."""

    def resized(self, columns: int, rows: int) -> None:
        """The terminal has another size."""

    def closed(self) -> None:
        """The machine's end of the terminal is gone."""
