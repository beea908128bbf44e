"""Reading a course folder without ever leaving it.

A course may come from a stranger, and the process that reads it holds secrets. So: no symbolic
links, no `..`, regular files only, bounded sizes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from courses.problems import fail

KIB = 1024
MAX_MARKDOWN_BYTES = 256 * KIB
MAX_META_BYTES = 64 * KIB
MAX_SCRIPT_BYTES = 64 * KIB
MAX_FILES_BYTES = 5 * KIB * KIB
MAX_ENTRIES = 5000

Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class CourseFolder:
    """The root of one course; every path below is relative to it, with `/` between parts."""

    root: Path

    def path(self, relative: str) -> Path:
        """The real path of `relative`; raises ContentError when it is outside or a link."""
        parts = relative.split("/")
        if any(part in {"", ".", ".."} or "\0" in part or "\\" in part for part in parts):
            raise fail(relative, None, "not a path inside the course folder")
        path = self.root
        for part in parts:
            path = path / part
            if path.is_symlink():
                raise fail(
                    relative, None, "symbolic links are not followed", "copy the file instead"
                )
        return path

    def has_file(self, relative: str) -> bool:
        """True for a regular file inside the folder."""
        return self.path(relative).is_file()

    def read_text(self, relative: str, limit_bytes: int) -> str:
        """The file as UTF-8 text with `\\n` line ends; raises ContentError when it can't be."""
        data = self.read_bytes(relative, limit_bytes)
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise fail(relative, line, "not UTF-8 text", "save the file as UTF-8") from None
        if "\0" in text:
            line = text[: text.index("\0")].count("\n") + 1
            raise fail(relative, line, "contains a NUL character", "save the file as plain text")
        return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")

    def read_bytes(self, relative: str, limit_bytes: int) -> bytes:
        """The bytes of a regular file; raises ContentError when it can't be read or is larger."""
        path = self.path(relative)
        try:
            # O_NONBLOCK: opening a FIFO for reading must not wait for a writer.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise fail(relative, None, "the file is missing", "create it") from None
        except OSError as error:
            raise fail(relative, None, f"can't be read: {error.strerror}") from None
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise fail(relative, None, "not a regular file")
            with open(descriptor, "rb", closefd=False) as file:
                data = file.read(limit_bytes + 1)
        finally:
            os.close(descriptor)
        if len(data) > limit_bytes:
            raise fail(relative, None, f"larger than {limit_bytes // KIB} KiB", "make it smaller")
        return data

    def subfolders(self, relative: str) -> list[str]:
        """Names of the folders directly below `relative`, sorted; empty when there are none."""
        return sorted(entry.name for entry in self._entries(relative) if entry.is_dir())

    def files(self, relative: str) -> list[str]:
        """Names of everything but folders directly below `relative`, sorted."""
        return sorted(entry.name for entry in self._entries(relative) if not entry.is_dir())

    def _entries(self, relative: str) -> list[Path]:
        path = self.path(relative)
        try:
            return [entry for entry in path.iterdir() if not entry.name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise fail(relative, None, f"can't be read: {error.strerror}") from None

    def subfolders_of_root(self) -> list[str]:
        """Names of the folders at the top, sorted; links left out."""
        entries = [entry for entry in walk_one(self.root) if entry.is_dir(follow_symlinks=False)]
        return [entry.name for entry in entries if not entry.name.startswith(".")]

    def files_of_root(self) -> list[os.DirEntry[str]]:
        """The files at the top, sorted; links left out."""
        return [entry for entry in walk_one(self.root) if entry.is_file(follow_symlinks=False)]

    def check_tree(self, relative: str, limit_bytes: int) -> None:
        """Raise ContentError unless `relative` holds only plain files and folders within bounds."""
        total_bytes = 0
        for count, entry in enumerate(walk(self.path(relative))):
            shown = Path(entry.path).relative_to(self.root).as_posix()
            status = entry.stat(follow_symlinks=False)
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                raise fail(shown, None, "neither a file nor a folder", "no links, no devices")
            total_bytes += status.st_size if stat.S_ISREG(status.st_mode) else 0
            if total_bytes > limit_bytes or count > MAX_ENTRIES:
                raise fail(relative, None, f"holds more than {limit_bytes // KIB} KiB of files")

    def fingerprint(self) -> Fingerprint:
        """Path, modification time and size of every entry: equal means nothing was edited."""
        found = []
        for entry in walk(self.root):
            status = entry.stat(follow_symlinks=False)
            found.append((entry.path, status.st_mtime_ns, status.st_size))
            if len(found) > MAX_ENTRIES:
                break
        return tuple(found)


def walk(top: Path | str) -> Iterator[os.DirEntry[str]]:
    """Every entry below `top`, links not followed, in a stable order; vanished ones are skipped.

    Without recursion: folders can be nested deeper than Python's stack.
    """
    waiting = walk_one(top)[::-1]
    while waiting:
        entry = waiting.pop()
        yield entry
        if entry.is_dir(follow_symlinks=False):
            waiting.extend(walk_one(entry.path)[::-1])


def walk_one(top: Path | str) -> list[os.DirEntry[str]]:
    """The entries directly in `top`, sorted; empty when it can't be read."""
    try:
        with os.scandir(top) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
