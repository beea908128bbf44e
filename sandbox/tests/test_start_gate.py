"""The gate in front of Starts: few at a time, in order, and nobody else waits."""

import asyncio
from typing import Any

import pytest

from sandbox import start_gate
from sandbox.start_gate import (
    AT_ONCE,
    BODY_LIMIT_BYTES,
    OPENING_AT_ONCE,
    PAGE_SECONDS,
    StartGate,
)

START = {"type": "http", "method": "POST", "path": "/api/v1/sandboxes"}


class Inside:
    """The application behind the gate: counts who is in, and lets them out when told."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.bodies: list[bytes] = []
        self.now = self.most = 0
        self.out = asyncio.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.order.append(scope.get("name", ""))
        self.now += 1
        self.most = max(self.most, self.now)
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        self.bodies.append(body)
        await self.out.wait()
        self.now -= 1


def sending(*parts: bytes) -> Any:
    """A client's body, which ends with its last part."""
    messages = [
        {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
        for number, part in enumerate(parts)
    ]
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        for message in waiting:
            return message
        return {"type": "http.disconnect"}

    return receive


async def nothing(_: Any) -> None:
    return None


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_few_starts_are_inside_at_a_time_and_all_come_in_order() -> None:
    inside = Inside()
    gate = StartGate(inside)
    class_ = [
        asyncio.create_task(gate(START | {"name": str(n)}, sending(b"{", b"}"), nothing))
        for n in range(10)
    ]
    await settle()
    assert inside.now == AT_ONCE
    inside.out.set()
    await asyncio.gather(*class_)
    assert inside.order == [str(n) for n in range(10)]
    assert inside.most == AT_ONCE
    assert inside.bodies == [b"{}"] * 10


async def test_pages_and_other_calls_pass_a_full_gate() -> None:
    inside = Inside()
    gate = StartGate(inside)
    starts = [asyncio.create_task(gate(START, sending(b""), nothing)) for _ in range(5)]
    others = [
        START | {"method": "GET", "name": "page"},
        START | {"path": "/api/v1/sandboxes/x/extend", "name": "extend"},
        {"type": "lifespan", "name": "lifespan"},
    ]
    calls = [asyncio.create_task(gate(scope, sending(b""), nothing)) for scope in others]
    await settle()
    assert {"page", "extend", "lifespan"} <= set(inside.order)
    inside.out.set()
    await asyncio.gather(*starts, *calls)


async def test_who_sends_slowly_or_too_much_or_leaves_keeps_nobody_waiting() -> None:
    inside = Inside()
    gate = StartGate(inside)

    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    slow = [asyncio.create_task(gate(START, never, nothing)) for _ in range(10)]
    large = sending(b"x" * (BODY_LIMIT_BYTES + 1), b"y")
    many = [asyncio.create_task(gate(START | {"name": "large"}, large, nothing))]
    many += [asyncio.create_task(gate(START, sending(), nothing)) for _ in range(5)]
    await settle()
    honest = asyncio.create_task(gate(START | {"name": "honest"}, sending(b"{}"), nothing))
    await settle()
    assert "honest" in inside.order
    inside.out.set()
    await asyncio.gather(honest, *many)
    assert b"x" * (BODY_LIMIT_BYTES + 1) + b"y" in inside.bodies, "nothing of it is lost"
    for task in slow:
        task.cancel()


async def test_a_fault_inside_gives_the_place_back() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError

    gate = StartGate(broken)
    outcomes = await asyncio.gather(
        *(gate(START, sending(b""), nothing) for _ in range(2 * AT_ONCE)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [ValueError] * (2 * AT_ONCE)


PAGE = START | {"method": "GET", "name": "page"}


async def test_a_page_that_is_being_made_goes_before_the_next_start() -> None:
    """Each Start finds a page on its way, and comes after it."""
    order: list[str] = []

    async def working(scope: dict[str, Any], receive: Any, send: Any) -> None:
        order.append(scope["name"])
        await asyncio.sleep(0.001)
        order.append(f"{scope['name']} done")

    gate = StartGate(working)
    for _ in range(5):
        page = asyncio.create_task(gate(PAGE, sending(b""), nothing))
        await asyncio.sleep(0)
        await asyncio.gather(page, gate(START | {"name": "start"}, sending(b""), nothing))
    assert order == ["page", "page done", "start", "start done"] * 5


async def test_a_call_that_waits_for_a_machine_holds_no_start_up() -> None:
    inside = Inside()
    gate = StartGate(inside)
    waiting = asyncio.create_task(gate(PAGE | {"name": "check"}, sending(b""), nothing))
    await asyncio.sleep(2 * PAGE_SECONDS)
    start = asyncio.create_task(gate(START | {"name": "start"}, sending(b""), nothing))
    await settle()
    assert inside.order == ["check", "start"]
    inside.out.set()
    await asyncio.gather(waiting, start)


async def test_pages_without_end_hold_no_start_up_for_ever() -> None:
    inside = Inside()
    gate = StartGate(inside)
    pages = [asyncio.create_task(gate(PAGE, sending(b""), nothing))]
    await settle()
    start = asyncio.create_task(gate(START | {"name": "start"}, sending(b""), nothing))
    await settle()
    assert "start" not in inside.order
    for _ in range(200):
        pages.append(asyncio.create_task(gate(PAGE, sending(b""), nothing)))
        if "start" in inside.order:
            break
        await asyncio.sleep(PAGE_SECONDS / 10)
    assert "start" in inside.order
    inside.out.set()
    await asyncio.gather(start, *pages)


WATCHER = {"type": "websocket", "path": "/ws/sandboxes/x/events"}


class Sockets:
    """The sockets' application: who has come, in order."""

    def __init__(self) -> None:
        self.order: list[str] = []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.order.append(scope["path"].rpartition("/")[2])


async def test_watchers_come_after_those_who_have_no_answer_and_terminals_do_not() -> None:
    inside, sockets = Inside(), Sockets()
    gate = StartGate(inside)
    opened = gate.before(sockets)
    starts = [asyncio.create_task(gate(START, sending(b"{}"), nothing)) for _ in range(AT_ONCE + 1)]
    await settle()
    watcher = asyncio.create_task(opened(WATCHER, nothing, nothing))
    await settle()
    await opened(
        WATCHER | {"path": "/ws/sandboxes/x/machines/box/terminals/main"}, nothing, nothing
    )
    assert sockets.order == ["main"]
    inside.out.set()
    await asyncio.gather(*starts, watcher)
    assert sockets.order == ["main", "events"]
    await opened(WATCHER, nothing, nothing)
    assert sockets.order == ["main", "events", "events"]


async def test_a_start_that_takes_long_keeps_no_watcher_for_ever() -> None:
    inside, sockets = Inside(), Sockets()
    gate = StartGate(inside)
    starts = [asyncio.create_task(gate(START, sending(b"{}"), nothing)) for _ in range(AT_ONCE + 1)]
    await settle()
    await asyncio.wait_for(gate.before(sockets)(WATCHER, nothing, nothing), 30)
    assert sockets.order == ["events"]
    inside.out.set()
    await asyncio.gather(*starts)
    assert gate._no_line.is_set()


async def test_a_watcher_comes_at_once_where_no_start_stands_in_line() -> None:
    inside, sockets = Inside(), Sockets()
    gate = StartGate(inside)
    start = asyncio.create_task(gate(START, sending(b"{}"), nothing))
    await settle()
    await gate.before(sockets)(WATCHER, nothing, nothing)
    assert (sockets.order, inside.now) == (["events"], 1)
    inside.out.set()
    await start


async def test_watchers_open_few_at_a_time_and_behind_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(start_gate, "PAGE_SECONDS", 30)
    monkeypatch.setattr(start_gate, "OPENING_SECONDS", 30)
    opening, most = 0, 0
    may_say = asyncio.Event()

    async def sockets(scope: dict[str, Any], receive: Any, send: Any) -> None:
        nonlocal opening, most
        opening += 1
        most = max(most, opening)
        await send({"type": "websocket.accept"})
        await may_say.wait()
        opening -= 1
        await send({"type": "websocket.send", "text": "the state"})
        await asyncio.Event().wait()  # an open socket keeps nobody waiting

    inside = Inside()
    gate = StartGate(inside)
    page = asyncio.create_task(gate(PAGE, sending(b""), nothing))
    await settle()
    watchers = [
        asyncio.create_task(gate.before(sockets)(WATCHER, nothing, nothing)) for _ in range(9)
    ]
    await settle()
    assert opening == 0, "the page goes first"
    inside.out.set()
    await page
    await settle()
    assert opening == OPENING_AT_ONCE
    may_say.set()
    while most < OPENING_AT_ONCE or gate._opening.locked() or opening:
        await asyncio.sleep(0.01)
    assert most == OPENING_AT_ONCE
    for watcher in watchers:
        watcher.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)


async def test_sockets_that_open_slowly_or_leave_keep_no_watcher_for_ever() -> None:
    came = 0

    async def sockets(scope: dict[str, Any], receive: Any, send: Any) -> None:
        nonlocal came
        came += 1
        if came % 2:
            raise OSError
        await asyncio.Event().wait()

    opened = StartGate(Inside()).before(sockets)
    watchers = [asyncio.create_task(opened(WATCHER, nothing, nothing)) for _ in range(12)]
    async with asyncio.timeout(30):
        while came < 12:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    for watcher in watchers:
        watcher.cancel()
    ends = await asyncio.gather(*watchers, return_exceptions=True)
    assert [type(end) for end in ends].count(OSError) == 6
