"""Replies and events, over a real Redis-protocol server."""

import asyncio
import time
from typing import Any

import pytest
import redis
from channels.layers import get_channel_layer
from django.conf import settings

from sandbox import events, replies
from sandbox.errors import BrokerDown


class Task:
    """A Celery task whose worker answers at once, or not at all."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.reply_to = ""
        self.sent: tuple[Any, ...] = ()

    def apply_async(self, args: tuple[Any, ...], expires: float) -> None:
        self.reply_to, *rest = args
        self.sent = tuple(rest)
        if self.answer is not None:
            replies.answer(self.reply_to, self.answer)


def test_the_answer_comes_back_as_it_was() -> None:
    task = Task({"passed": True, "feedback": "Schön."})
    assert replies.ask(task, "sandbox", 7, timeout_seconds=2) == {
        "passed": True,
        "feedback": "Schön.",
    }
    assert task.sent == ("sandbox", 7)


def test_a_late_answer_is_none_after_the_timeout() -> None:
    began = time.monotonic()
    assert replies.ask(Task(), timeout_seconds=0.3) is None
    assert 0.2 < time.monotonic() - began < 3


def test_an_answer_nobody_waits_for_expires() -> None:
    task = Task()
    replies.ask(task, timeout_seconds=0.1)
    replies.answer(task.reply_to, {"late": True})
    left = redis.Redis.from_url(settings.REDIS_URL).ttl(task.reply_to)
    assert 0 < left <= replies.KEPT_SECONDS


def test_two_questions_do_not_mix() -> None:
    one, two = Task(1), Task(2)
    assert (replies.ask(one, timeout_seconds=1), replies.ask(two, timeout_seconds=1)) == (1, 2)
    assert one.reply_to != two.reply_to


def test_a_redis_that_is_away_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    away = redis.Redis.from_url("redis://127.0.0.1:1/0")
    monkeypatch.setattr(replies, "_redis", lambda: away)
    with pytest.raises(BrokerDown):
        replies.ask(Task(), timeout_seconds=1)


async def test_an_event_reaches_every_watcher_of_that_sandbox_and_no_other() -> None:
    layer = get_channel_layer()
    names = [await layer.new_channel() for _ in range(3)]
    for name, sandbox in zip(names, ("one", "one", "two"), strict=True):
        await layer.group_add(events.group_of(sandbox), name)
    event = {"type": "stage", "name": "created", "seconds": 0.2}
    await asyncio.to_thread(events.publish, "one", event)
    for name in names[:2]:
        got = await asyncio.wait_for(layer.receive(name), 5)
        assert got == {"type": "sandbox.event", "event": event}
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(layer.receive(names[2]), 0.2)


def test_a_redis_that_is_away_does_not_stop_a_change(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Away:
        async def group_send(self, *_: Any) -> None:
            raise redis.exceptions.ConnectionError("refused")

    monkeypatch.setattr(events, "get_channel_layer", Away)
    events.publish("one", {"type": "state"})
    assert "not sent" in caplog.text
