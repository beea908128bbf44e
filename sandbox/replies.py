"""Asking a worker something and waiting for the answer.

One Redis list per question: the worker pushes, the asker pops with a timeout. An answer
that nobody waits for any more expires by itself.
"""

import json
import secrets
from typing import Any

import redis
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from sandbox.errors import BrokerDown
from sandbox.made_once import made_once

KEPT_SECONDS = 60


@made_once
def _redis() -> "redis.Redis":
    # No read timeout of its own: the pop below carries one.
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=5)


def ask(task: Any, *args: Any, timeout_seconds: float) -> Any | None:
    """Run the Celery `task(reply_to, *args)` on a worker; return its answer, None if late.

    Raises BrokerDown when Redis is away.
    """
    reply_to = f"slipway:reply:{secrets.token_hex(12)}"
    try:
        task.apply_async((reply_to, *args), expires=timeout_seconds + KEPT_SECONDS)
        popped = _redis().blpop([reply_to], timeout=timeout_seconds)
    except (OperationalError, RedisError) as error:
        raise BrokerDown from error
    return None if popped is None else json.loads(popped[1])


def answer(reply_to: str, payload: Any) -> None:
    """Answer the question `reply_to` with JSON-ready `payload`."""
    pipe = _redis().pipeline()
    pipe.rpush(reply_to, json.dumps(payload))
    pipe.expire(reply_to, KEPT_SECONDS)
    pipe.execute()
