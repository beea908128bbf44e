"""Sentences that a worker writes for whoever will read them, and their way into a language.

A worker does not know who reads: what it keeps and sends is English. `said` puts such a sentence
into the reader's language, on pages that are made here; in the browser static/js/words.js does the
same, by the templates that the page's words come with (`TEMPLATES`, under the context "said").
"""

import re
from collections.abc import Iterator
from functools import cache

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from sandbox.errors import SandboxError

PLACE = re.compile(r"%\((\w+)\)s")

# How a value of a machine was taken (`sandbox/measure.py`).
HOW_ENGINE = _("the engine's own description")
HOW_HOST_BOOT = _("boot_id in /proc of the worker's host")
HOW_CGROUP = _(
    "the engine's reading of the machine's control group, without page cache that can be dropped"
)
HOW_CGROUP_LIMIT = _("the control group's own limit")
HOW_CGROUP_THREADS = _("the control group's count, threads included")
HOW_FIRST_PID = _("the engine's number of the first process")
HOW_PSS = _(
    "the sum of Pss over its processes (/proc/PID/smaps_rollup): a page that several processes "
    "share counts by their share; kernel memory and files in tmpfs are not in it"
)
HOW_PSS_MISSING = _("%(how)s; %(count)s processes could not be read and are missing")
HOW_PSS_GUEST = _(
    "Pss of the QEMU process (/proc/PID/smaps_rollup): the guest's memory as far as the guest "
    "has touched it, and QEMU itself"
)
HOW_START = _(
    "from the engine's Created to StartedAt, and from there to the start of the first shell, "
    "by the kernel's start times of the two processes (steps of 10 ms)"
)
HOW_NO_START = _("the first shell is gone, so nothing to read")
HOW_GUEST_START = _(
    "from the start of QEMU to the first prompt on the guest's serial console; %(how)s"
)
BOOTED, RESTORED = _("booted"), _("restored")
HOW_IDLE = _("processor time of the control group over one second, as a share of one processor")
HOW_INSIDE = _("counted in /proc of the machine; what was started to count is left out")
HOW_IN_GUEST = _("counted in /proc of the guest, without its kernel's own threads")
HOW_OUTSIDE = _("counted by the host's kernel (the engine's “top”): %(names)s")
HOW_KERNEL_THREADS = _("process 2 and its children")
HOW_GUEST_PID = _("QEMU, as the host counts it")
HOW_LAYER = _("the container's own writable layer; the image below it is shared and not counted")
HOW_DATA = _("its own layer, its engine's data volume and deleted files still held open")
HOW_ASKED = _("read on the machine itself: %(what)s")
HOW_ASKED_GUEST = _("read in the guest: %(what)s")
HOW_ACCELERATOR = _("what QEMU was started with")

# How a value of what a race or a density run started was taken (`sandbox/contenders.py`).
OF_CONTAINER = {
    "seconds": _("from the call that creates the container to the first byte of its shell"),
    "memory_bytes": _("Pss summed over its processes (/proc/PID/smaps_rollup)"),
    "disk_bytes": _("its own writable layer; the image is shared and not counted"),
    "processes": _("counted in the container's /proc"),
    "processes_outside": _("counted by the learner's engine (its “top”)"),
    "kernel": _("uname -r in the container"),
    "boot": _("boot_id in the container's /proc"),
}
OF_GUEST = {
    "seconds": _("from the start of QEMU to the first prompt, counted around the guest"),
    "memory_bytes": _("Pss of the QEMU process (/proc/PID/smaps_rollup)"),
    "disk_bytes": _("it has no disk: its file system came with the kernel and is in its memory"),
    "processes": _("counted in the guest's /proc, without the kernel's own threads"),
    "processes_outside": _("the QEMU process: a guest's own processes can't be seen from outside"),
    "kernel": _("uname -r in the guest"),
    "boot": _("boot_id in the guest's /proc"),
}
HOW_ALIVE = _("asked for its boot id, which only something that still runs can answer")
HOW_COUNT = _("started until: %(why)s")
HOW_EACH = _("growth of the machine's control group, divided by how many were started")

# What ended a side of the density lab, or a start (`sandbox/density.py`, `contenders.py`).
OVER_BUDGET = _("the next one would not fit into the budget of %(mib)s MiB")
OVER_MEMORY = _("the machine's own memory limit of %(mib)s MiB is reached")
OVER_PROCESSES = _("the machine's limit of %(count)s processes is reached")
OVER_TIME = _("the host is busy, and %(seconds)s s are over")
OVER_MOST = _("this lab stops at %(count)s")
NO_ROOM = _("the next one would take %(needed)s MiB, and %(free)s MiB are left in the machine")
NO_PROMPT = _("it gave no prompt in time")
NONE_FITTED, RESET_THEN = _("Not one fitted: %(why)s"), _("Reset, then try again.")
NOT_STARTED = _("The %(side)s on %(machine)s did not start: %(why)s")
RACE_AGAIN = _("Race again, or Reset for fresh machines.")
NOT_ALL_THERE = _("Not everybody was there to begin with: %(names)s.")
TRY_AGAIN = _("Try again.")

# What a machine is not, or was ended by.
NOT_DELEGATED = _(
    "This host does not delegate control groups: --memory, --cpus and stats are ignored."
)
SNAPSHOT_BOOT = _(
    "Restored from a snapshot of this host: its boot id is that of the snapshot's boot."
)
NO_PROMPT_IN = _("A machine gave no prompt within %(seconds)s seconds.")
NOT_UP = _("A machine did not come up: %(why)s.")
OVER_DISK = _(
    "The machine %(machine)s took more than its %(mib)s MiB of disk or %(files)s files, so it was"
    " ended."
)

# Why Start is off (`sandbox/hosts.py`).
NO_WORKER = _("No worker answers.")
LOOK_AT_WORKER = _("Whoever runs this site should look at the worker's log. Text and quizzes work.")
DISK_FULL = _("The disk of the machines' host is %(percent)s %% full.")
IMAGES_MISSING = _("Machine images are missing: %(names)s.")
BUILD_IMAGES = _("Run ./start, or python -m sandbox.images.build, on the engine's host.")


def _texts() -> Iterator[str]:
    for value in list(globals().values()):
        if isinstance(value, dict) and value in (OF_CONTAINER, OF_GUEST):
            yield from value.values()
    for name, value in list(globals().items()):
        if name.isupper() and isinstance(value, str):
            yield value
    yield from _of_errors(SandboxError)


def _of_errors(family: type[SandboxError]) -> Iterator[str]:
    """A failed start keeps its error's words."""
    for text in (family.message, family.hint):
        if text:
            yield text
    for each in family.__subclasses__():
        yield from _of_errors(each)


@cache
def templates() -> tuple[str, ...]:
    """Every sentence that workers write, in English, with its places."""
    return tuple(dict.fromkeys(_texts()))


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Those with places, and what recognises each."""
    found = []
    for text in templates():
        if PLACE.search(text):
            pieces = PLACE.split(text.replace("%%", "%"))
            pattern = "".join(
                f"(?P<{piece}>.+?)" if at % 2 else re.escape(piece)
                for at, piece in enumerate(pieces)
            )
            found.append((re.compile(pattern, re.DOTALL), text))
    return tuple(found)


def said(text: str) -> str:
    """A sentence that a worker wrote, in the reader's language; as it is if it is none of them."""
    if not text or text in templates():
        return gettext(text) if text else ""
    for pattern, template in _patterns():
        if match := pattern.fullmatch(text):
            return gettext(template) % {k: said(v) for k, v in match.groupdict().items()}
    return gettext(text)
