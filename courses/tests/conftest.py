"""A small course on disk, and people to take it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from courses import catalogue, search
from courses.content import Lesson
from courses.loader import load_course
from sandbox.models import Machine, Sandbox, State

COURSE = """\
title: Boats
summary: What floats.
audience: Everybody
language: en
licence: CC-BY-4.0
lessons: [01-hull, 02-keel]
"""
HULL = """\
---
title: The hull
summary: It keeps the water out.
minutes: 20
objectives: [Name the hull]
machines:
  laptop: {kind: docker}
  production: {kind: shell}
previews: [{machine: laptop, port: 5000, title: The app}]
---

Read **this**, then go [to the keel](../02-keel/lesson.md).

```sh {run}
uname -r
```

```sh {run on=production copy}
echo one
echo two
```

```text {file=~/app/note.txt on=production}
hello
```

```text {output}
6.1.0
```

:::task float
:::

:::task sink
:::

:::predict depth
How deep?

unit: m

> About **two**.
:::

:::predict fate
What happens?

- It floats
- It `sinks`

> It floats, of course.
:::

:::quiz kernels
How many kernels?

- [ ] One
  > Wrong, the secret-explanation-one.
- [x] Two
  > Right, the secret-explanation-two.
:::

:::quiz several
Which float?

- [x] Wood
  > It does.
- [x] Cork
  > It does, too.
- [ ] Iron
  > Not by itself.
:::

:::reveal fate
:::

:::measure start-time
:::

:::diagram stack
:::

:::hint Look closer
At the **waterline**.
:::
"""
KEEL = """\
---
title: The keel
summary: It keeps it upright.
minutes: 10
layout: text
---

Only text.
"""
FLOAT = """\
---
title: Make it float
machine: laptop
timeout_seconds: 5
hints: [First *hint*, Second hint]
---
Do it on `laptop`.
"""
SINK = """\
---
title: Make it sink
machine: production
user: learner
needs: [float]
---
Then this.
"""


def write(root: Path, files: dict[str, str]) -> Path:
    """Write files below `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def boats() -> dict[str, str]:
    """The files of a course without any problem."""
    files = {"course.yaml": COURSE, "01-hull/lesson.md": HULL, "02-keel/lesson.md": KEEL}
    for name, text in (("float", FLOAT), ("sink", SINK)):
        base = f"01-hull/tasks/{name}"
        files |= {f"{base}/task.md": text, f"{base}/check.sh": "echo fine\n"}
        files |= {f"{base}/{stem}.sh": f"# {stem}\ntrue\n" for stem in ("solve", "solve-2")}
        files[f"{base}/nearmiss.sh"] = "true\n"
    files["01-hull/setup/laptop.sh"] = "echo set-up\n"
    files["01-hull/tasks/sink/setup.sh"] = "echo later\n"
    files["01-hull/files/laptop/home/learner/readme"] = "hi\n"
    files["01-hull/images.txt"] = "# what it needs\nnginx:alpine\n"
    return files


@pytest.fixture
def library(tmp_path: Path, settings) -> Path:
    """A courses folder with the course `boats` in it."""
    root = tmp_path / "library"
    write(root / "boats", boats())
    settings.COURSES_PATH = root
    catalogue._entries.clear()
    search._indexes.clear()
    return root


@pytest.fixture
def hull(library: Path) -> Lesson:
    """The lesson with machines, tasks and questions."""
    course = load_course(library / "boats").course
    assert course is not None
    return course.lessons[0]


@pytest.fixture
def people(db) -> Callable[..., object]:
    """Make a user by name."""
    return lambda name="mara", **more: get_user_model().objects.create(username=name, **more)


@pytest.fixture
def learner(people):
    """The owner of everything in a test."""
    return people()


@pytest.fixture
def own(client: Client, learner) -> Client:
    """A browser signed in as the learner."""
    client.force_login(learner)
    return client


@pytest.fixture
def stranger(people) -> Client:
    """A browser signed in as somebody else."""
    client = Client()
    client.force_login(people("nobody-you-know"))
    return client


@pytest.fixture
def sandbox(library: Path, learner) -> Sandbox:
    """A ready sandbox of the lesson `hull`, in the database only."""
    row = Sandbox.objects.create(
        learner=learner,
        course="boats",
        lesson="hull",
        state=State.READY,
        spec={"machines": []},
        memory_bytes=0,
    )
    for position, (name, kind) in enumerate((("laptop", "docker"), ("production", "shell"))):
        Machine.objects.create(sandbox=row, position=position, name=name, kind=kind, ready=True)
    return row


@pytest.fixture
def flagship() -> Path:
    """The real courses, read only."""
    return Path(__file__).parent.parent / "library"
