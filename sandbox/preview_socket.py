"""A WebSocket between a browser and an app in a machine, message by message.

The handshake with the app is HTTP over the tunnel; afterwards its frames are read and
written by the `websockets` library's protocol, which also answers pings and joins
fragments. Source: RFC 6455.
"""

import asyncio
import base64
import secrets
from typing import Any

import h11
from websockets.exceptions import InvalidState
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.protocol import CLIENT, OPEN, Protocol
from websockets.utils import accept_key

from sandbox.preview_relay import (
    SILENT_SECONDS,
    AppSilent,
    PreviewOver,
    Receive,
    Send,
    Valid,
    watch,
)
from sandbox.tunnel import Tunnel, tunnels

# What one message of the app may have; each is held whole before it goes on.
MESSAGE_LIMIT_BYTES = 4 * 1024 * 1024
# Codes that an endpoint sees but must not send. Source: RFC 6455, section 7.4.1.
NEVER_SENT = frozenset({1005, 1006, 1015})
CLOSE_SECONDS = 5
OFFERS = frozenset({b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-extensions"})


class SocketRefused(Exception):
    """The app answered the handshake with another status than 101."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(status)


async def relay(
    container_id: str, port: int, request: h11.Request, receive: Receive, send: Send, valid: Valid
) -> None:
    """Serve one WebSocket that the browser asks for, until either side closes it.

    Before the browser's is accepted: raises SocketRefused, PortClosed, NoAnswer, AppSilent,
    h11.RemoteProtocolError, MachineBusy, EngineDown, MachineDied. Afterwards all ends are
    close codes: the app's or the browser's own, 1001 when the preview is over, 1014 when
    the app broke off.
    """
    async with tunnels.room(container_id):
        tunnel = await Tunnel.open(container_id, port)
        try:
            subprotocol = await _shake_hands(tunnel, request)
            await send({"type": "websocket.accept", "subprotocol": subprotocol})
            await _Exchange(tunnel, receive, send).run(valid)
        finally:
            tunnel.close()


async def _shake_hands(tunnel: Tunnel, request: h11.Request) -> str | None:
    """Ask the app for a WebSocket; the subprotocol it chose."""
    key = base64.b64encode(secrets.token_bytes(16))
    headers = [(k, v) for k, v in request.headers if k not in OFFERS]
    headers += [
        (b"connection", b"Upgrade"),
        (b"upgrade", b"websocket"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-key", key),
    ]
    await tunnel.send(h11.Request(method="GET", target=request.target, headers=headers))
    await tunnel.send(h11.EndOfMessage())
    try:
        async with asyncio.timeout(SILENT_SECONDS):
            answer = await tunnel.receive()
            while isinstance(answer, h11.InformationalResponse) and answer.status_code != 101:
                answer = await tunnel.receive()
    except TimeoutError as error:
        raise AppSilent from error
    if isinstance(answer, h11.Response):
        raise SocketRefused(answer.status_code)
    if not isinstance(answer, h11.InformationalResponse):
        raise h11.RemoteProtocolError("no answer to a handshake")
    said = dict(answer.headers)
    if said.get(b"sec-websocket-accept", b"").decode("latin-1") != accept_key(key.decode()):
        raise h11.RemoteProtocolError("the handshake was answered with another key")
    return _chosen(request, said.get(b"sec-websocket-protocol"))


def _chosen(request: h11.Request, name: bytes | None) -> str | None:
    """The app's choice. Raises h11.RemoteProtocolError for one that was not offered."""
    if name is None:
        return None
    offers = [v for k, v in request.headers if k == b"sec-websocket-protocol"]
    if name not in {offer.strip() for line in offers for offer in line.split(b",")}:
        raise h11.RemoteProtocolError("a subprotocol that nobody offered")
    return name.decode("latin-1")


class _Exchange:
    """Messages both ways; either way waits for the slower side."""

    def __init__(self, tunnel: Tunnel, receive: Receive, send: Send) -> None:
        self._tunnel, self._receive, self._send = tunnel, receive, send
        self._frames = Protocol(CLIENT, state=OPEN, max_size=MESSAGE_LIMIT_BYTES)
        self._parts: list[bytes] = []
        self._is_text = False

    async def run(self, valid: Valid) -> None:
        jobs = [asyncio.create_task(job) for job in (self._down(), self._up(), watch(valid))]
        try:
            await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
            code, reason = _end_of(next(job for job in jobs if job.done()))
            if code is not None:
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def _up(self) -> None:
        """What the browser sends, until it leaves; then the app is told."""
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                break
            if (text := message.get("text")) is not None:
                self._frames.send_text(text.encode())
            else:
                self._frames.send_binary(message["bytes"])
            await self._flush()
        code = message.get("code", 1005)
        if code in NEVER_SENT:
            self._frames.send_close()
        else:
            self._frames.send_close(code, message.get("reason") or "")
        async with asyncio.timeout(CLOSE_SECONDS):
            await self._flush()
            while await self._tunnel.read():
                pass  # the app's own close, and then its end of the connection

    async def _down(self) -> Close | None:
        """What the app sends, until it closes; how it did, None when it just went away."""
        data = self._tunnel.http.trailing_data[0]
        while True:
            if data:
                self._frames.receive_data(data)
            for frame in self._frames.events_received():
                if isinstance(frame, Frame):
                    await self._take(frame)
            await self._flush()  # pongs, and the answer to a close
            if self._frames.close_rcvd is not None:
                return self._frames.close_rcvd
            if self._frames.parser_exc is not None:
                return Close(self._frames.close_sent.code if self._frames.close_sent else 1002, "")
            data = await self._tunnel.read()
            if not data:
                return None

    async def _take(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._is_text = frame.opcode is Opcode.TEXT
        elif frame.opcode is not Opcode.CONT:
            return
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            return
        whole, self._parts = b"".join(self._parts), []
        content = {"text": whole.decode(errors="replace")} if self._is_text else {"bytes": whole}
        await self._send({"type": "websocket.send", **content})

    async def _flush(self) -> None:
        for data in self._frames.data_to_send():
            if data:
                await self._tunnel.write(data)


def _end_of(job: asyncio.Task[Any]) -> tuple[int | None, str]:
    """The code to close the browser's side with, None when that side is closed already."""
    fault = job.exception()
    if isinstance(fault, PreviewOver):
        return CloseCode.GOING_AWAY, "This preview is over."
    if isinstance(fault, (OSError, InvalidState)):  # TimeoutError is an OSError
        return None, ""
    if fault is not None:
        raise fault
    if job.get_coro().__name__ == "_up":  # type: ignore[union-attr]
        return None, ""
    close = job.result()
    if close is None:
        return CloseCode.BAD_GATEWAY, "The app broke off."
    if close.code in NEVER_SENT:
        return CloseCode.NORMAL_CLOSURE, ""
    return close.code, close.reason
