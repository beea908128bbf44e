"""Events of a sandbox, from any process to every browser that watches it.

They carry state, stages, verdicts and warnings; terminal bytes never pass here.
"""

import asyncio
import logging
import threading
from collections.abc import Iterable
from typing import Any

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from sandbox.made_once import made_once

log = logging.getLogger(__name__)
SEND_SECONDS = 5


def group_of(sandbox_id: str) -> str:
    """The channel-layer group of a sandbox's watchers."""
    return f"sandbox.{sandbox_id}"


def publish(sandbox_id: str, event: dict[str, Any]) -> None:
    """Send `event` (JSON-ready, with a "type") to the watchers of a sandbox.

    A browser that misses an event reads the whole state when it comes back, so a Redis
    that is away costs liveness, not truth: it is logged and the caller goes on.
    """
    publish_many([(sandbox_id, event)])


def publish_many(events: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """`publish` for several (sandbox id, event), in their order."""
    events = list(events)
    try:
        asyncio.run_coroutine_threadsafe(_send(events), _loop()).result(SEND_SECONDS)
    except (OSError, TimeoutError, RedisError) as error:
        for sandbox_id, event in events:
            log.warning("event %s of %s not sent: %s", event.get("type"), sandbox_id, error)


async def _send(events: list[tuple[str, dict[str, Any]]]) -> None:
    layer = get_channel_layer()
    for sandbox_id, event in events:
        await layer.group_send(group_of(sandbox_id), {"type": "sandbox.event", "event": event})


async def publish_here(sandbox_id: str, event: dict[str, Any]) -> None:
    """`publish` from an event loop that stays, such as the console's."""
    message = {"type": "sandbox.event", "event": event}
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await get_channel_layer().group_send(group_of(sandbox_id), message)
    except (OSError, TimeoutError, RedisError) as error:
        log.warning("event %s of %s not sent: %s", event.get("type"), sandbox_id, error)


@made_once
def _loop() -> asyncio.AbstractEventLoop:
    """An event loop of this process for events alone, which keeps its connection to Redis.

    The layer connects anew for each loop, and a loop for each event would cost more than
    all else that a Start of a warm machine does.
    """
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="events", daemon=True).start()
    return loop
