"""Attacks as scripts: exit code 0 says that it worked, 77 that this kernel has no such thing."""

import contextlib
import functools
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.probes import unprotected

NOT_HERE = 77
# The shell's code for a program that is not there: then nothing was tried.
NOT_FOUND = 127
# Where a learner's own command may run: `shell` terminal, `docker` terminal (root of a user
# namespace), and `outside`: in a `docker` machine, but not in that namespace.
PLACES = ("shell", "docker", "outside")
# The learner of a `docker` machine is root of what is theirs, which is how their engine works.
NAMESPACED = ("shell", "outside")


def block_device() -> tuple[str, str]:
    """Path and number ("254:0") of a block device that this host's root may open; disks first."""
    found = sorted(Path("/dev").iterdir(), key=lambda path: path.name.startswith(("loop", "zram")))
    for path in found:
        if path.is_block_device():
            with contextlib.suppress(OSError), path.open("rb"):
                number = path.stat().st_rdev
                return str(path), f"{os.major(number)}:{os.minor(number)}"
    pytest.exit("This host has no block device that root may open.", returncode=1)


DISK, _DISK_NUMBER = block_device()
_SYSCALL = """exec python3 - <<'PY'
import ctypes, errno, os, platform, struct, sys
numbers = {{"x86_64": {x86}, "aarch64": {arm}}}
call = ctypes.CDLL(None, use_errno=True).syscall
result = call(numbers[platform.machine()], {arguments})
print(result, errno.errorcode.get(ctypes.get_errno()))
sys.exit({verdict})
PY"""


def _syscall(x86: int, arm: int, arguments: str, verdict: str = "result < 0") -> str:
    return _SYSCALL.format(x86=x86, arm=arm, arguments=arguments, verdict=verdict)


@dataclass(frozen=True)
class Attack:
    """A script, and the places where it must fail."""

    script: str
    places: tuple[str, ...] = PLACES


# bpf(BPF_MAP_CREATE) of a small array; perf_event_open of a software clock over all processes.
_BPF = _syscall(321, 280, 'ctypes.c_int(0), struct.pack("6I", 2, 4, 4, 1, 0, 0) + bytes(48), 72')
_PERF = _syscall(
    298, 241, 'struct.pack("IIQ", 1, 112, 0) + bytes(96), -1, ctypes.c_int(0), -1, ctypes.c_long(0)'
)
_KEYS = _syscall(248, 217, 'b"user", b"slipway-probe", b"x", 1, ctypes.c_int(-2)')
# A file that is no module: a kernel that says so was asked in earnest.
_MODULE = _syscall(
    175,
    105,
    'bytes(64), 64, b""',
    f"{NOT_HERE} if ctypes.get_errno() == errno.ENOSYS else ctypes.get_errno() != errno.ENOEXEC",
)
# Handles reach every file of a file system, whatever is mounted where.
_HANDLE = """exec python3 - <<'PY'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
handle = ctypes.create_string_buffer(8 + 128)
handle[0:4] = (128).to_bytes(4, "little")
mount = ctypes.c_int()
if libc.name_to_handle_at(-100, b"/etc/hosts", handle, ctypes.byref(mount), 0):
    sys.exit(2)
sys.exit(libc.open_by_handle_at(os.open("/etc/hosts", os.O_RDONLY), handle, os.O_RDONLY) < 0)
PY"""
_RAW = "exec python3 -c 'import socket as s; s.socket({})'"

