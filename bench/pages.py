"""Server time of the pages with 100 courses loaded: `python -m bench.pages [ROUNDS] [COURSES]`.

Copies the flagship course under other names until there are that many courses, and asks for
home, course, lesson, search and glossary in turns through Django's test client: a learner who
is signed in, has progress in the course, and no live machines. No network, no engine. Prints
median and p95 in milliseconds, p95 as a share of the goal of 40 ms, and the median of the
processor time, which other work on the machine disturbs less.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
GOAL_MS = 40
LIBRARY = Path(__file__).resolve().parent.parent / "courses" / "library"
FLAGSHIP = "containers-vs-vms"
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
COURSES = int(sys.argv[2]) if len(sys.argv) > 2 else 100


def main() -> None:
    """Data folder and courses of its own, thrown away afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = folder / "library"
        shutil.copytree(LIBRARY, library)
        for number in range(COURSES - len(list(LIBRARY.iterdir()))):
            shutil.copytree(LIBRARY / FLAGSHIP, library / f"course-{number}")
        os.environ |= {"SLIPWAY_DATA": str(folder / "data"), "COURSES_PATH": str(library)}
        measure()


def measure() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from django.contrib.auth import get_user_model
    from django.test import Client

    from courses.catalogue import courses, get_course
    from courses.models import TaskProgress

    learner = get_user_model().objects.create(username="bench")
    client = Client(HTTP_HOST="localhost")
    client.force_login(learner)
    lessons = get_course(FLAGSHIP).lessons
    for lesson in lessons[:-1]:
        for task in lesson.tasks:
            TaskProgress.objects.create(
                learner=learner, course=FLAGSHIP, lesson=lesson.slug, task=task.name, state="passed"
            )
    longest = max(lessons, key=lambda lesson: len(lesson.body))
    pages = {
        "home": "/",
        "course": f"/courses/{FLAGSHIP}/",
        "lesson": f"/courses/{FLAGSHIP}/{longest.slug}/",
        "search, two words": "/search/?q=kernel+image",
        "search, a beginning": "/search/?q=cont",
        "glossary": f"/glossary/{FLAGSHIP}/",
    }
    print(f"{len(courses())} courses, {len(lessons)} lessons in most, {ROUNDS} rounds")
    taken = rounds(client, pages)
    print(f"{'page':22}{'median':>10}{'p95':>10}{'of goal':>10}{'processor':>12}")
    for page, times in taken.items():
        wall = sorted(time[0] for time in times)
        p95 = wall[int(len(wall) * 0.95) - 1]
        cpu = statistics.median(time[1] for time in times)
        median = statistics.median(wall)
        print(f"{page:22}{median:7.1f} ms{p95:7.1f} ms{p95 / GOAL_MS:10.2f}{cpu:9.1f} ms")


def rounds(client, pages: dict[str, str]) -> dict[str, list[tuple[float, float]]]:
    """Milliseconds (clock, processor) of each page, in turns; the first round is not counted."""
    taken: dict[str, list[tuple[float, float]]] = {page: [] for page in pages}
    for count in range(ROUNDS + 1):
        for page, address in pages.items():
            began, cpu_began = time.perf_counter(), time.process_time()
            response = client.get(address)
            milliseconds = (time.perf_counter() - began) * 1000
            assert response.status_code == 200, (address, response.status_code)
            if count:
                cpu = (time.process_time() - cpu_began) * 1000
                taken[page].append((milliseconds, cpu))
    return taken


if __name__ == "__main__":
    main()
