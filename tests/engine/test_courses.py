"""Every lesson of the library is proven on real machines, as an author would do it."""

import pytest
from django.conf import settings
from django.core.management import call_command

from sandbox import hosts

pytestmark = [
    pytest.mark.engine,
    pytest.mark.takes(seconds=90),
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(900),
]


@pytest.mark.parametrize("course", ["containers-vs-vms", "playground"])
def test_checks_fail_before_and_pass_after_each_solution(course: str) -> None:
    hosts.refresh()
    call_command("testcourse", str(settings.COURSES_PATH / course))
