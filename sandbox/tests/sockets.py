"""WebSocket clients for tests, with or without a person, an origin, a machine.

On asgiref's communicator: that of Channels comes with a test server that needs daphne.
"""

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator

from sandbox.routing import websocket

SITE = "http://localhost:8000"
Header = tuple[bytes, bytes]


class Socket:
    """A client of a WebSocket application (the site's own routes by default)."""

    def __init__(
        self,
        path: str,
        user: Any = None,
        origin: str | None = SITE,
        *,
        application: Any = websocket,
        headers: tuple[Header, ...] = (),
        extensions: dict[str, Any] | None = None,
    ) -> None:
        own = () if origin is None else ((b"origin", origin.encode()),)
        address, _, query = path.partition("?")
        scope = {
            "type": "websocket",
            "path": address,
            "query_string": query.encode(),
            "headers": [*own, *headers],
            "subprotocols": [],
            "extensions": extensions or {},
        }
        if application is websocket:  # behind the middleware that finds the person
            scope["user"] = user
        self._app = ApplicationCommunicator(application, scope)

    async def open(self) -> bool:
        """Shake hands; False when that was refused."""
        await self._app.send_input({"type": "websocket.connect"})
        return bool((await self.message())["type"] == "websocket.accept")

    async def message(self) -> dict[str, Any]:
        got: dict[str, Any] = await self._app.receive_output(5)
        return got

    async def told(self) -> Any:
        """The next text frame, as JSON; what is said of the host, whenever it is looked at, aside."""
        while (said := json.loads((await self.message())["text"])).get("type") == "host":
            pass
        return said

    async def told_of_host(self) -> Any:
        """The next text frame about the host, as JSON."""
        while (said := json.loads((await self.message())["text"])).get("type") != "host":
            pass
        return said

    async def read(self) -> bytes:
        """The next binary frame."""
        data: bytes = (await self.message())["bytes"]
        return data

    async def silent(self, seconds: float) -> bool:
        return bool(await self._app.receive_nothing(seconds))

    async def type(self, data: bytes) -> None:
        await self._app.send_input({"type": "websocket.receive", "bytes": data})

    async def say(self, text: str) -> None:
        await self._app.send_input({"type": "websocket.receive", "text": text})

    async def closed_with(self) -> int:
        """Read on until the server closes; return the code."""
        while True:
            message = await self.message()
            if message["type"] == "websocket.close":
                await self.leave()
                return int(message["code"])

    async def leave(self, code: int = 1005) -> None:
        """Go away and wait until the application has noticed."""
        await self._app.send_input({"type": "websocket.disconnect", "code": code})
        await self._app.wait(5)
