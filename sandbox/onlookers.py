"""Looking at somebody else's terminal: who may, for how long, and that they only look.

Who may is not decided here: the user model says so by `may_look_at(learner id)`, from the database
as it is now. Whoever looks reads; their client is heard for its acknowledgements and nothing else.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from channels.db import database_sync_to_async
from django.db import DatabaseError

from sandbox import terminal_names
from sandbox.models import Machine
from sandbox.socket_limits import Pace
from sandbox.terminal_frames import NOT_FOUND, Receive, Refused, checked, order_in, read_on
from sandbox.viewer import Viewer

log = logging.getLogger(__name__)
EVERY_SECONDS = 2


@dataclass(frozen=True)
class Look:
    """One person who looks at one terminal; `name` is what its learner is told."""

    user: Any
    machine: Machine
    terminal: str

    @property
    def name(self) -> str:
        return str(self.user.display_name)

    async def until_over(self) -> None:
        """Until this person may look no longer. Raises Refused then."""
        log.info("%s looks at %s of %s", self.user.pk, self.terminal, self.machine)
        try:
            while await self._may_go_on():  # noqa: ASYNC110  the event is in the database
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            log.info("%s no longer looks at %s of %s", self.user.pk, self.terminal, self.machine)
        hint = "The class's page shows at whose terminals you may look."
        raise Refused(NOT_FOUND, "look_over", "You may look at this terminal no longer.", hint)

    async def _may_go_on(self) -> bool:
        try:
            return bool(await database_sync_to_async(_may_look)(self.user, self.machine))
        except DatabaseError as error:
            # A busy database ends no look; the next question comes soon.
            log.warning("a look at %s was not examined: %s", self.machine, error)
            return True


@database_sync_to_async
def look(user: Any, sandbox_id: str, machine: str, terminal: str) -> Look | None:
    """A look at a terminal that there is, of a learner whose terminals `user` may look at."""
    found = Machine.objects.select_related("sandbox").filter(sandbox_id=sandbox_id, name=machine)
    one = found.first()
    if one is None or not _may_look(user, one):
        return None
    # Opening a terminal that is none would make one.
    names = [each["name"] for each in terminal_names.of(one)]
    return Look(user, one, terminal) if terminal in names else None


def _may_look(user: Any, machine: Machine) -> bool:
    return bool(user.may_look_at(machine.sandbox.learner_id))


async def read(viewer: Viewer, receive: Receive) -> None:
    """Hear the client until it leaves: what it has read, and nothing else. Raises Refused, TooFast."""
    pace = Pace()
    while (message := await receive())["type"] != "websocket.disconnect":
        await pace.frame()
        if (data := message.get("bytes")) is not None:
            checked(data)  # typed in vain
        else:
            await read_on(viewer, order_in(message.get("text") or ""))
