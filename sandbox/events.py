"""Events of a sandbox, from any process to every browser that watches it.

They carry state, stages, verdicts and warnings; terminal bytes never pass here.
"""

import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


def group_of(sandbox_id: str) -> str:
    """The channel-layer group of a sandbox's watchers."""
    return f"sandbox.{sandbox_id}"


def publish(sandbox_id: str, event: dict[str, Any]) -> None:
    """Send `event` (JSON-ready, with a "type") to the watchers of a sandbox.

    A browser that misses an event reads the whole state when it comes back, so a Redis
    that is away costs liveness, not truth: it is logged and the caller goes on.
    """
    message = {"type": "sandbox.event", "event": event}
    try:
        async_to_sync(get_channel_layer().group_send)(group_of(sandbox_id), message)
    except (OSError, RedisError) as error:
        log.warning("event %s of %s not sent: %s", event.get("type"), sandbox_id, error)
