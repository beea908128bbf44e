"""Recordings: made beside the byte path, bounded, one's own, expiring, valid asciicast."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from sandbox import reaper, recorder, recordings
from sandbox.models import Recording, RecordingPart, Sandbox
from sandbox.recorder import Recorder
from sandbox.snapshots import snapshot

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sandbox(make_sandbox: Any) -> Sandbox:
    return make_sandbox()


class Ends:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


async def recorded(sandbox: Sandbox, *outputs: bytes, on_end: Any = lambda: None) -> Recorder:
    machine = await sync_to_async(sandbox.machines.select_related("sandbox").get)()
    made = Recorder(machine, "main", "lesson, laptop", on_end)
    made.resized(100, 30)
    for data in outputs:
        made.output(data)
    made.close()
    await asyncio.wait_for(made._task, 10)
    return made


def lines() -> list[Any]:
    whole = b"".join(recordings.asciicast(Recording.objects.get()))
    return [json.loads(line) for line in whole.decode().splitlines()]


async def test_a_recording_is_asciicast_of_what_was_shown(sandbox: Sandbox) -> None:
    await recorded(sandbox, b"caf\xc3", b"\xa9\r\n", b"bad \xff byte")
    header, *events = await sync_to_async(lines)()
    assert (header["version"], header["width"], header["height"]) == (2, 100, 30)
    assert [event[1:] for event in events] == [
        ["r", "100x30"], ["o", "caf"], ["o", "é\r\n"], ["o", "bad \ufffd byte"],
    ]  # fmt: skip
    assert all(first[0] <= second[0] for first, second in zip(events, events[1:], strict=False))


async def test_a_terminal_that_showed_nothing_leaves_no_recording(sandbox: Sandbox) -> None:
    await recorded(sandbox)
    assert not await Recording.objects.aexists()


async def test_at_its_limit_a_recording_ends_and_the_terminal_does_not(
    sandbox: Sandbox, settings: Any
) -> None:
    settings.TERMINAL_RECORDING_MIB = 1
    ends = Ends()
    await recorded(sandbox, *[b"x" * 65536] * 40, on_end=ends)
    row = await Recording.objects.aget()
    assert (row.cut, ends.count) == (True, 1)
    assert 1024 * 1024 <= row.size_bytes < 1.2 * 1024 * 1024


async def test_parts_are_written_while_the_terminal_goes_on(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "EVERY_SECONDS", 0.05)
    machine = await sync_to_async(sandbox.machines.select_related("sandbox").get)()
    made = Recorder(machine, "main", "t", lambda: None)
    for number in range(3):
        made.output(b"line %d\r\n" % number)
        async with asyncio.timeout(5):
            while await RecordingPart.objects.acount() <= number:
                await asyncio.sleep(0.02)
    made.close()
    await asyncio.wait_for(made._task, 5)


async def test_a_database_that_refuses_ends_the_recording_only(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(recordings, "add", refuse)
    ends = Ends()
    made = await recorded(sandbox, b"x", on_end=ends)
    made.output(b"goes on")
    assert (made.ended, ends.count) == (True, 1)


def make(learner: Any, **fields: Any) -> Recording:
    values = {
        "learner": learner, "sandbox": "s", "course": "c", "lesson": "l", "machine": "laptop",
        "terminal": "main", "title": "t", "columns": 80, "rows": 24,
        "expires_at": timezone.now() + timedelta(days=1),
    }  # fmt: skip
    row = Recording.objects.create(**(values | fields))
    recordings.add(row, [(0.5, "o", "hi")], cut=False)
    return row


def test_one_lists_fetches_and_removes_ones_own(own: Client, learner: Any, stranger: Any) -> None:
    mine, others = make(learner), make(stranger)
    listed = own.get("/api/v1/recordings").json()
    assert [row["id"] for row in listed] == [mine.pk]
    assert listed[0]["seconds"] == 0.5
    fetched = own.get(f"/api/v1/recordings/{mine.pk}")
    assert b"".join(fetched.streaming_content).splitlines()[1] == b'[0.5, "o", "hi"]'
    for method in (own.get, own.delete):
        assert method(f"/api/v1/recordings/{others.pk}").status_code == 404
    assert own.delete(f"/api/v1/recordings/{mine.pk}").status_code == 204
    assert own.get("/api/v1/recordings").json() == []
    assert Recording.objects.get() == others


def test_what_has_expired_is_not_shown_and_then_removed(own: Client, learner: Any) -> None:
    old = make(learner, expires_at=timezone.now() - timedelta(seconds=1))
    kept = make(learner)
    assert [row["id"] for row in own.get("/api/v1/recordings").json()] == [kept.pk]
    assert own.get(f"/api/v1/recordings/{old.pk}").status_code == 404
    recordings.remove_expired()
    assert Recording.objects.get() == kept
    assert RecordingPart.objects.count() == 1


MIB = 1024 * 1024


def test_over_the_learners_limit_the_oldest_go_and_nobody_elses(
    learner: Any, stranger: Any, settings: Any
) -> None:
    settings.TERMINAL_RECORDING_LEARNER_MIB = 2
    others = make(stranger, size_bytes=3 * MIB)
    old = [make(learner, size_bytes=MIB - 100) for _ in range(2)]
    assert recordings.fit(old[1])
    assert Recording.objects.count() == 3
    new = make(learner, size_bytes=MIB - 100)
    assert recordings.fit(new)
    assert set(Recording.objects.all()) == {others, old[1], new}
    assert RecordingPart.objects.count() == 3


def test_what_is_being_made_stays_and_the_one_beyond_the_limit_ends(
    sandbox: Sandbox, learner: Any, settings: Any
) -> None:
    settings.TERMINAL_RECORDING_LEARNER_MIB = 2
    machine = sandbox.machines.get()
    machine.terminal_names.create(name="beside", title="beside")
    here = {"sandbox": sandbox.pk, "size_bytes": MIB}
    make(learner, **here, terminal="main")  # a newer one of the same terminal follows
    make(learner, **here, terminal="closed")
    make(learner, **here, terminal="beside", cut=True)
    make(learner, size_bytes=MIB, terminal="main")  # of a sandbox that has ended
    making = [make(learner, **here, terminal=name) for name in ("beside", "main")]
    assert not recordings.fit(making[1])
    making[1].refresh_from_db()
    assert (making[1].cut, set(Recording.objects.all())) == (True, set(making))


async def test_a_terminal_that_floods_and_is_opened_again_does_not_grow_the_database(
    sandbox: Sandbox, settings: Any
) -> None:
    settings.TERMINAL_RECORDING_MIB, settings.TERMINAL_RECORDING_LEARNER_MIB = 1, 3
    for _ in range(6):
        await recorded(sandbox, *[b"x" * 65536] * 40)
    kept = [row.size_bytes async for row in Recording.objects.all()]
    assert 1.5 * MIB < sum(kept) <= 3 * MIB


async def test_a_recording_that_has_no_room_ends_and_the_terminal_is_told(
    sandbox: Sandbox, settings: Any
) -> None:
    settings.TERMINAL_RECORDING_LEARNER_MIB = 1
    settings.TERMINAL_RECORDING_MIB = 8
    ends = Ends()
    made = await recorded(sandbox, *[b"x" * 65536] * 40, on_end=ends)
    row = await Recording.objects.aget()
    assert (made.ended, ends.count, row.cut) == (True, 1, True)


def test_learners_are_told(sandbox: Sandbox, settings: Any) -> None:
    assert snapshot(sandbox)["recording"] is False
    settings.TERMINAL_RECORDING = True
    assert snapshot(sandbox)["recording"] is True


def test_the_reaper_removes_what_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[bool] = []
    monkeypatch.setattr(recordings, "remove_expired", lambda: called.append(True))
    for name in ("hosts.refresh", "disk.end_oversized", "pool_keeper.tend"):
        monkeypatch.setattr(f"sandbox.{name}", lambda: None)
    monkeypatch.setattr(reaper, "shift_if_clock_jumped", lambda host: 0)
    reaper.reap()
    assert called
