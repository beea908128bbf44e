"""Who is still there: a sandbox that no browser has open ends after a while."""

import asyncio

from channels.db import database_sync_to_async
from django.utils import timezone

from sandbox.models import Sandbox

EVERY_SECONDS = 30


@database_sync_to_async
def seen(sandbox_id: str) -> None:
    """Note that somebody has the sandbox open now."""
    Sandbox.objects.filter(pk=sandbox_id).update(last_seen_at=timezone.now())


async def keep(sandbox_id: str) -> None:
    """Note it again and again, until cancelled with the socket it belongs to."""
    while True:
        await seen(sandbox_id)
        await asyncio.sleep(EVERY_SECONDS)
