"""Recent output of a terminal, by sequence number.

Sequence numbers count output bytes since the terminal began, so that a client that comes
back names the first byte it lacks.
"""

from collections import deque

from sandbox.modes import Modes

# Small appends are gathered into chunks of this size: a ring of single keystrokes would
# otherwise cost fifty times its bytes.
CHUNK_BYTES = 16 * 1024


class Ring:
    """The last `capacity` bytes (a little more, up to one chunk) of a stream.

    `modes`: what a terminal was told to be before byte `start`.
    """

    def __init__(self, capacity: int, start: int = 0, modes: bytes = b"") -> None:
        self.capacity = capacity
        self.start = start
        self._modes = Modes(modes)
        self.end = start
        self._chunks: deque[bytearray] = deque()

    def append(self, data: bytes) -> None:
        if self._chunks and len(self._chunks[-1]) + len(data) <= CHUNK_BYTES:
            self._chunks[-1] += data
        else:
            self._chunks.append(bytearray(data))
        self.end += len(data)
        while self.end - self.start - len(self._chunks[0]) >= self.capacity:
            gone = self._chunks.popleft()
            self._modes.feed(gone)
            self.start += len(gone)

    def modes_at(self, position: int) -> str:
        """What brings an empty terminal into the modes it has before byte `position`."""
        modes = self._modes.copy()
        if position > self.start:
            modes.feed(self.read(self.start, position - self.start))
        return modes.text()

    def read(self, position: int, limit: int) -> bytes:
        """Up to `limit` bytes from `position` on, b"" at the end.

        `position` must lie between `start` and `end`.
        """
        chunk_end = self.end
        wanted: list[memoryview] = []
        for chunk in reversed(self._chunks):
            chunk_start = chunk_end - len(chunk)
            if chunk_start < position + limit and chunk_end > position:
                first = max(0, position - chunk_start)
                wanted.append(memoryview(chunk)[first : position + limit - chunk_start])
            if chunk_start <= position:
                break
            chunk_end = chunk_start
        joined = b"".join(reversed(wanted))
        # A view that outlives the call would forbid appending to its chunk.
        for view in wanted:
            view.release()
        return joined
