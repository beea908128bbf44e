"""The machine's own commands, run by `exec`: programs in the guest, further guests, the guest's state.

    guest run [--guest NAME] [--user root|learner] [--env NAME=VALUE]... -- COMMAND...
    guest state | panic | boot
    guests start [COUNT] [--boot] [--budget-mib N] | list | stop [NAME...]

`run` passes on input, outputs and exit code; all others print lines of JSON.
"""

import argparse
import contextlib
import json
import os
import selectors
import socket
import sys

from . import frames
from .frames import FrameReader

SOCKET = "/run/slipway/guests.sock"
NOT_RUN = 125
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _connect(asked: dict[str, object]) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(SOCKET)
    connection.sendall(json.dumps(asked).encode() + b"\n")
    return connection


def _run(options: argparse.Namespace) -> int:
    environment = {"PATH": PATH} | dict(word.partition("=")[::2] for word in options.env)
    asked = {"do": "run", "guest": options.guest, "user": options.user}
    connection = _connect(asked | {"environment": environment, "command": options.command})
    waiting = selectors.DefaultSelector()
    waiting.register(connection, selectors.EVENT_READ)
    # A file as standard input can't be waited for, and never has to be.
    with contextlib.suppress(PermissionError):
        waiting.register(sys.stdin.fileno(), selectors.EVENT_READ)
    cutter = FrameReader()
    while True:
        for key, _ in waiting.select():
            if key.fileobj is connection:
                data = connection.recv(65536)
                if not data:
                    return NOT_RUN
                for frame in cutter.feed(data):
                    if frame.type == frames.EXIT:
                        return frame.payload[0]
                    _write(2 if frame.type == frames.ERRORS else 1, frame.payload)
            else:
                data = os.read(sys.stdin.fileno(), frames.PAYLOAD_LIMIT)
                connection.sendall(frames.encode(frames.INPUT, 0, data))
                if not data:
                    waiting.unregister(key.fileobj)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _ask(asked: dict[str, object]) -> int:
    connection = _connect(asked)
    connection.shutdown(socket.SHUT_WR)
    said = False
    while data := connection.recv(65536):
        said = True
        _write(1, data)
    return 0 if said else 1


def guest(arguments: list[str]) -> int:
    """The command `guest`. Returns the exit code; 125 when nothing could be run."""
    parser = argparse.ArgumentParser(prog="guest")
    what = parser.add_subparsers(dest="do", required=True)
    run = what.add_parser("run")
    run.add_argument("--guest", default="main")
    run.add_argument("--user", choices=["root", "learner"], default="learner")
    run.add_argument("--env", action="append", default=[])
    run.add_argument("command", nargs="+")
    for name in ("state", "panic", "boot"):
        what.add_parser(name)
    options = parser.parse_args(arguments)
    try:
        return _run(options) if options.do == "run" else _ask({"do": options.do})
    except OSError as error:
        sys.stderr.write(f"the machine's supervisor does not answer: {error}\n")
        return NOT_RUN


def guests(arguments: list[str]) -> int:
    """The command `guests`. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="guests")
    what = parser.add_subparsers(dest="do", required=True)
    start = what.add_parser("start")
    start.add_argument("count", type=int, nargs="?", default=1)
    start.add_argument("--boot", action="store_true", help="boot, also where there is a snapshot")
    start.add_argument("--budget-mib", type=int, default=0)
    what.add_parser("list")
    stop = what.add_parser("stop")
    stop.add_argument("names", nargs="*")
    options = parser.parse_args(arguments)
    asked: dict[str, object] = {"do": options.do}
    if options.do == "start":
        budget = options.budget_mib * 1024 * 1024
        asked |= {"count": options.count, "fresh": options.boot, "budget_bytes": budget}
    elif options.do == "stop":
        asked["names"] = options.names
    try:
        return _ask(asked)
    except OSError as error:
        sys.stderr.write(f"the machine's supervisor does not answer: {error}\n")
        return NOT_RUN
