"""How often something may happen: fixed windows, counted in Redis, asked in one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings
from limits import RateLimitItem, parse
from redis.exceptions import RedisError

from sandbox.errors import BrokerDown
from sandbox.made_once import made_once

PREFIX = "slipway:rate"


@dataclass(frozen=True)
class Limit:
    """`rate` as settings write it ("10/minute"); `key` says whose count it is.

    `words` and `hint` are for whoever hits it.
    """

    key: str
    rate: str
    words: str = "Too many starts in a short time."
    hint: str = "Wait a minute, then press Start again."


@cache
def _item(rate: str) -> RateLimitItem:
    return parse(rate)


@made_once
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url)


def hit(limits: Sequence[Limit]) -> tuple[Limit, int] | None:
    """Count one event under each of `limits`; None when all allow it.

    Else the first that does not, and the seconds until its window ends. An event that one
    limit refuses counts under the others too: whoever keeps trying is not let in earlier.
    Raises BrokerDown.
    """
    try:
        # A transaction, so that a window that was just made is never left without an end.
        with _client(settings.REDIS_URL).pipeline() as pipe:
            for limit in limits:
                key = f"{PREFIX}:{limit.key}:{limit.rate}"
                pipe.set(key, 0, ex=_item(limit.rate).get_expiry(), nx=True)
                pipe.incr(key)
                pipe.ttl(key)
            answers = pipe.execute()
    except RedisError as error:
        raise BrokerDown from error
    for limit, count, left in zip(limits, answers[1::3], answers[2::3], strict=True):
        if count > _item(limit.rate).amount:
            return limit, max(1, left)
    return None
