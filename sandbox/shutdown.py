"""An orderly end of an installation: nothing of it stays on the engine."""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from sandbox import assembly, creation, engine, transitions
from sandbox.errors import SandboxEngineError
from sandbox.models import LIVE, Sandbox, State, WarmMachine

log = logging.getLogger(__name__)
# The engine does several at a time; one after another a class would take minutes to end.
AT_ONCE = 6


def end_all() -> int:
    """End every sandbox of this installation in this process; return how many are left.

    What carries its label goes too, known to the database or not.
    """
    for sandbox_id in Sandbox.objects.filter(state__in=LIVE).values_list("pk", flat=True):
        transitions.move(sandbox_id, State.STOPPING, only_from=LIVE)
    stopping = Sandbox.objects.filter(state=State.STOPPING)
    _side_by_side(creation.destroy, stopping.values_list("pk", flat=True))
    try:
        found = engine.objects_labelled(assembly.instance_label())
    except SandboxEngineError as error:
        log.warning("not everything was removed: %s", error)
        return stopping.count()
    # Containers first: they hold networks and volumes.
    for wanted in ("container", "network", "volume"):
        ids = [engine_id for what, engine_id, *_ in found if what == wanted]
        _side_by_side(lambda engine_id, what=wanted: engine.remove_object(what, engine_id), ids)  # type: ignore[misc]
    WarmMachine.objects.all().delete()
    return stopping.count()


def _side_by_side(work: Callable[[str], None], ids: Iterable[str]) -> None:
    def one(engine_id: str) -> None:
        try:
            work(engine_id)
        except SandboxEngineError as error:
            log.warning("%s is not removed: %s", engine_id, error)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="end") as threads:
        list(threads.map(one, list(ids)))
