"""Looking into a guest of a `vm` machine through its control port."""

from typing import Any

from sandbox import machines
from sandbox.models import Machine

GUEST = "/usr/local/lib/slipway/guest"
USER = "1000:1000"
# An emulated guest on a busy host is slow to answer.
SECONDS = 20
# The kernel's threads are process 2 and its children; shell, cat and awk are here to count.
COUNT = """\
echo kernel $(uname -r)
echo boot $(cat /proc/sys/kernel/random/boot_id)
cat /proc/[0-9]*/stat | awk '{ n++; if ($1 == 2 || $4 == 2) k++ }
    END { print "processes", n - k - 3; print "kernel_threads", k }'
dmesg | sed -n 's/^\\[ *\\([0-9.]*\\)\\] Run .* as init process.*/kernel_seconds \\1/p'
"""


async def run(
    machine: Machine, guest: str, script: str, *, user: str = "root"
) -> tuple[int | None, str]:
    """Run a shell script in a guest; exit code (None: it never ended) and output."""
    command = [GUEST, "run", f"--guest={guest}", f"--user={user}", "--", "/bin/sh", "-c", script]
    code, out, _err = await machines.exec_collect(
        machine.container_id,
        ["/usr/bin/timeout", "-k", "1", str(SECONDS), *command],
        b"",
        user=USER,
        env={"PATH": machines.PATH},
        wait_seconds=SECONDS + 3,
    )
    return code, out.decode(errors="replace")


async def look(machine: Machine, guest: str) -> dict[str, Any]:
    """kernel, boot, processes, kernel_threads, and kernel_seconds: how long the guest's kernel
    took until it ran init, by its own clock. What could not be read is missing."""
    _code, out = await run(machine, guest, COUNT)
    found: dict[str, Any] = {}
    for line in out.splitlines():
        name, _, value = line.partition(" ")
        if value:
            found[name] = _number(value) if name not in ("kernel", "boot") else value
    return found


def _number(text: str) -> float | int:
    return float(text) if "." in text else int(text)


async def boot_id(machine: Machine, guest: str) -> str | None:
    """The guest's boot id, None when it does not answer."""
    code, out = await run(machine, guest, "cat /proc/sys/kernel/random/boot_id")
    return out.strip() if code == 0 and out.strip() else None


async def panic(machine: Machine, guest: str) -> None:
    """Have the guest's kernel panic (proc(5), sysrq-trigger); its QEMU ends with it.

    The command never comes back from there, so nobody waits for it for long.
    """
    await run(machine, guest, "echo c >/proc/sysrq-trigger")
