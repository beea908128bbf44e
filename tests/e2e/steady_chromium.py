#!/usr/bin/env python3
"""Chromium that does not watch the computer's network interfaces.

Each machine that any test starts is an interface, and at each that comes or goes Chromium drops
what it is loading (ERR_NETWORK_CHANGED), in whatever test it is. It has no switch for that. It
learns of interfaces over a netlink socket; without one it takes the network for steady. A system
call filter (Linux: Documentation/userspace-api/seccomp_filter.rst) refuses it that socket.
"""

import ctypes
import errno
import os
import platform
import shutil
import struct
import sys

SOCKET_CALLS = {"x86_64": 41, "aarch64": 198}
AF_NETLINK, NETLINK_ROUTE = 16, 0
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
# struct seccomp_data: the call's number, then its arguments of 8 bytes each.
NUMBER, DOMAIN, PROTOCOL = 0, 16, 32
LOAD, EQUAL, ANSWER = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EAFNOSUPPORT


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def refuse_netlink(socket_call: int) -> None:
    """Refuse this process, and all it starts, sockets that tell of network interfaces."""
    steps = [
        (LOAD, 0, 0, NUMBER), (EQUAL, 0, 5, socket_call),
        (LOAD, 0, 0, DOMAIN), (EQUAL, 0, 3, AF_NETLINK),
        (LOAD, 0, 0, PROTOCOL), (EQUAL, 0, 1, NETLINK_ROUTE),
        (ANSWER, 0, 0, REFUSE), (ANSWER, 0, 0, ALLOW),
    ]  # fmt: skip
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    program = _Program(len(steps), code)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    asked = [
        (PR_SET_NO_NEW_PRIVS, 1, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program)),
    ]
    for option, first, second in asked:
        if prctl(option, first, second, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("Chromium is missing.")
    if (call := SOCKET_CALLS.get(platform.machine())) is not None:
        refuse_netlink(call)
    os.execv(chromium, [chromium, *sys.argv[1:]])
