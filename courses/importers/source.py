"""What is imported: a folder, a zip or one file, read without ever leaving it.

Names that lead outside (`..`, absolute, links) are refused and listed, sizes are bounded, and
nothing is unpacked to disk.
"""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from courses.folder import CourseFolder, walk
from courses.problems import ContentError

MIB = 1024 * 1024
MAX_ENTRIES = 20_000
MAX_ARCHIVE_BYTES = 256 * MIB
_LEFT_OUT = {".git", "__MACOSX"}
_ZIP_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, IndexError, MemoryError),
)


class NotImportable(Exception):
    """Nothing can be read from this path; the message says why and what to do."""


class Unreadable(Exception):
    """One file of the source can't be read; the message says why."""


@dataclass(frozen=True)
class SourceFile:
    """One file: `load(limit_bytes)` gives its bytes or raises Unreadable."""

    executable: bool
    load: Callable[[int], bytes]


@dataclass(frozen=True)
class Source:
    """Every file by its path with `/`; `refused` says what was not looked at, and why."""

    name: str
    files: Mapping[str, SourceFile]
    refused: tuple[str, ...]

    def find(self, path: str) -> str | None:
        """The file meant by `path`, which an author may have spelled in another case."""
        clean = safe_name(path.lstrip("/")) if path.strip() else None
        if clean is None:
            return None
        if clean in self.files:
            return clean
        alike = [name for name in self.files if name.casefold() == clean.casefold()]
        return alike[0] if len(alike) == 1 else None

    def read(self, path: str, limit_bytes: int) -> bytes:
        """The bytes of a file named by `find`; raises Unreadable."""
        return self.files[path].load(limit_bytes)


def safe_name(name: str) -> str | None:
    """The path inside a source that `name` stands for; None for one that leads outside."""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    wrong = name.startswith("/") or "\\" in name or ":" in name.split("/")[0]
    if wrong or not parts or ".." in parts or any(ord(char) < 32 for char in name):
        return None
    return "/".join(parts)


def open_source(path: Path) -> Source:
    """A folder, a zip, or one Markdown file; raises NotImportable."""
    if path.is_symlink():
        raise NotImportable(f"{path} is a symbolic link; name the folder it leads to.")
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise NotImportable(f"{path} is neither a folder nor a file.")
    if path.suffix.lower() in {".md", ".markdown"}:
        return Source(path.stem, {path.name: _on_disk(CourseFolder(path.parent), path.name)}, ())
    return _archive(path)


def _folder(root: Path) -> Source:
    folder = CourseFolder(root)
    files: dict[str, SourceFile] = {}
    refused = []
    for count, entry in enumerate(walk(root), start=1):
        name = Path(entry.path).relative_to(root).as_posix()
        if count > MAX_ENTRIES:
            refused.append(f"everything from {name} on: more than {MAX_ENTRIES} entries")
            break
        if _LEFT_OUT & set(name.split("/")) or entry.is_dir(follow_symlinks=False):
            continue
        if entry.is_symlink():
            refused.append(f"{name}: a symbolic link")
        elif safe_name(name) is None or not entry.is_file(follow_symlinks=False):
            refused.append(f"{name}: no plain file")
        else:
            files[name] = _on_disk(folder, name)
    return Source(root.resolve().name, files, tuple(refused))


def _on_disk(folder: CourseFolder, name: str) -> SourceFile:
    def load(limit_bytes: int) -> bytes:
        try:
            return folder.read_bytes(name, limit_bytes)
        except ContentError as error:
            raise Unreadable(error.problems[0].message) from None

    mode = (folder.root / name).lstat().st_mode
    return SourceFile(bool(mode & stat.S_IXUSR), load)


def _archive(path: Path) -> Source:
    if path.stat().st_size > MAX_ARCHIVE_BYTES:
        raise NotImportable(f"{path.name} is larger than {MAX_ARCHIVE_BYTES // MIB} MiB.")
    try:
        archive = zipfile.ZipFile(path)  # noqa: SIM115  (its files are read later)
    except _ZIP_ERRORS:
        raise NotImportable(
            f"{path.name} is no zip that can be read. Unpack it, name the folder."
        ) from None
    files: dict[str, SourceFile] = {}
    refused = []
    for count, info in enumerate(archive.infolist(), start=1):
        if count > MAX_ENTRIES:
            refused.append(f"everything from {info.filename} on: more than {MAX_ENTRIES} entries")
            break
        name = safe_name(info.filename)
        if name is not None and _LEFT_OUT & set(name.split("/")):
            continue
        why = _refusal(info, name, files)
        if why:
            refused.append(f"{info.filename[:200]!r}: {why}")
        elif name is not None and not info.is_dir():
            files[name] = _in_archive(archive, info)
    return Source(_top(files) or path.stem, files, tuple(refused))


def _refusal(info: zipfile.ZipInfo, name: str | None, files: Mapping[str, SourceFile]) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if name is None:
        return "leads outside the archive"
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "neither a file nor a folder"
    if info.flag_bits & 1:
        return "encrypted"
    return "stands in the archive twice" if name in files else ""


def _in_archive(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> SourceFile:
    def load(limit_bytes: int) -> bytes:
        try:
            with archive.open(info) as file:
                # What the archive says about sizes is not believed.
                data = file.read(limit_bytes + 1)
        except _ZIP_ERRORS as error:
            raise Unreadable(f"damaged in the archive ({type(error).__name__})") from None
        if len(data) > limit_bytes:
            raise Unreadable(f"larger than {limit_bytes // 1024} KiB")
        return data

    return SourceFile(bool((info.external_attr >> 16) & stat.S_IXUSR), load)


def _top(files: Mapping[str, SourceFile]) -> str | None:
    """The one folder that holds everything, as in the archives that hosting sites make."""
    tops = {name.partition("/")[0] for name in files}
    return tops.pop() if len(tops) == 1 and all("/" in name for name in files) else None
