"""Commands as events: what ran, how it ended, and no more of them than people can use."""

from typing import Any

from sandbox.markers import CommandEnded, CommandLine, CommandStarted
from sandbox.shell_marks import BURST, CommandWatch


def test_a_command_is_told_with_its_line_and_exit() -> None:
    told: list[dict[str, Any]] = []
    watch = CommandWatch(told.append)
    for marker in (CommandStarted(), CommandLine("make test"), CommandEnded(2)):
        watch.feed(marker)
    assert told[0] | {"seconds": 0} == {"command": "make test", "exit": 2, "seconds": 0}
    assert 0 <= told[0]["seconds"] < 5


def test_an_end_without_a_beginning_is_none() -> None:
    told: list[dict[str, Any]] = []
    CommandWatch(told.append).feed(CommandEnded(0))
    assert told == []


def test_a_line_belongs_to_one_command() -> None:
    told: list[dict[str, Any]] = []
    watch = CommandWatch(told.append)
    watch.feed(CommandStarted())
    watch.feed(CommandLine("first"))
    watch.feed(CommandEnded(0))
    watch.feed(CommandStarted())
    watch.feed(CommandEnded(1))
    assert [event["command"] for event in told] == ["first", ""]


def test_a_script_that_prints_marks_is_not_passed_on_without_end() -> None:
    told: list[dict[str, Any]] = []
    watch = CommandWatch(told.append)
    for _ in range(10 * BURST):
        watch.feed(CommandStarted())
        watch.feed(CommandEnded(0))
    assert BURST <= len(told) < 2 * BURST
