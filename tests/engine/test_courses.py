"""Every lesson of the library is proven on real machines, as an author would do it."""

import os

import pytest
from django.conf import settings
from django.core.management import call_command

from sandbox import hosts

pytestmark = [
    pytest.mark.engine,
    pytest.mark.takes(seconds=200),
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(900),
]


GIB = 1024**3
# A lesson with two `docker` machines may take 2 GiB, and asks for a place before it takes them.
PER_LESSON_GIB = 4
AT_ONCE = 4


def lessons_at_once() -> int:
    """Lessons spend most of their time waiting, so several go side by side where memory allows."""
    host_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // GIB
    return max(1, min(AT_ONCE, host_gib // PER_LESSON_GIB))


@pytest.mark.parametrize("course", ["containers-vs-vms", "playground"])
def test_checks_fail_before_and_pass_after_each_solution(course: str) -> None:
    hosts.refresh()
    call_command("testcourse", str(settings.COURSES_PATH / course), jobs=lessons_at_once())
