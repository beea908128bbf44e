"""Addresses of pages that a course's text leads to.

The text is rendered where no page is served: `checkcourse` and the loader would import every
view, the API and the engine's client only to build them with `reverse`. A test holds them to
courses/urls.py.
"""

from urllib.parse import quote

# What `reverse` leaves as it is in a name.
_SAFE = "!$&'()*+,;=/~:@"


def course(course: str) -> str:
    """The page of a course, by its slug."""
    return f"/courses/{course}/"


def lesson(course: str, lesson: str) -> str:
    """The page of a lesson, by its slugs."""
    return f"/courses/{course}/{lesson}/"


def picture(course: str, lesson: str, name: str) -> str:
    """A picture of a lesson, by its file's name."""
    return f"/courses/{course}/{lesson}/pictures/{quote(name, safe=_SAFE)}"


def glossary(course: str) -> str:
    """The words of a course."""
    return f"/glossary/{course}/"
