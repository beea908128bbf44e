"""An orderly end: everything goes, and one thing that can't be removed keeps nothing else."""

import threading
from typing import Any

import pytest

from classroom.models import User
from sandbox import engine, shutdown
from sandbox.errors import SandboxEngineError
from sandbox.models import Sandbox, State

pytestmark = pytest.mark.django_db(transaction=True)
LEFT = [
    ("volume", "v1", "v1", {}),
    ("container", "c1", "c1", {}),
    ("network", "n1", "n1", {}),
    ("container", "c2", "c2", {}),
]


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An engine that has LEFT, and can't remove what is named here as `stuck`."""
    done: list[str] = []

    def remove(what: str, engine_id: str) -> None:
        if engine_id == "c1":
            raise SandboxEngineError
        done.append(engine_id)

    monkeypatch.setattr(engine, "objects_labelled", lambda _: LEFT)
    monkeypatch.setattr(engine, "remove_object", remove)
    return done


def test_all_sandboxes_end_and_strays_go_containers_first(
    make_sandbox: Any, no_objects: list[str], removed: list[str]
) -> None:
    sandboxes = [
        make_sandbox(learner=User.objects.create_user(f"learner-{number}")) for number in range(9)
    ]
    assert shutdown.end_all() == 0
    assert set(Sandbox.objects.values_list("state", flat=True)) == {State.GONE}
    assert sorted(no_objects) == sorted(sandbox.pk for sandbox in sandboxes)
    assert removed == ["c2", "n1", "v1"], "one that stays keeps none of the others"


def test_removals_run_side_by_side(
    make_sandbox: Any, removed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits until a second one has begun: one after another this would never end."""
    meeting = threading.Barrier(2, timeout=20)
    monkeypatch.setattr("sandbox.assembly.remove_objects", lambda _: meeting.wait())
    for number in range(4):
        make_sandbox(learner=User.objects.create_user(f"learner-{number}"))
    assert shutdown.end_all() == 0
