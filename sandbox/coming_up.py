"""Starting a machine and reading from its terminal that its shell is there. Worker processes only."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox import delegation, engine, machines, sentences, stream
from sandbox.errors import MachineFailed
from sandbox.markers import Failed, Guest, Marker, MarkerReader, Ready, Stage, parse
from sandbox.specs import BOOTS_AT_ONCE

log = logging.getLogger(__name__)
ADOPTED_POLL_SECONDS = 2.0
LOGIN_RECORD, GUEST_RECORD = "/run/slipway/login", "/run/slipway/guest"
OnStage = Callable[[str], None]
# What PID 1 said, and the guest of a `vm` machine.
Spoken = tuple[Ready, Guest | None]


# Those that somebody waits for are let in by the database (`transitions.claim`); this counts the
# warm ones of this process as well.
_boots = threading.BoundedSemaphore(BOOTS_AT_ONCE)


@contextmanager
def turn_of(kind: str, on_stage: OnStage) -> Iterator[None]:
    """Wait until a guest may boot, and say so; other kinds need no turn."""
    if kind != "vm":
        yield
        return
    if not _boots.acquire(blocking=False):
        on_stage("waiting for a processor")
        _boots.acquire()
    try:
        yield
    finally:
        _boots.release()


async def come_up(
    container_id: str, kind: str, timeout_seconds: float, on_stage: OnStage
) -> tuple[Spoken, str]:
    """Start a machine and wait until its shell is there; return what it said, and a notice."""
    markers: asyncio.Queue[Marker | None] = asyncio.Queue()
    reader = MarkerReader(markers.put_nowait)
    # Attached before the start: the engine's log keeps whole lines only, and a marker or a
    # prompt is none yet.
    attached = await stream.attach(container_id)
    attached.listen(reader.feed, lambda: markers.put_nowait(None))
    try:
        async with asyncio.timeout(timeout_seconds):
            await asyncio.to_thread(engine.start_container, container_id)
            on_stage("started")
            notice = ""
            if kind == "docker":
                notice = await asyncio.to_thread(delegation.delegate_cgroup, container_id)
            return await _first_ready(container_id, kind, markers, on_stage), notice
    except TimeoutError as error:
        log.error("machine %s gave no prompt in %s s", container_id[:12], timeout_seconds)
        raise MachineFailed(sentences.NO_PROMPT_IN % {"seconds": round(timeout_seconds)}) from error
    finally:
        attached.close()


async def _first_ready(
    container_id: str, kind: str, markers: asyncio.Queue[Marker | None], on_stage: OnStage
) -> Spoken:
    """Wait until PID 1 has said that a shell is there, and in a `vm` machine the guest too."""
    ready: Ready | None = None
    while True:
        try:
            async with asyncio.timeout(ADOPTED_POLL_SECONDS):
                marker = await markers.get()
        except TimeoutError:
            # A machine adopted from another worker may have spoken before we listened.
            if spoken := await _login_record(container_id, kind):
                return spoken
            continue
        if isinstance(marker, Ready):
            ready = marker
            if kind != "vm":
                return ready, None
        elif isinstance(marker, Guest) and ready:
            return ready, marker
        elif isinstance(marker, Stage):
            on_stage(marker.name)
        elif marker is None or isinstance(marker, Failed):
            why = marker.reason if isinstance(marker, Failed) else "it ended at once"
            log.error("machine %s did not come up: %s", container_id[:12], why)
            raise MachineFailed(sentences.NOT_UP % {"why": why})


async def _login_record(container_id: str, kind: str) -> Spoken | None:
    """What PID 1 wrote down when it started the shell, None if it has not yet."""
    files = [LOGIN_RECORD, GUEST_RECORD] if kind == "vm" else [LOGIN_RECORD]
    code, out, _err = await machines.exec_collect(
        container_id, ["/bin/cat", *files], b"", user="1000:1000", env={}, wait_seconds=5
    )
    lines = out.strip().split(b"\n")
    if code != 0 or len(lines) != len(files):
        return None
    ready = parse(b"ready;" + lines[0])
    guest = parse(b"guest;" + lines[1]) if kind == "vm" else None
    if not isinstance(ready, Ready) or (kind == "vm" and not isinstance(guest, Guest)):
        return None
    return ready, guest if isinstance(guest, Guest) else None
