"""The size of a terminal that several viewers look at: that of one of them, the owner.

The owner is who typed last, or asked for a size last. When it leaves, the one that was owner
before it is owner again. Readers never are.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from sandbox.terminal_ends import Resize
from sandbox.viewer import Size, Viewer

# How long a program may take to redraw after the first change of size.
REDRAW_SECONDS = 0.3
MAX_SIZE = 1000


class SharedSize:
    """Who owns a terminal's size, and what it is.

    `viewers` is the terminal's own set; `printed` is set by each output of it.
    """

    def __init__(
        self,
        size: Size,
        resize: Resize,
        viewers: set[Viewer],
        printed: asyncio.Event,
        on_change: Callable[[int, int], None],
    ) -> None:
        self.size = size
        self.owner: Viewer | None = None
        # The next change of size must make programs draw everything anew.
        self.must_redraw = False
        self._resize = resize
        self._viewers = viewers
        self._printed = printed
        self._on_change = on_change
        self._owners = 0
        self._resizing = asyncio.Lock()

    def join(self, viewer: Viewer) -> None:
        """A viewer has come: the first that may is the owner."""
        if self.owner is None and not viewer.readonly:
            self._make_owner(viewer)

    def heir_after(self, viewer: Viewer) -> Viewer | None:
        """A viewer has left: who is to `own` the size now, None when nobody new is."""
        if viewer is not self.owner:
            return None
        self.owner = None
        heirs = (other for other in self._viewers if not other.readonly)
        return max(heirs, key=lambda other: other.owned, default=None)

    async def asked(self, viewer: Viewer, columns: int, rows: int, focus: bool) -> None:
        """The viewer's client has this size; with `focus` the terminal gets it.

        Raises ValueError for a size that no terminal has.
        """
        _check(columns, rows)
        viewer.wanted = (columns, rows)
        if viewer.readonly or not (focus or viewer is self.owner):
            return
        if viewer is not self.owner:
            self._make_owner(viewer)
        await self.set(columns, rows)

    async def own(self, viewer: Viewer) -> None:
        """Make the viewer the owner, and the terminal as large as its client is."""
        self._make_owner(viewer)
        viewer.note(viewer.position, self._message(viewer, viewer.wanted))
        if viewer.wanted not in (None, self.size):
            await self.set(*viewer.wanted)

    async def set(self, columns: int, rows: int) -> None:
        """Give the terminal another size; both between 1 and 1000, else ValueError."""
        _check(columns, rows)
        before, self.size = self.size, (columns, rows)
        if before != self.size:
            self._on_change(columns, rows)
            for viewer in self._viewers - {self.owner}:
                viewer.note(viewer.position, self._message(viewer))
        async with self._resizing:
            await self._apply()

    async def _apply(self) -> None:
        must_redraw, self.must_redraw = self.must_redraw, False
        if must_redraw:
            # The size may be what it was before, and then nobody would redraw. Readline
            # compares sizes only when the signal reaches it: both changes at once are none.
            self._printed.clear()
            await self._resize(self.size[0], self.size[1] + 1)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REDRAW_SECONDS):
                    await self._printed.wait()
        await self._resize(*self.size)

    def _make_owner(self, viewer: Viewer) -> None:
        before, self.owner = self.owner, viewer
        self._owners += 1
        viewer.owned = self._owners
        if before is not None:
            before.note(before.position, self._message(before, viewer.wanted))

    def _message(self, viewer: Viewer, size: Size | None = None) -> dict[str, Any]:
        return {"size": list(size or self.size), "owner": viewer is self.owner}


def _check(columns: int, rows: int) -> None:
    if not (1 <= columns <= MAX_SIZE and 1 <= rows <= MAX_SIZE):
        raise ValueError("a terminal has between 1 and 1000 columns and rows")
