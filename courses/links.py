"""Links between the lessons of a course: relative on disk, addresses on the site."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass

from courses import addresses

_NUMBER = re.compile(r"^\d+-")
_ELSEWHERE = re.compile(r"^([a-z][a-z0-9+.-]*:|//|/)", re.IGNORECASE)


def slug_of(folder: str) -> str:
    """`03-lighter` → `lighter`: lessons can be renumbered without breaking addresses."""
    return _NUMBER.sub("", folder) or folder


@dataclass(frozen=True)
class LinkTable:
    """Resolves the links in one course's files."""

    course: str
    folders: tuple[str, ...]

    def resolver(self, path: str) -> Callable[[str], str]:
        """A function for `courses.markdown.render` for the file `path`."""
        return lambda target: self._address(path, target) or target

    def picture(self, lesson: str, name: str, digest: str) -> str:
        """The address of a picture in the folder `lesson`; another one after each change."""
        return f"{addresses.picture(self.course, slug_of(lesson), name)}?v={digest}"

    def is_dead(self, path: str, target: str) -> bool:
        """True for a relative link that leads to none of the course's lessons."""
        return not _ELSEWHERE.match(target) and self._address(path, target) is None

    def _address(self, path: str, target: str) -> str | None:
        if _ELSEWHERE.match(target):
            return None
        bare = target.partition("#")[0].partition("?")[0]
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), bare))
        folder = joined.removesuffix("/lesson.md")
        if bare and folder in self.folders:
            return addresses.lesson(self.course, slug_of(folder))
        if bare and joined in {".", "course.yaml"}:
            return addresses.course(self.course)
        return None