# What is written is what was read: harmless where it works.
ATTACKS = {
    "mknod": Attack("mknod /tmp/probe-$$ b 7 0 && rm -f /tmp/probe-$$"),
    "mount": Attack("mkdir -p /tmp/m && mount -t tmpfs none /tmp/m && umount /tmp/m", NAMESPACED),
    "new user namespace": Attack("unshare -U true", ("shell",)),
    "new mount namespace": Attack("unshare -m true", NAMESPACED),
    "new network namespace": Attack("unshare -n true", NAMESPACED),
    "new process namespace": Attack("unshare -pf true", NAMESPACED),
    "namespaces of PID 1": Attack("nsenter -t 1 -m -n -i true"),
    "environment of PID 1": Attack("cat /proc/1/environ >/dev/null"),
    "memory of PID 1": Attack("exec 3</proc/1/mem"),
    "root of PID 1": Attack("ls /proc/1/root/ >/dev/null"),
    "core_pattern": Attack('f=/proc/sys/kernel/core_pattern; v=$(cat $f) && echo "$v" >$f'),
    "sysrq-trigger": Attack(
        f"f=/proc/sysrq-trigger; [ -e $f ] || exit {NOT_HERE}; exec 3>$f",
    ),
    "release_agent": Attack(
        f"""d=/tmp/c-$$; grep -qw freezer /proc/cgroups || exit {NOT_HERE}; mkdir $d || exit 1
        mount -t cgroup -o freezer none $d || exit 1
        f=$d/release_agent; v=$(cat $f) && echo "$v" >$f; code=$?; umount $d; exit $code"""
    ),
    "write to /sys/kernel": Attack(
        f"""f=/sys/kernel/rcu_normal; [ -e $f ] || exit {NOT_HERE}; v=$(cat $f) && echo "$v" >$f"""
    ),
    "sys/kernel by a sysfs of one's own": Attack(
        # A network namespace has a sysfs of its own, which nobody has made read-only.
        """unshare -nm sh -c 'mkdir -p /tmp/s && mount -t sysfs none /tmp/s &&
        f=/tmp/s/kernel/rcu_normal && v=$(cat $f) && echo "$v" >$f'"""
    ),
    "/dev/mem": Attack(
        f"""n=/tmp/mem-$$; mknod $n c 1 1 || exit 1; said=$(head -c 1 $n 2>&1 >/dev/null); code=$?
        rm $n; case $said in *"No such device"*) exit {NOT_HERE};; esac; exit $code"""
    ),
    "disk of the host by number": Attack(
        f"""n=/tmp/disk-$$; mknod $n b {_DISK_NUMBER.replace(":", " ")} || exit 1
        (exec 3<$n); code=$?; rm $n; exit $code"""
    ),
    "disks in /dev": Attack("find /dev -type b | grep -q ."),
    "timers of the kernel": Attack(
        f"[ -e /proc/timer_list ] || exit {NOT_HERE}; grep -q clock /proc/timer_list"
    ),
    "kernel log": Attack("exec 3</dev/kmsg"),
    "write the system": Attack("touch /usr/bin/probe && rm /usr/bin/probe"),
    "host name": Attack("hostname probe"),
    "bpf": Attack(_BPF),
    "perf_event_open": Attack(_PERF),
    "keyctl": Attack(_KEYS),
    "insmod": Attack(_MODULE),
    "open_by_handle_at": Attack(_HANDLE),
    "raw socket": Attack(_RAW.format("s.AF_INET, s.SOCK_RAW, 1"), NAMESPACED),
    "packet socket": Attack(_RAW.format("s.AF_PACKET, s.SOCK_RAW, 0x0300"), NAMESPACED),
}
_OPEN = {
    "CapAdd": ["SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "SYSLOG", "MKNOD",
               "SYS_MODULE", "SYS_RAWIO", "DAC_READ_SEARCH"],
    "DeviceCgroupRules": [f"b {_DISK_NUMBER} r", "c 1:1 r"],
    "CgroupnsMode": "host",
    # Read-only in any container whose engine is not told otherwise.
    "Binds": ["/sys/kernel:/sys/kernel"],
}  # fmt: skip


@functools.cache
def _proofs(image: str) -> dict[str, tuple[int, str]]:
    """What each attack does in an unprotected container of `image`: (exit code, output).

    One container tries them in turn; one each would be slow.
    """
    lines = [
        f"said=$( ( {attack.script}\n) 2>&1 ); echo \"$? {name}|$(tr '\\n' ' ' <<<\"$said\")\""
        for name, attack in ATTACKS.items()
    ]
    said = unprotected("\n".join(lines), image=image, **_OPEN).text
    found: dict[str, tuple[int, str]] = {}
    for line in said.splitlines():
        head, _, words = line.partition("|")
        code, _, name = head.partition(" ")
        found[name] = (int(code), words)
    return found


def prove(name: str, place: str) -> None:
    """The attack works where nothing is protected; else this test shows nothing, and says so.

    `place`: one of PLACES, or "vm" for around a guest.
    """
    code, words = _proofs("docker" if place == "outside" else place)[name]
    if code == NOT_HERE:
        pytest.skip(f"not run: this kernel has nothing for {name!r} to attack")
    assert code == 0, f"the probe itself must work: {words}"
