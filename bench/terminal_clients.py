"""Blocking clients of web terminals, alike in cost: what differs between two is the server.

Each has `write(bytes)`, `read(timeout_seconds) -> bytes` (b"" when nothing came) and `close()`.
"""

import json
import os
import secrets
import socket
import struct
import time
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

ACK_BYTES = 128 * 1024
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket:
    """The least of RFC 6455 that a terminal needs."""

    def __init__(self, url: str, headers: dict[str, str], subprotocol: str = "") -> None:
        where = urlsplit(url)
        self.socket = socket.create_connection((where.hostname, where.port), 20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = [
            f"GET {where.path or '/'}{'?' + where.query if where.query else ''} HTTP/1.1",
            f"Host: {where.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {b64encode(secrets.token_bytes(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            *([f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []),
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = bytearray()
        while b"\r\n\r\n" not in head:
            part = self.socket.recv(4096)
            if not part:
                raise ConnectionError(bytes(head))
            head += part
        top, _, rest = bytes(head).partition(b"\r\n\r\n")
        if b" 101 " not in top.split(b"\r\n")[0]:
            raise ConnectionError(top.decode("latin-1"))
        self._buffer = bytearray(rest)
        self._space = bytearray(1 << 18)

    def send(self, data: bytes, kind: int = BINARY) -> None:
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", 0x80 | kind, 0x80 | size)
        else:
            head = struct.pack("!BBH", 0x80 | kind, 0x80 | 126, size)
        self.socket.sendall(head + bytes(4) + data)  # masked with zeros: the cheapest mask

    def frames(self, timeout_seconds: float) -> list[tuple[int, bytes]]:
        """Whole frames that came, [] after the time. Raises EOFError when the server closed."""
        if found := self._parse():
            return found
        self.socket.settimeout(timeout_seconds)
        while True:
            try:
                count = self.socket.recv_into(self._space)
            except TimeoutError:
                return []
            if not count:
                raise EOFError
            self._buffer += memoryview(self._space)[:count]
            if found := self._parse():
                return found

    def _parse(self) -> list[tuple[int, bytes]]:
        found = []
        buffer, begin = self._buffer, 0
        while len(buffer) - begin >= 2:
            size, head = buffer[begin + 1] & 127, begin + 2
            if size > 125:
                width = 2 if size == 126 else 8
                size = int.from_bytes(buffer[head : head + width], "big")
                head += width
            if len(buffer) < head + size:
                break
            kind = buffer[begin] & 15
            data = bytes(memoryview(buffer)[head : head + size])
            if kind == CLOSE:
                if found:
                    break  # what came before it is handed over first
                raise EOFError(int.from_bytes(data[:2], "big"))
            begin = head + size
            if kind == PING:
                self.send(data, PONG)
            else:
                found.append((kind, data))
        del buffer[:begin]
        return found

    def close(self) -> None:
        self.socket.close()


class Slipway:
    """Our protocol: binary bytes, acknowledgements. By a token, or by what else `headers` say."""

    def __init__(
        self, url: str, token: str, query: str = "", headers: dict[str, str] | None = None
    ) -> None:
        self.ws = WebSocket(url + query, headers or {"Authorization": f"Bearer {token}"})
        self._unacknowledged = 0
        self.told: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        self.ws.send(data)

    def say(self, message: dict[str, Any]) -> None:
        self.ws.send(json.dumps(message).encode(), TEXT)

    def read(self, timeout_seconds: float = 20) -> bytes:
        frames = self.ws.frames(timeout_seconds)
        out = b"".join(data for kind, data in frames if kind == BINARY)
        self.told += [json.loads(data) for kind, data in frames if kind == TEXT]
        self._unacknowledged += len(out)
        if self._unacknowledged >= ACK_BYTES:
            self.ws.send(b'{"ack":%d}' % self._unacknowledged, TEXT)
            self._unacknowledged = 0
        return out

    def close(self) -> None:
        self.ws.close()


class Ttyd:
    """ttyd's protocol: the first byte of a frame says what it is."""

    def __init__(self, url: str) -> None:
        self.ws = WebSocket(url, {}, "tty")
        self.ws.send(b'{"AuthToken":"","columns":80,"rows":24}')

    def write(self, data: bytes) -> None:
        self.ws.send(b"0" + data)

    def read(self, timeout_seconds: float = 20) -> bytes:
        frames = self.ws.frames(timeout_seconds)
        return b"".join(data[1:] for _, data in frames if data[:1] == b"0")

    def close(self) -> None:
        self.ws.close()


class Terminado:
    """terminado's protocol: JSON lists."""

    def __init__(self, url: str) -> None:
        self.ws = WebSocket(url, {})
        self.ws.send(b'["set_size",24,80,480,640]', TEXT)

    def write(self, data: bytes) -> None:
        self.ws.send(json.dumps(["stdin", data.decode()]).encode(), TEXT)

    def read(self, timeout_seconds: float = 20) -> bytes:
        messages = [json.loads(data) for _, data in self.ws.frames(timeout_seconds)]
        return "".join(m[1] for m in messages if m[0] == "stdout").encode()

    def close(self) -> None:
        self.ws.close()


class EngineSocket:
    """A container's main terminal on the engine's own socket: the limit."""

    def __init__(self, container_id: str) -> None:
        path = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        query = "stream=1&stdin=1&stdout=1&stderr=1"
        self.socket.sendall(
            f"POST /containers/{container_id}/attach?{query} HTTP/1.1\r\nHost: engine\r\n"
            "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(4096)
        self._rest = head.partition(b"\r\n\r\n")[2]
        self._space = bytearray(1 << 18)

    def write(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self, timeout_seconds: float = 20) -> bytes:
        if self._rest:
            rest, self._rest = self._rest, b""
            return rest
        self.socket.settimeout(timeout_seconds)
        try:
            count = self.socket.recv_into(self._space)
        except TimeoutError:
            return b""
        if not count:
            raise EOFError
        return bytes(memoryview(self._space)[:count])

    def close(self) -> None:
        self.socket.close()


def until(client: Any, mark: bytes, seconds: float = 30) -> bytes:
    """Read until `mark` came; returns all that was read. Raises TimeoutError."""
    seen, end = b"", time.perf_counter() + seconds
    while mark not in seen:
        seen = seen[-1_000_000:] + client.read(max(0.01, end - time.perf_counter()))
        if time.perf_counter() > end:
            raise TimeoutError(f"no {mark!r} in {seen[-300:]!r}")
    return seen


def synchronise(client: Any) -> None:
    """Wait until the shell has answered and is silent, whatever its prompt is."""
    tag = secrets.token_hex(4)
    client.write(f"echo sync'ed'-{tag}\r".encode())
    until(client, f"synced-{tag}".encode())
    while client.read(0.15):
        pass


def count_until(client: Any, mark: bytes, seconds: float = 120) -> int:
    """Bytes read until `mark` came."""
    total, tail, end = 0, b"", time.perf_counter() + seconds
    while mark not in tail:
        data = client.read(10)
        total += len(data)
        tail = tail[-100:] + data
        if time.perf_counter() > end:
            raise TimeoutError(tail[-300:])
    return total
