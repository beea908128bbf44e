"""A terminal beside the main one, kept in the machine by a holder of our own.

`slipway-init terminal NAME` in the machine attaches to the holder, which it makes first if
there is none. Standard input and output of that exec carry small frames; the format is in
`images/init/holder.h`. The holder numbers the shell's output, so that `after` stays exact
when the console was started anew.
"""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass

from sandbox import stream
from sandbox.demux import Demultiplexer
from sandbox.errors import EngineDown, MachineDied, SandboxEngineError

INIT = "/usr/local/sbin/slipway-init"
LOGIN = "/usr/local/lib/slipway/login"
HEAD_BYTES = 5
INPUT_BYTES = 8 * 1024
LONGEST_FRAME_BYTES = 16 * 1024
OLDEST = 2**64 - 1
ATTACH_SECONDS = 20


@dataclass(frozen=True)
class Hello:
    """What the holder says first: output begins at byte `start`, until `end` it is old."""

    pid: int
    start: int
    end: int
    columns: int
    rows: int


class HeldTerminal:
    """One attachment to a holder; a `Source` of `Terminal`.

    A process of the learner's could stand in the holder's place: nothing that comes is
    believed beyond what a shell may print.
    """

    def __init__(self, engine_stream: stream.EngineStream) -> None:
        self._stream = engine_stream
        self._buffer = bytearray()
        self._early: list[bytes] = []
        self._on_data: Callable[[bytes], None] | None = None
        self._on_close: Callable[[], None] | None = None
        self._ended = False
        self.errors = b""
        # The shell's exit code once it has ended; None when only the stream broke off.
        self.exit_code: int | None = None
        self.hello: asyncio.Future[Hello] = asyncio.get_running_loop().create_future()
        engine_stream.listen(Demultiplexer(self._on_frame).feed, self._on_stream_closed)

    @classmethod
    async def attach(cls, container_id: str, name: str) -> "HeldTerminal":
        """Attach to terminal `name`, made now if the machine has none of that name.

        Raises EngineDown, MachineDied, SandboxEngineError with the machine's own words.
        """
        command = [INIT, "terminal", name, LOGIN]
        try:
            async with asyncio.timeout(ATTACH_SECONDS):
                _, opened = await stream.exec_stream(container_id, command, user="1000:1000")
                held = cls(opened)
                held._say(b"A", struct.pack(">Q", OLDEST))
                await held.hello
        except TimeoutError as error:
            raise EngineDown from error
        return held

    def _on_frame(self, which: int, payload: bytes) -> None:
        if which != 1:
            self.errors = (self.errors + payload)[-500:]
            return
        buffer = self._buffer
        buffer += payload
        begin = 0
        while len(buffer) - begin >= HEAD_BYTES:
            size = int.from_bytes(buffer[begin + 1 : begin + HEAD_BYTES], "big")
            if size > LONGEST_FRAME_BYTES:
                self._stream.close()
                return
            end = begin + HEAD_BYTES + size
            if len(buffer) < end:
                break
            self._obey(buffer[begin], bytes(buffer[begin + HEAD_BYTES : end]))
            begin = end
        del buffer[:begin]

    def _obey(self, kind: int, payload: bytes) -> None:
        if kind == ord("O"):
            if self._on_data:
                self._on_data(payload)
            else:
                self._early.append(payload)
        elif kind == ord("H") and len(payload) == 24 and not self.hello.done():
            self.hello.set_result(Hello(*struct.unpack(">IQQHH", payload)))
        elif kind == ord("E") and len(payload) == 4:
            self.exit_code = int.from_bytes(payload, "big") & 0xFF
        else:
            # "S" too: output was lost because another console reads faster than we do.
            self._stream.close()

    def _on_stream_closed(self) -> None:
        self._ended = True
        if not self.hello.done():
            words = self.errors.decode(errors="replace").strip()
            self.hello.set_exception(
                SandboxEngineError(f"No terminal: {words[:200]}") if words else MachineDied()
            )
        elif self._on_close:
            self._on_close()

    def _say(self, kind: bytes, payload: bytes = b"") -> None:
        self._stream.write(kind + len(payload).to_bytes(4, "big") + payload)

    # Source

    def listen(self, on_data: Callable[[bytes], None], on_close: Callable[[], None]) -> None:
        """Take over, beginning with what came before."""
        self._on_data, self._on_close = on_data, on_close
        early, self._early = self._early, []
        for data in early:
            on_data(data)
        if self._ended:
            on_close()

    def write(self, data: bytes) -> None:
        for begin in range(0, len(data), INPUT_BYTES):
            self._say(b"I", data[begin : begin + INPUT_BYTES])

    def writable(self) -> bool:
        return self._stream.writable()

    async def drained(self) -> None:
        await self._stream.drained()

    def pause(self) -> None:
        self._stream.pause()

    def resume(self) -> None:
        self._stream.resume()

    def close(self) -> None:
        self._stream.close()

    async def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self._say(b"R", struct.pack(">HH", columns, rows))
