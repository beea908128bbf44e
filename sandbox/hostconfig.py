"""What each kind of machine is created with: the whole isolation, in one place.

The bodies are plain engine API objects, because the SDK has no argument for masked paths.
`sandbox/images/README.md` says why the images need each of these.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from sandbox import egress, egress_keeper
from sandbox.images import seed_volume
from sandbox.kvm import DEVICE
from sandbox.specs import KindLimits, limits_of

LEARNER = "1000:1000"
MIB = 1024 * 1024
_TMPFS = "rw,nosuid,nodev"
DATA_ROOT = "/home/learner/.local/share/docker"
SECCOMP_DOCKER = Path(__file__).parent / "images" / "docker" / "seccomp.json"
SNAPSHOTS = "/snapshots"
# Two tries of a cold boot that hangs, on a busy host that emulates.
GUEST_SECONDS = {"small": 500, "full": 1300}
# After every extension is used up, PID 1 ends the machine by itself this much later.
DEADLINE_GRACE_SECONDS = 600


@dataclass(frozen=True)
class GuestWish:
    """What a `vm` machine runs: size, login, how ("kvm", "tcg" is emulation).

    `kvm_group`: the number of the group that may use the host's /dev/kvm. `snapshots`: a
    volume with this host's snapshots, empty for none.
    """

    size: str = "small"
    login: str = "auto"
    accelerator: str = "tcg"
    kvm_group: int | None = None
    snapshots: str = ""

    def environment(self) -> list[str]:
        """For the machine's supervisor and PID 1."""
        return [
            f"SLIPWAY_GUEST={self.size}",
            f"SLIPWAY_LOGIN={self.login}",
            f"SLIPWAY_ACCELERATOR={self.accelerator}",
            f"SLIPWAY_SERVICE_SECONDS={GUEST_SECONDS[self.size]}",
        ]


def container_body(
    kind: str,
    machine: str,
    labels: dict[str, str],
    *,
    network: str | None,
    data_volume: str,
    deadline_seconds: int | None = None,
    neighbours: tuple[str, ...] = (),
    guest: GuestWish | None = None,
) -> dict[str, Any]:
    """The create call for one machine of `kind`, named `machine` inside.

    `network`: name of the sandbox's own network, None for none.
    `deadline_seconds`: the machine ends by itself after so long; None: `longest_life_seconds()`.
    `data_volume`: volume of the inner engine's data (kind `docker` only).
    `neighbours`: names of the sandbox's other machines, which no egress proxy is asked for.
    `guest`: what runs in a machine of kind `vm`, None for an emulated small guest.
    """
    limits = limits_of(kind)
    host = _common_host_config(limits) | {"NetworkMode": network or "none"}
    guest = guest or GuestWish()
    if kind == "vm":
        own = _vm_host_config(guest)
    else:
        own = _shell_host_config() if kind == "shell" else _docker_host_config(data_volume)
    host |= own | {"Tmpfs": host["Tmpfs"] | own["Tmpfs"]}
    if outside := egress_keeper.mount(kind):
        host["Mounts"] = [*host.get("Mounts", []), *outside]
    return {
        "Image": limits.image,
        "Hostname": machine,
        "User": LEARNER,
        "Tty": True,
        "OpenStdin": True,
        "StdinOnce": False,
        "Env": [
            f"SLIPWAY_DEADLINE_SECONDS={deadline_seconds or longest_life_seconds()}",
            f"LAB_MACHINE={machine}",
            *egress.environment(kind, neighbours),
            *(guest.environment() if kind == "vm" else []),
        ],
        "Labels": labels,
        "HostConfig": host,
        "NetworkingConfig": {
            "EndpointsConfig": {network: {"Aliases": [machine]}} if network else {}
        },
    }


def longest_life_seconds() -> int:
    """Seconds after which a machine ends by itself, whatever the platform does."""
    longest: int = settings.SANDBOX_EXTENSIONS * settings.SANDBOX_EXTEND_SECONDS
    lifetime: int = settings.SANDBOX_LIFETIME_SECONDS
    return lifetime + longest + DEADLINE_GRACE_SECONDS


