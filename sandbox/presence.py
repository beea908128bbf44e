"""Who is still there: a sandbox that no browser has open ends after a while."""

import asyncio
import logging

from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from sandbox.models import Sandbox

log = logging.getLogger(__name__)
EVERY_SECONDS = 30


@database_sync_to_async
def seen(sandbox_id: str) -> None:
    """Note that somebody has the sandbox open now."""
    Sandbox.objects.filter(pk=sandbox_id).update(last_seen_at=timezone.now())


async def keep(sandbox_id: str, after_seconds: float = 0.0) -> None:
    """Note it again and again, until cancelled with the socket it belongs to.

    `after_seconds`: when to begin, for a sandbox of which no note is needed yet.
    """
    await asyncio.sleep(after_seconds)
    while True:
        try:
            await seen(sandbox_id)
        except DatabaseError as error:
            # The next note comes soon; a socket must not end because of this one.
            log.warning("presence at %s not noted: %s", sandbox_id, error)
        await asyncio.sleep(EVERY_SECONDS)
