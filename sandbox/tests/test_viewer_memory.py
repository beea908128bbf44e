"""What viewers cost the process in which they are served."""

import asyncio
import tracemalloc

from sandbox.tests.test_terminal import WINDOW, Setup, settle

MIB = 1024 * 1024


async def test_a_viewer_that_crawls_costs_no_memory_however_much_is_printed() -> None:
    """32 MiB, as fast as another viewer reads them; `bench.terminal` does it with 2 GB."""
    setup = Setup()
    read = 0

    async def fast(data: bytes | str) -> None:
        nonlocal read
        if isinstance(data, bytes):
            read += len(data)
            reader.acknowledge(len(data))

    async def crawl(data: bytes | str) -> None:
        if isinstance(data, bytes):
            await asyncio.sleep(len(data) / 50_000)

    reader = await setup.terminal.view(fast, None, WINDOW)
    crawler = await setup.terminal.view(crawl, None, WINDOW)
    setup.tasks += [
        asyncio.create_task(viewer.follow(setup.terminal)) for viewer in (reader, crawler)
    ]
    printed, chunk = 0, b"all work and no play\r\n" * 1489
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    while printed < 32 * MIB:
        setup.machine.on_data(bytes(chunk))
        printed += len(chunk)
        await asyncio.sleep(0)
        while setup.machine.paused:
            await asyncio.sleep(0)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most - before < 8 * MIB
    await settle()
    assert read == printed
    assert crawler.position < printed
