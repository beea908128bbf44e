"""Server time of the lesson page: `python -m bench.lesson_page [N]`.

Renders the page N times in this process through Django's test client, for a guest with
and without progress, and prints medians in milliseconds. No network, no engine.
"""

import os
import statistics
import sys
import tempfile
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main() -> None:
    """A database of its own, in a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SLIPWAY_DATA"] = folder
        measure()


def measure() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from django.test import Client
    from django.test.utils import setup_test_environment, teardown_test_environment

    from courses.catalogue import courses

    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    setup_test_environment()
    client = Client(HTTP_HOST="localhost")
    for course in courses():
        for lesson in course.lessons:
            address = f"/courses/{course.slug}/{lesson.slug}/"
            client.get(address)
            taken = []
            for _ in range(rounds):
                began = time.perf_counter()
                response = client.get(address)
                taken.append((time.perf_counter() - began) * 1000)
                assert response.status_code == 200, response.status_code
            taken.sort()
            p95 = taken[int(len(taken) * 0.95) - 1]
            print(f"{address:60} median {statistics.median(taken):6.1f} ms   p95 {p95:6.1f} ms")
    teardown_test_environment()


if __name__ == "__main__":
    main()
