"""The operator's egress proxy: HTTP and CONNECT to a list of hosts, to nothing else.

Runs in a container of its own, on a Unix socket that machines of one kind have as a file, so
that they need no network for it (`sandbox/egress.py`). Standard library only, one file: its
text is what the container runs.

`python3 egress_proxy.py '{"socket": PATH, "allowed": [[HOST, PORT, ADDRESS or null], …]}'`

A name is looked up here, never in the machine; its address is checked, and that same address
is connected to, so that a name server can't lead to the host, its networks or a metadata
service. An address that the operator wrote down is taken as it is.
Source: RFC 9110, "CONNECT"; RFC 9112, "absolute-form"; RFC 6890 for special addresses.
"""

import asyncio
import contextlib
import ipaddress
import json
import os
import socket
import sys

HEAD_LIMIT_BYTES = 16 * 1024
CHUNK_BYTES = 32 * 1024
HEAD_SECONDS = 15
CONNECT_SECONDS = 10
IDLE_SECONDS = 120
CONNECTIONS = 256
# Of one connection between client and proxy, not of the request (RFC 9110, section 7.6.1).
HOP_BY_HOP = ("connection", "proxy-connection", "proxy-authorization", "keep-alive", "te")
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Refused(Exception):
    """A request that is not passed on: status, and words for the learner."""

    def __init__(self, status: str, words: str) -> None:
        super().__init__(words)
        self.status = status


def is_public(text: str) -> bool:
    """Whether an address is one of the open internet, also when it wraps an IPv4 one."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if address.teredo:
            return False
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast


def split_authority(text: str, default_port: int | None) -> tuple[str, int]:
    """Host (lower case, no brackets) and port. Raises Refused."""
    host, colon, port = text.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = text, ""
    host = host.strip("[]").rstrip(".").lower()
    number = int(port) if port.isascii() and port.isdigit() else default_port
    if not host or number is None or "@" in host or any(c.isspace() for c in host):
        raise Refused("400 Bad Request", "The request names no host and port.")
    return host, number


class Request:
    """The head of a request to a proxy. Raises Refused for one that is none."""

    def __init__(self, head: bytes) -> None:
        first, *self.fields = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        method, _, rest = first.partition(" ")
        target, _, version = rest.rpartition(" ")
        if not method.isalpha() or version not in ("HTTP/1.1", "HTTP/1.0") or "\n" in first:
            raise Refused("400 Bad Request", "This is not a request to a proxy.")
        self.is_tunnel = method == "CONNECT"
        if self.is_tunnel:
            self.host, self.port = split_authority(target, None)
            return
        if not target.lower().startswith("http://"):
            raise Refused("400 Bad Request", "This is a proxy. It takes http:// and CONNECT.")
        authority, slash, path = target[len("http://") :].partition("/")
        self.host, self.port = split_authority(authority, 80)
        self.line = f"{method} {slash or '/'}{path} HTTP/1.1"
        self.authority = authority

    def head(self) -> bytes:
        """What the server gets: its own form of the request, for one request only."""
        kept = [self.line, f"Host: {self.authority}"]
        for field in self.fields:
            name = field.partition(":")[0]
            # White space before the colon or a folded line is read differently by different servers.
            if not name or name != name.strip() or "\n" in field:
                raise Refused("400 Bad Request", "A header is not valid.")
            if name.lower() not in (*HOP_BY_HOP, "host"):
                kept.append(field)
        return "\r\n".join([*kept, "Connection: close", "", ""]).encode("latin-1")


class Proxy:
    """Answers on a Unix socket. `allowed`: the address or None (look it up) by (host, port)."""

    def __init__(self, allowed: dict[tuple[str, int], str | None]) -> None:
        self.allowed = allowed
        self.open = 0

    async def serve(self, path: str) -> asyncio.Server:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        server = await asyncio.start_unix_server(self.answer, path, limit=HEAD_LIMIT_BYTES)
        # The machines' users are others than this process's.
        os.chmod(path, 0o666)  # noqa: S103  a socket; who may be here is decided by the mount
        return server

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection, from its request to the end of the answer."""
        self.open += 1
        try:
            # Beyond that not even a refusal: each costs memory.
            if self.open <= 2 * CONNECTIONS:
                await self._pass_on(reader, writer)
        except Refused as refusal:
            body = f"{refusal}\n".encode()
            head = f"HTTP/1.1 {refusal.status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            length = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write((head + length).encode() + body)
            with contextlib.suppress(OSError):
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the client left, or said nothing in time
        finally:
            self.open -= 1
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                request = Request(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.LimitOverrunError:
            raise Refused("431 Request Header Fields Too Large", "The head is too long.") from None
        # Only now: a refusal is lost on its way when what was asked lies there unread.
        if self.open > CONNECTIONS:
            raise Refused("503 Service Unavailable", "The proxy is busy. Try again.")
        # Before the connection: a bad request must not reach anybody.
        head = b"" if request.is_tunnel else request.head()
        far_reader, far_writer = await self._connect(request.host, request.port)
        try:
            if request.is_tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            far_writer.write(head)
            await _relay(reader, far_writer, far_reader, writer)
        finally:
            far_writer.close()

    async def _connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if (host, port) not in self.allowed:
            print(f"refused {host[:200]!r} port {port}", flush=True)  # noqa: T201  the engine's log
            listed = ", ".join(f"{name}:{number}" for name, number in self.allowed)
            raise Refused("403 Forbidden", f"{host}:{port} is not allowed here. Allowed: {listed}.")
        pinned = self.allowed[host, port]
        for address in [pinned] if pinned else await self._public_addresses(host, port):
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(address, port)
        raise Refused("502 Bad Gateway", f"{host}:{port} can't be reached from here.")

    async def _public_addresses(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError, UnicodeError):
            raise Refused("502 Bad Gateway", f"The name {host} is not known here.") from None
        public = [str(entry[4][0]) for entry in found if is_public(str(entry[4][0]))]
        if not public:
            print(f"{host[:200]!r} leads to no public address", flush=True)  # noqa: T201
            raise Refused("403 Forbidden", f"{host} leads to no public address.")
        return public


async def _relay(
    near: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
    far: asyncio.StreamReader,
    near_writer: asyncio.StreamWriter,
) -> None:
    """Both directions until the server's end, or until neither has said anything for long."""
    loop = asyncio.get_running_loop()
    heard_at = loop.time()

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        nonlocal heard_at
        while data := await source.read(CHUNK_BYTES):
            heard_at = loop.time()
            target.write(data)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()

    up = asyncio.create_task(copy(near, far_writer))
    down = asyncio.create_task(copy(far, near_writer))
    try:
        while not down.done() and loop.time() - heard_at < IDLE_SECONDS:
            waiting = {down} if up.done() else {down, up}
            left = heard_at + IDLE_SECONDS - loop.time()
            await asyncio.wait(waiting, timeout=max(left, 0), return_when="FIRST_COMPLETED")
    finally:
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)


async def main(configuration: str) -> None:
    wanted = json.loads(configuration)
    allowed = {(host, port): address for host, port, address in wanted["allowed"]}
    server = await Proxy(allowed).serve(wanted["socket"])
    print("listening", flush=True)  # noqa: T201  whoever started this reads it
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
