"""A TCP forwarder that loses the network between a browser and the site."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

READ_BYTES = 64 * 1024


class Forwarder:
    """Hands on what comes to `port` to another port of this computer, unless it is stalled."""

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self._to_port = to_port
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._ends: set[asyncio.StreamWriter] = set()

    async def begin(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    def stall(self) -> None:
        """From now on nothing comes through, and nobody is told."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def drop(self) -> None:
        """Reset all connections; new ones come through."""

        def now() -> None:
            for end in self._ends:
                end.transport.abort()
            self._flows.set()

        self._loop.call_soon_threadsafe(now)

    async def end(self) -> None:
        work = asyncio.all_tasks() - {asyncio.current_task()}
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flows.wait()
        there, back = await asyncio.open_connection("127.0.0.1", self._to_port)
        both = {writer, back}
        self._ends |= both
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        self._ends -= both

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_BYTES):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@contextlib.contextmanager
def forwarder(to_port: int) -> Iterator[Forwarder]:
    """A running one; its thread ends afterwards."""
    made = Forwarder(to_port)
    loop = made._loop
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(made.begin(), loop).result(5)
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(made.end(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
