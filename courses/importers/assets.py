"""Files that a scenario puts onto its hosts: `assets` with their globs, targets and modes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from courses.folder import MAX_FILES_BYTES
from courses.importers.report import StepReport
from courses.importers.scripts import FOLDER
from courses.importers.source import Source, Unreadable, safe_name
from courses.importers.values import as_list, as_text, mapping

HOME = "home/learner"
# The places that the set-up of an imported machine lets root write to, and /etc.
_SYSTEM = ("opt/", "srv/", "mnt/", "etc/", "usr/local/bin/", "var/log/")
_HOME_NAMES = ("root", "home/learner", "home/scrapbook/tutorial", "home/scrapbook", "home/packer")
_MODE = re.compile(r"^0?([0-7]{3})$")
_SYMBOLIC = re.compile(r"^(?:[ugoa]*\+[rwx]+,?)+$")
_WILD = re.compile(r"[*?\[]")


@dataclass
class Assets:
    """The files of one scenario's machines; `moves` are those that only root can put in place."""

    source: Source
    folder: str
    report: StepReport
    files: dict[tuple[str, str], tuple[bytes, int]] = field(default_factory=dict)
    moves: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    total_bytes: int = 0

    def read(self, raw: Any, machines: tuple[str, ...]) -> None:
        """All entries of `details.assets`."""
        known = {"client": machines[:1], "host": machines[:1]}
        for key, entries in mapping(raw).items():
            hosts = known.get(key.lower()) or tuple(m for m in machines if m == key.lower())
            if not hosts and (match := re.fullmatch(r"(?:host|node)0?([1-9])", key.lower())):
                hosts = machines[int(match[1]) - 1 :][:1]
            if not hosts:
                self.report.lose(f"assets for “{key[:40]}”, which is no machine of the lesson")
                continue
            for entry in as_list(entries):
                self._entry(mapping(entry), hosts[0])

    def _entry(self, entry: dict[str, Any], machine: str) -> None:
        pattern = as_text(entry.get("file")).strip()
        found = list(self._matches(pattern))
        if not found:
            self.report.lose(f"the asset “{pattern[:60]}” is missing")
        for path, below in found:
            self._add(path, machine, as_text(entry.get("target")), below, entry.get("chmod"))

    def _matches(self, pattern: str) -> Iterator[tuple[str, str]]:
        """The files meant by a pattern, each with its path below the pattern's fixed part."""
        wanted = safe_name(pattern.lstrip("/"))
        if wanted is None or len(wanted) > 200:
            return
        base = f"{self.folder}assets/"
        if not _WILD.search(wanted):
            path = self.source.find(base + wanted)
            if path is not None:
                yield path, wanted.rpartition("/")[2]
            return
        fixed = _WILD.split(wanted)[0].rpartition("/")[0]
        deep = "**" in wanted
        for path in sorted(self.source.files):
            name = path.removeprefix(base)
            if name == path or not (deep or name.count("/") == wanted.count("/")):
                continue
            if fnmatchcase(name, wanted) or fnmatchcase(name, wanted.replace("**/", "")):
                yield path, name.removeprefix(f"{fixed}/") if fixed else name

    def _add(self, path: str, machine: str, target: str, below: str, chmod: Any) -> None:
        place = self._place(target, below)
        if place is None:
            self.report.lose(f"the asset “{path[-60:]}” can't go to “{target[:60]}”")
            return
        try:
            data = self.source.read(path, MAX_FILES_BYTES)
        except Unreadable as error:
            self.report.lose(f"the asset “{path[-60:]}” is {error}")
            return
        self.total_bytes += len(data)
        if self.total_bytes > MAX_FILES_BYTES:
            self.report.lose(f"the asset “{path[-60:]}” is left out: more than 5 MiB in all")
            self.total_bytes -= len(data)
            return
        mode = self._mode(chmod, executable=self.source.files[path].executable)
        if place.startswith(_SYSTEM):
            kept = f"{HOME}/{FOLDER}/assets/{place}"
            self.moves.setdefault(machine, []).append((f"/{kept}", f"/{place}"))
            place = kept
        self.files[(machine, place)] = (data, mode)

    def _place(self, target: str, below: str) -> str | None:
        """Where the file goes, below `/`; None for places that nobody may write to."""
        bare = target.strip()
        if bare in {"", "~", "."} or bare.startswith("~/"):
            bare = f"/{HOME}/{bare[1:]}"
        clean = safe_name(bare.lstrip("/")) or ""
        for home in _HOME_NAMES:
            if clean == home or clean.startswith(f"{home}/"):
                rest = clean.removeprefix(home).lstrip("/")
                return "/".join(part for part in (HOME, rest, below) if part)
        place = f"{clean}/{below}" if clean else ""
        return place if place.startswith(("tmp/", *_SYSTEM)) else None

    def _mode(self, chmod: Any, *, executable: bool) -> int:
        text = as_text(chmod).strip()
        if match := _MODE.match(text):
            return int(match[1], 8) | 0o600
        if text and not _SYMBOLIC.match(text):
            self.report.lose(f"the mode “{text[:20]}” is not understood")
        return 0o755 if executable or (_SYMBOLIC.match(text) and "x" in text) else 0o644
