"""The events socket: the state of a sandbox, then every change, as JSON objects.

Also whether machines can be started at all, which pages without a sandbox hear at `/ws/host`.
"""

import asyncio
import contextlib
import logging
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings

from sandbox import presence
from sandbox.events import group_of
from sandbox.host_watch import host_watch
from sandbox.models import USABLE, Sandbox, State
from sandbox.ports import KINDS, looks
from sandbox.snapshots import snapshot
from sandbox.socket_limits import TooManySockets, counted

log = logging.getLogger(__name__)
ENDED = (State.GONE, State.FAILED)
# All that a client may say.
IN_VIEW = {'{"visible":true}': True, '{"visible":false}': False}


class EventsConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """One watcher of one sandbox."""

    # What goes on beside the frames while the socket is open.
    tasks: tuple[asyncio.Task[None], ...] = ()
    group = ""
    sandbox_id = ""
    watching = False
    counting: contextlib.AbstractContextManager[None] | None = None

    async def connect(self) -> None:
        self.open_page = contextlib.AsyncExitStack()
        await self.accept()
        user, sandbox_id = self.scope.get("user"), self.scope["url_route"]["kwargs"]["sandbox_id"]
        self.sandbox_id = sandbox_id
        if user is None or not user.is_authenticated:
            await self.refuse(4401)
            return
        try:
            counting = counted(user.pk)
            counting.__enter__()
        except TooManySockets:
            await self.refuse(4429)
            return
        self.counting = counting
        # Joined before the state is read: a change in between would otherwise be missed. What
        # comes meanwhile waits behind this method, and is not for somebody who may not watch.
        self.group = group_of(sandbox_id)
        await self.channel_layer.group_add(self.group, self.channel_name)
        state = await _state_of(user.pk, sandbox_id)
        if state is None:
            await self.refuse(4404)
            return
        self.watching = True
        await self.send_json({"type": "state", "sandbox": state})
        if state["state"] in ENDED:
            await self.close(4410)
            return
        # A sandbox that comes up is noted as seen by whoever makes it ready.
        after = 0.0 if state["state"] in USABLE else presence.EVERY_SECONDS
        self.tasks = (
            asyncio.create_task(presence.keep(sandbox_id, after)),
            asyncio.create_task(self._tell_of_host()),
        )
        if settings.SANDBOX_ENGINE_ACCESS:
            machines = [m["name"] for m in state["machines"] if m["kind"] in KINDS]
            page = looks.open_page(sandbox_id, machines)
            for event in await self.open_page.enter_async_context(page):
                await self.send_json(event)

    async def refuse(self, code: int) -> None:
        """Close for something that the client may not do."""
        user = getattr(self.scope.get("user"), "pk", None)
        log.warning("events of sandbox %s closed with %d; learner %s", self.sandbox_id, code, user)
        await self.close(code)

    async def disconnect(self, code: int) -> None:
        looks.view(self.sandbox_id, self.channel_name, False)
        await self.open_page.aclose()
        if self.counting:
            self.counting.__exit__(None, None, None)
            self.counting = None
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """A page says whether it is in view; a client that says anything else is mistaken."""
        said = IN_VIEW.get(text_data or "")
        if said is None or not self.watching:
            await self.refuse(1008)
        elif settings.SANDBOX_ENGINE_ACCESS:
            looks.view(self.sandbox_id, self.channel_name, said)

    async def _tell_of_host(self) -> None:
        async for event in host_watch.states():
            await self.send_json(event)

    async def sandbox_event(self, message: dict[str, Any]) -> None:
        if not self.watching:
            return
        event = message["event"]
        await self.send_json(event)
        if event["type"] == "state" and event["sandbox"]["state"] in ENDED:
            await self.close(4410)


@database_sync_to_async
def _state_of(learner_id: int, sandbox_id: str) -> dict[str, Any] | None:
    """A sandbox of this learner as it is now; None for any other."""
    try:
        return snapshot(Sandbox.objects.get(pk=sandbox_id, learner=learner_id))
    except Sandbox.DoesNotExist:
        return None
