"""WebSocket clients for tests, with or without a person, an origin, a machine."""

from typing import Any

from channels.testing import WebsocketCommunicator

from sandbox.routing import websocket

SITE = "http://localhost:8000"


class Socket(WebsocketCommunicator):
    """A client of the site's sockets, signed in as `user`."""

    def __init__(self, path: str, user: Any = None, origin: str | None = SITE) -> None:
        headers = [] if origin is None else [(b"origin", origin.encode())]
        super().__init__(websocket, path, headers)
        self.scope["user"] = user

    async def open(self) -> bool:
        """Shake hands; False when that was refused."""
        connected, _ = await self.connect(timeout=5)
        return connected

    async def closed_with(self) -> int:
        """Read on until the server closes; return the code."""
        while True:
            message = await self.receive_output(timeout=5)
            if message["type"] == "websocket.close":
                return int(message["code"])

    async def leave(self) -> None:
        await self.disconnect(timeout=5)
