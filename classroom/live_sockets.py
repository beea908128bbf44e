"""Ends open WebSockets of people who signed out, were deactivated, or lost their token.

A socket proves who it is once, when it opens. One look at the database every few seconds,
for all sockets of this process together, notices when that proof is no longer good.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from channels.db import database_sync_to_async
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from classroom.models import Token, User

log = logging.getLogger(__name__)
EVERY_SECONDS = 2
NOT_SIGNED_IN = 4401
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
GONE = {"type": "websocket.disconnect", "code": NOT_SIGNED_IN}


@dataclass(eq=False)
class Proof:
    """By what a socket was let in: a session, or a token."""

    user_id: int
    session_key: str | None = None
    session_hash: str = ""
    token_digest: str | None = None
    revoked: asyncio.Event = field(default_factory=asyncio.Event)


def proof_of(scope: dict[str, Any]) -> Proof | None:
    """The proof of a connection, None for a visitor, who has nothing to lose."""
    user = scope.get("user")
    if user is None or not user.is_authenticated:
        return None
    if digest := scope.get("token_digest"):
        return Proof(user.pk, token_digest=digest)
    session = scope["session"]
    return Proof(user.pk, session.session_key, session.get(HASH_SESSION_KEY, ""))


class LiveSockets:
    """The open sockets of this process, and the task that looks after them while there are any."""

    def __init__(self) -> None:
        self._proofs: set[Proof] = set()
        self._task: asyncio.Task[None] | None = None

    async def serve(self, inner: Any, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Run an application until it ends, or until its proof is no longer good."""
        proof = proof_of(scope)
        if proof is None:
            await inner(scope, receive, send)
            return

        async def guarded_receive() -> dict[str, Any]:
            message = await receive()
            # A client that ignores the close and talks on is not heard.
            return GONE if proof.revoked.is_set() else message

        async def guarded_send(message: dict[str, Any]) -> None:
            if not proof.revoked.is_set():
                await send(message)

        self._proofs.add(proof)
        self._watch()
        ending = asyncio.ensure_future(self._close_when_revoked(proof, send))
        try:
            await inner(scope, guarded_receive, guarded_send)
        finally:
            self._proofs.discard(proof)
            ending.cancel()

    async def _close_when_revoked(self, proof: Proof, send: Send) -> None:
        await proof.revoked.wait()
        with contextlib.suppress(OSError, RuntimeError):  # it was about to end anyway
            await send({"type": "websocket.close", "code": NOT_SIGNED_IN})

    def _watch(self) -> None:
        if self._task is None or self._task.done() or self._task.get_loop().is_closed():
            self._task = asyncio.ensure_future(self._look_again_and_again())

    async def _look_again_and_again(self) -> None:
        while self._proofs:
            await asyncio.sleep(EVERY_SECONDS)
            proofs = list(self._proofs)
            try:
                good = await database_sync_to_async(still_good)(proofs)
            except DatabaseError as error:
                # A busy database ends nobody's work; the next look comes soon.
                log.warning("open sockets not looked at: %s", error)
                continue
            for proof in proofs:
                if proof not in good:
                    proof.revoked.set()


def still_good(proofs: list[Proof]) -> set[Proof]:
    """Those of `proofs` that would still open a socket; three queries at most."""
    users = User.objects.filter(is_active=True).in_bulk({proof.user_id for proof in proofs})
    keys = {proof.session_key for proof in proofs if proof.session_key}
    sessions = set(
        Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()).values_list(
            "session_key", flat=True
        )
        if keys
        else ()
    )
    digests = {proof.token_digest for proof in proofs if proof.token_digest}
    tokens = set(
        Token.objects.filter(digest__in=digests).values_list("digest", flat=True) if digests else ()
    )
    return {
        proof
        for proof in proofs
        if (user := users.get(proof.user_id)) is not None
        and (
            proof.token_digest in tokens
            if proof.token_digest
            else proof.session_key in sessions and _same_password(user, proof)
        )
    }


def _same_password(user: User, proof: Proof) -> bool:
    """A changed password ends the sessions that the old one opened."""
    return constant_time_compare(user.get_session_auth_hash(), proof.session_hash)


live_sockets = LiveSockets()