def _common_host_config(limits: KindLimits) -> dict[str, Any]:
    return {
        "CapDrop": ["ALL"],
        "Memory": limits.memory_bytes,
        # Memory and swap together: no swap beyond the limit.
        "MemorySwap": limits.memory_bytes,
        "NanoCpus": int(limits.cpus * 1e9),
        "PidsLimit": limits.pids,
        "Runtime": limits.runtime,
        "RestartPolicy": {"Name": "no"},
        "IpcMode": "private",
        "CgroupnsMode": "private",
        # Not the engine's own: that one bounds bytes and not the number of files.
        "Tmpfs": {"/dev/shm": f"{_TMPFS},noexec,size=16m,nr_inodes=1000,mode=1777"},  # noqa: S108
        "OomScoreAdj": 500,
        # The engine answers for the sandbox's own names and would forward all others, from the
        # host's own network where its resolver is a local one. 192.0.2.1 leads nowhere
        # (RFC 5737). Older engines stay silent instead of saying so, hence the short wait.
        "Dns": ["192.0.2.1"],
        "DnsOptions": ["timeout:1", "attempts:1"],
        # The bounded log is what a console that was restarted shows again.
        "LogConfig": {
            "Type": "local",
            "Config": {"max-size": "1m", "max-file": "1", "compress": "false"},
        },
    }


def _shell_host_config() -> dict[str, Any]:
    return {
        "SecurityOpt": ["no-new-privileges"],
        "ReadonlyRootfs": True,
        # Group root and mode 775 where set-up scripts write: root has no capability here, not
        # even the one to pass over permissions, so it gets in as the group.
        "Tmpfs": {
            "/home/learner": f"{_TMPFS},exec,size=96m,nr_inodes=20000,uid=1000,gid=0,mode=0775",
            "/opt": f"{_TMPFS},exec,size=32m,nr_inodes=5000,uid=1000,gid=0,mode=0775",
            "/srv": f"{_TMPFS},exec,size=16m,nr_inodes=2000,uid=1000,gid=0,mode=0775",
            "/tmp": f"{_TMPFS},exec,size=64m,nr_inodes=10000,mode=1777",  # noqa: S108
            "/var/tmp": f"{_TMPFS},noexec,size=16m,nr_inodes=1000,mode=1777",  # noqa: S108
            "/run": f"{_TMPFS},noexec,size=8m,nr_inodes=1000,uid=1000,gid=0,mode=0775",
        },
    }


def _docker_host_config(data_volume: str) -> dict[str, Any]:
    return {
        # Only for the file capabilities of newuidmap and newgidmap, which write the user
        # namespace's id maps; they are also why no-new-privileges can't be set here.
        "CapAdd": ["SETUID", "SETGID"],
        # The profile's text, not a path: the engine can't read this host's files.
        "SecurityOpt": [f"seccomp={_seccomp_docker()}", "apparmor=unconfined"],
        # The inner engine mounts proc for its containers; the kernel allows that in a user
        # namespace only where nothing hides parts of the outer one.
        "MaskedPaths": [],
        "ReadonlyPaths": [],
        "Devices": [
            {
                "PathOnHost": "/dev/net/tun",
                "PathInContainer": "/dev/net/tun",
                "CgroupPermissions": "rw",
            }
        ],
        # In place of the engine's cgroup mounts: could the learner's runtime see a freezer, it
        # would insist on using it, and that one is not delegated (`images/.../delegate`).
        "Tmpfs": {"/sys/fs/cgroup": "ro,nosuid,nodev,noexec,size=4k,nr_inodes=2"},
        # PID 1 keeps itself in memory, where no cgroup of the learner's can take it from.
        "Ulimits": [{"Name": "memlock", "Soft": 8 * MIB, "Hard": 8 * MIB}],
        "Mounts": [
            {"Type": "volume", "Source": data_volume, "Target": DATA_ROOT},
            {
                "Type": "volume",
                "Source": seed_volume(),
                "Target": "/seed-images",
                "ReadOnly": True,
            },
        ],
    }


def _vm_host_config(guest: GuestWish) -> dict[str, Any]:
    config: dict[str, Any] = {
        "SecurityOpt": ["no-new-privileges"],
        "ReadonlyRootfs": True,
        # /run holds QEMU's sockets and what a guest writes to its disk; all of it counts as
        # the machine's memory.
        "Tmpfs": {
            "/tmp": f"{_TMPFS},noexec,size=8m,nr_inodes=500,mode=1777",  # noqa: S108
            "/run": f"{_TMPFS},noexec,size=256m,nr_inodes=2000,uid=1000,gid=0,mode=0775",
        },
    }
    if guest.snapshots:
        config["Mounts"] = [
            {"Type": "volume", "Source": guest.snapshots, "Target": SNAPSHOTS, "ReadOnly": True}
        ]
    if guest.accelerator == "kvm":
        config["Devices"] = [
            {"PathOnHost": DEVICE, "PathInContainer": DEVICE, "CgroupPermissions": "rw"}
        ]
        config["GroupAdd"] = [] if guest.kvm_group is None else [str(guest.kvm_group)]
    return config


@cache
def _seccomp_docker() -> str:
    return SECCOMP_DOCKER.read_text(encoding="utf-8")
