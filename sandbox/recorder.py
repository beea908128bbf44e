"""Keeps what one terminal shows, beside the byte path: that one only appends to a list.

Every few seconds a thread makes text of it and writes it to the database. A database that
is too slow ends the recording, never the terminal.
"""

import asyncio
import codecs
import contextlib
import logging
import time
from collections.abc import Callable

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError

from sandbox import recordings
from sandbox.models import Machine, Recording

log = logging.getLogger(__name__)
EVERY_SECONDS = 4.0
# At so many bytes a part is written at once; at so many waiting the database is too slow.
PART_BYTES = 256 * 1024
WAITING_BYTES = 8 * 1024 * 1024


class Recorder:
    """One recording that is being made. `on_end()` is called when it ends before the terminal."""

    def __init__(self, machine: Machine, terminal: str, title: str, on_end: Callable[[], None]):
        self._machine, self._terminal, self._title = machine, terminal, title
        self._on_end = on_end
        self._began_at = time.monotonic()
        self._events: list[tuple[float, str, bytes]] = []
        self._waiting_bytes = 0
        self._kept_bytes = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._recording: Recording | None = None
        self._size = (80, 24)
        self._full = asyncio.Event()
        self.ended = False
        self._over = False
        self._task = asyncio.ensure_future(self._write_again_and_again())

    def output(self, data: bytes) -> None:
        """The terminal showed `data`."""
        if self.ended:
            return
        self._events.append((time.monotonic() - self._began_at, "o", data))
        self._waiting_bytes += len(data)
        self._kept_bytes += len(data)
        limit = settings.TERMINAL_RECORDING_MIB * 1024 * 1024
        if self._kept_bytes > limit or self._waiting_bytes > WAITING_BYTES:
            self.ended = True
            self._full.set()
            self._on_end()
        elif self._waiting_bytes > PART_BYTES:
            self._full.set()

    def resized(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        self._size = (columns, rows)
        if not self.ended:
            seconds = time.monotonic() - self._began_at
            self._events.append((seconds, "r", f"{columns}x{rows}".encode()))

    def close(self) -> None:
        """The terminal is closed; what is not written yet will be."""
        self._over = True
        self._full.set()

    async def _write_again_and_again(self) -> None:
        last = False
        while not last:
            if not (self._over or self.ended):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(EVERY_SECONDS):
                        await self._full.wait()
            self._full.clear()
            last = self._over or self.ended
            if not await self._write():
                return

    async def _write(self) -> bool:
        """Write what waits. False: the database refused, or the learner's recordings are too many
        together; this one ends here."""
        events, self._events = self._events, []
        self._waiting_bytes = 0
        if not any(kind == "o" for _, kind, _ in events):
            return True
        try:
            fits = bool(await database_sync_to_async(self._keep)(events))
        except DatabaseError as error:
            log.warning("recording of %s ended: %s", self._machine, error)
            fits = False
        else:
            if not fits:
                log.info("recording of %s ended: its learner has as many as may be", self._machine)
        if not fits and not self.ended:
            self.ended = True
            self._on_end()
        return fits

    def _keep(self, events: list[tuple[float, str, bytes]]) -> bool:
        if self._recording is None:
            self._recording = recordings.begin(
                self._machine, self._terminal, self._title, *self._size
            )
        text = [
            (seconds, kind, self._decoder.decode(data) if kind == "o" else data.decode())
            for seconds, kind, data in events
        ]
        recordings.add(self._recording, text, cut=self.ended)
        return recordings.fit(self._recording)
