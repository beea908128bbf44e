"""What a Start asks the database, as SQL.

Django puts each query together anew in Python: 0.3 to 1.1 ms of processor time for these, which
take the database 0.02 ms. Of a class of a hundred every query is asked a hundred times at once.
"""

from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from sandbox.models import ADMITTED, LIVE, Sandbox, State, WarmState

# A requested sandbox is admitted already: its worker is on the way.
HOLDING_MEMORY = (State.REQUESTED, *ADMITTED)
# A name is tried this often against others who claim at the same moment.
CLAIM_TRIES = 20


HAS_LIVE = """
    SELECT 1 FROM sandbox_sandbox
    WHERE learner_id = %s AND state IN (%s, %s, %s, %s, %s) LIMIT 1"""
LINES = """
    SELECT COUNT(*) FILTER (WHERE state = %s), COUNT(*) FILTER (WHERE state = %s),
        SUM(memory_bytes) FILTER (WHERE state <> %s)
    FROM sandbox_sandbox WHERE state IN (%s, %s, %s, %s, %s, %s)"""
AHEAD = "SELECT COUNT(*) FROM sandbox_sandbox WHERE state = %s AND created_at < %s"
OLDEST_WARM = """
    SELECT id FROM sandbox_warmmachine
    WHERE kind = %s AND name = %s AND state = %s AND expires_at > %s
    ORDER BY ready_at LIMIT 1"""
CLAIM = """
    UPDATE sandbox_warmmachine SET state = %s, sandbox_id = %s
    WHERE id = %s AND state = %s AND expires_at > %s"""


def has_live(learner_id: int) -> bool:
    """Whether a learner has a live sandbox, in any lesson."""
    return _row(HAS_LIVE, learner_id, *LIVE) is not None


def lines() -> tuple[int, int, int]:
    """How many wait for memory, how many for a worker, and the bytes that sandboxes hold."""
    found = _row(LINES, State.QUEUED, State.REQUESTED, State.QUEUED, State.QUEUED, *HOLDING_MEMORY)
    waiting, requested, held = found or (0, 0, 0)
    return waiting, requested, int(held or 0)


def ahead_of(sandbox: Sandbox) -> int:
    """How many came before a waiting sandbox into the line of its state."""
    (count,) = _row(AHEAD, sandbox.state, _moment(sandbox.created_at)) or (0,)
    return int(count)


def claim_warm(sandbox_id: str, kind: str, name: str) -> bool:
    """Claim the oldest ready machine of this kind and name; False when there is none."""
    ready = WarmState.READY, _moment(timezone.now())
    with connection.cursor() as cursor:
        for _ in range(CLAIM_TRIES):
            cursor.execute(OLDEST_WARM, (kind, name, *ready))
            oldest = cursor.fetchone()
            if oldest is None:
                return False
            # Zero rows: another Start was faster with this one; take the next.
            cursor.execute(CLAIM, (WarmState.CLAIMED, sandbox_id, *oldest, *ready))
            if cursor.rowcount:
                return True
    return False


def _moment(when: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(when)


def _row(sql: str, *values: Any) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: tuple[Any, ...] | None = cursor.fetchone()
        return found
