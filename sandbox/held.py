"""A terminal that is kept in the machine by a holder of our own.

PID 1 starts the main terminal's holder; `slipway-init terminal NAME` attaches to one, and makes
an extra terminal's first if there is none. Small frames go both ways; the format is in
`images/init/holder.h`. The holder numbers the shell's output, so that `after` stays exact
when the console was started anew.

Where the console may enter the machine's network namespace it talks to the holder's own socket,
and the bytes pass neither the engine nor a process of its. Elsewhere they go through an exec.
"""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass

from sandbox import namespaces, stream
from sandbox.demux import Demultiplexer
from sandbox.errors import EngineDown, MachineDied, SandboxEngineError

INIT = "/usr/local/sbin/slipway-init"
LOGIN = "/usr/local/lib/slipway/login"
HEAD_BYTES = 5
INPUT_BYTES = 8 * 1024
LONGEST_FRAME_BYTES = 16 * 1024
OLDEST = 2**64 - 1
ATTACH_SECONDS = 20
# A holder that is there answers within a moment.
DIRECT_SECONDS = 2
HEAD = struct.Struct(">BI")
HELLO = struct.Struct(">IQQHH")
OUTPUT = ord("O")


@dataclass(frozen=True)
class Hello:
    """What the holder says first: output begins at byte `start`, until `end` it is old.

    `modes` are those of the terminal before `start`; a holder of an older image says none.
    """

    pid: int
    start: int
    end: int
    columns: int
    rows: int
    modes: bytes = b""


class HeldTerminal:
    """One attachment to a holder; a `Source` of `Terminal`.

    A process of the learner's could stand in the holder's place: nothing that comes is
    believed beyond what a shell may print.
    """

    def __init__(self, bytes_of: stream.EngineStream, *, multiplexed: bool) -> None:
        self._stream = bytes_of
        self.direct = not multiplexed
        self._buffer = b""
        self._early: list[bytes] = []
        self._on_data: Callable[[bytes], None] | None = None
        self._on_close: Callable[[], None] | None = None
        self._ended = False
        self.errors = b""
        # The shell's exit code once it has ended; None when only the stream broke off.
        self.exit_code: int | None = None
        self.hello: asyncio.Future[Hello] = asyncio.get_running_loop().create_future()
        take = Demultiplexer(self._on_part).feed if multiplexed else self._on_bytes
        bytes_of.listen(take, self._on_stream_closed)

    @classmethod
    async def attach(cls, container_id: str, name: str) -> "HeldTerminal":
        """Attach to terminal `name`, made now if the machine has none of that name.

        Raises EngineDown, MachineDied, SandboxEngineError with the machine's own words.
        """
        try:
            async with asyncio.timeout(ATTACH_SECONDS):
                if held := await cls._directly(container_id, name):
                    return held
                made = await cls._by_exec(container_id, name)
                # It may be there only now; the exec was then the last one that is needed.
                if held := await cls._directly(container_id, name):
                    made.close()
                    return held
                return made
        except TimeoutError as error:
            raise EngineDown from error

    @classmethod
    async def _directly(cls, container_id: str, name: str) -> "HeldTerminal | None":
        connected = await namespaces.connect_by_name(container_id, f"slipway/{name}")
        if connected is None:
            return None
        held = cls(await stream.SocketStream.over(connected), multiplexed=False)
        try:
            async with asyncio.timeout(DIRECT_SECONDS):
                await held._greet()
        except (TimeoutError, SandboxEngineError):
            # A process of the learner's has the name, or the holder is about to end.
            held.close()
            return None
        return held

    @classmethod
    async def _by_exec(cls, container_id: str, name: str) -> "HeldTerminal":
        command = [INIT, "terminal", name, LOGIN]
        _, opened = await stream.exec_stream(container_id, command, user="1000:1000")
        held = cls(opened, multiplexed=True)
        await held._greet()
        return held

    async def _greet(self) -> None:
        self._say(b"A", struct.pack(">Q", OLDEST))
        await self.hello

    def _on_part(self, which: int, payload: bytes) -> None:
        if which == 1:
            self._on_bytes(payload)
        else:
            self.errors = (self.errors + payload)[-500:]

    def _on_bytes(self, data: bytes) -> None:
        """Frames came, cut anywhere; the output in them is handed on as one piece."""
        if self._buffer:
            data = self._buffer + data
        begin, length = 0, len(data)
        output: list[bytes] = []
        while length - begin >= HEAD_BYTES:
            kind, size = HEAD.unpack_from(data, begin)
            if size > LONGEST_FRAME_BYTES:
                self._stream.close()
                break
            end = begin + HEAD_BYTES + size
            if length < end:
                break
            payload = data[begin + HEAD_BYTES : end]
            begin = end
            if kind == OUTPUT:
                output.append(payload)
            else:
                self._hand_on(output)
                output = []
                self._obey(kind, payload)
        self._buffer = data[begin:]
        self._hand_on(output)

    def _hand_on(self, output: list[bytes]) -> None:
        if not output:
            return
        data = output[0] if len(output) == 1 else b"".join(output)
        if self._on_data:
            self._on_data(data)
        else:
            self._early.append(data)

    def _obey(self, kind: int, payload: bytes) -> None:
        if kind == ord("H") and len(payload) >= HELLO.size and not self.hello.done():
            pid, start, end, columns, rows = HELLO.unpack_from(payload)
            hello = Hello(pid, start, end, columns, rows, payload[HELLO.size :])
            self.hello.set_result(hello)
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
