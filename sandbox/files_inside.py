"""What runs inside a machine to move, make and list files, as the learner's user.

The source of this module is given to the machine's own `python3 -c`; it needs nothing but
the standard library and is never imported into a process of ours but by tests. Answers are
one line of JSON; a file's bytes follow the line of `read`. Errors are the user's rights and
the file system's own: nothing is decided here about what may be touched.
"""

import contextlib
import errno
import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

Said = dict[str, Any]
HOME = "/home/learner"
ENTRIES = 2000
CHUNK = 64 * 1024


class Refused(Exception):
    """Answered as {"error": code, "message": words}."""


def full(path: str) -> str:
    """An absolute path; `~` is the learner's home whoever runs this."""
    if path == "~" or path.startswith("~/"):
        path = HOME + path[1:]
    if not path.startswith("/") or "\0" in path:
        raise Refused("bad_request", "Give an absolute path, or one in ~/.")
    return path


def etag(found: os.stat_result) -> str:
    """Changes whenever the content may have."""
    return f"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"


def exactly(source: BinaryIO, count: int) -> bytes:
    """`count` bytes, fewer at the end."""
    data = b""
    while len(data) < count and (part := source.read(count - len(data))):
        data += part
    return data


def chunks(source: BinaryIO, limit: int) -> Iterator[bytes]:
    """The body: chunks with their length before them; an empty one says it is whole."""
    total = 0
    while True:
        head = exactly(source, 4)
        size = int.from_bytes(head, "big")
        data = exactly(source, size)
        if len(head) < 4 or len(data) < size:
            raise Refused("cut", "The upload broke off; the file is as it was.")
        if not size:
            return
        total += size
        if total > limit:
            raise Refused("too_large", "The file is too large.")
        yield data


def check_target(path: str, overwrite: bool, expected: str) -> os.stat_result | None:
    """What stands where the file is to be, None for nothing; refuses what must stay."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if expected:
            raise Refused("file_changed", "The file is gone.") from None
        return None
    if not stat.S_ISREG(found.st_mode):
        raise Refused("is_folder", "There is a folder, or no plain file, of that name.")
    if expected and expected != etag(found):
        raise Refused("file_changed", "Somebody else changed the file meanwhile.")
    if not overwrite and not expected:
        raise Refused("file_exists", "There is a file of that name.")
    return found


def write(path: str, overwrite: bool, expected: str, limit: int) -> Said:
    """Write standard input to `path`; the old file stays whole until the new one is."""
    # A link is written through, as any program would.
    path = os.path.realpath(full(path))
    check_target(path, overwrite, expected)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    scratch = f"{path}.{os.getpid()}.part"
    total = 0
    try:
        with open(scratch, "xb") as file:
            for data in chunks(sys.stdin.buffer, limit):
                total += file.write(data)
        found = check_target(path, overwrite, expected)
        if found is not None:
            os.chmod(scratch, stat.S_IMODE(found.st_mode))
        os.replace(scratch, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(scratch)
    return {"path": path, "bytes": total, "etag": etag(os.stat(path))}


def read(path: str) -> None:
    """The file's size on a line, then so many bytes of it."""
    # Not waiting: a pipe of the learner's would never open. Links are followed.
    descriptor = os.open(full(path), os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Refused("is_folder", "That is a folder, or no plain file.")
        answer({"path": full(path), "bytes": found.st_size, "etag": etag(found)})
        left = found.st_size
        while left and (data := file.read(min(CHUNK, left))):
            sys.stdout.buffer.write(data)
            left -= len(data)


def kind_of(mode: int) -> str:
    """A word for what a directory entry is."""
    words = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    return words.get(stat.S_IFMT(mode), "other")


def entry_of(entry: os.DirEntry[str]) -> Said:
    """One line of a listing; a link says where it leads to, None for nowhere."""
    found = entry.stat(follow_symlinks=False)
    said = _entry(entry, found)
    if said["type"] == "link":
        said["to"] = None
        with contextlib.suppress(OSError):
            said["to"] = kind_of(entry.stat().st_mode)
    return said


def _entry(entry: os.DirEntry[str], found: os.stat_result) -> Said:
    return {
        "name": entry.name.encode(errors="surrogateescape").decode(errors="replace"),
        "type": kind_of(found.st_mode),
        "bytes": found.st_size,
        "modified_at": found.st_mtime,
        "etag": etag(found),
    }


def listing(path: str) -> Said:
    """The entries of a folder by name, at most ENTRIES; `more` says that there are others."""
    path = full(path)
    entries = []
    with os.scandir(path) as found:
        for entry in found:
            with contextlib.suppress(FileNotFoundError):
                entries.append(entry_of(entry))
            if len(entries) > ENTRIES:
                break
    more = len(entries) > ENTRIES
    entries = sorted(entries[:ENTRIES], key=lambda entry: entry["name"])
    return {"path": path, "entries": entries, "more": more}


def folder(path: str) -> Said:
    """Make a folder, and those above it."""
    path = full(path)
    if os.path.lexists(path):
        raise Refused("file_exists", "There is a file or folder of that name.")
    os.makedirs(path)
    return {"path": path}


def rename(path: str, to: str) -> Said:
    """Give a file, folder or link another name or place; nothing is ever replaced."""
    path, to = full(path), full(to)
    if os.path.lexists(to):
        raise Refused("file_exists", "There is a file or folder of that name.")
    os.rename(path, to)
    return {"path": to}


def holds_home(path: str) -> bool:
    """Whether a path is the root, the learner's home or a folder above it, however it is spelt.

    By the folders' identity: as text, "//" and "/" differ even after normalising.
    """
    stay = ["/", HOME]
    while os.path.dirname(stay[-1]) not in stay:
        stay.append(os.path.dirname(stay[-1]))
    return any(os.path.exists(place) and os.path.samefile(path, place) for place in stay)


def delete(path: str, recursive: bool) -> Said:
    """Remove a file, a link itself, or a folder; one that holds something only with `recursive`."""
    path = full(path)
    if os.path.islink(path) or not os.path.isdir(path):
        os.unlink(path)
    elif holds_home(path):
        raise Refused("not_allowed", "That folder stays.")
    elif recursive:
        shutil.rmtree(path)
    else:
        os.rmdir(path)
    return {"path": path}


def answer(said: Said) -> None:
    """One line on standard output."""
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n")
    sys.stdout.buffer.flush()


CODES = {
    FileNotFoundError: "not_found",
    IsADirectoryError: "is_folder",
    NotADirectoryError: "not_folder",
    FileExistsError: "file_exists",
}
ERRNOS = {
    errno.ENOTEMPTY: "not_empty",
    errno.ENOSPC: "disk_full",
    errno.EXDEV: "other_disk",
    errno.ENAMETOOLONG: "bad_request",
    errno.EINVAL: "bad_request",
}


def main(order: Said) -> None:
    """Do what `order` says: {"do": "write"|"read"|"list"|..., ...arguments}."""
    jobs: dict[str, Any] = {"write": write, "read": read, "list": listing}
    jobs |= {"folder": folder, "rename": rename, "delete": delete}
    try:
        do = jobs[order.pop("do")]
        said: Said | None = do(**order)
    except Refused as refused:
        said = {"error": refused.args[0], "message": refused.args[1]}
    except OSError as error:
        code = ERRNOS.get(error.errno or 0) or CODES.get(type(error), "not_allowed")
        said = {"error": code, "message": error.strerror}
    if said is not None:
        answer(said)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
