"""What each machine image holds: Debian suite, packages, start command, environment."""

from dataclasses import dataclass

SHELL = "shell"
DOCKER = "docker"
VM = "vm"
SEED = "seed"

#: Packages of a Debian or Ubuntu host that the build needs. The build names the missing ones, it installs none.
REQUIRED_APT_PACKAGES: tuple[str, ...] = (
    "mmdebstrap",
    "debian-archive-keyring",
    "gcc",
    "libc6-dev",
    "zstd",
    "e2fsprogs",
)

INIT_PATH = "/usr/local/sbin/slipway-init"
LIBRARY_PATH = "/usr/local/lib/slipway"

#: Never needed in a machine, and a third of its size.
EXCLUDED_PATHS: tuple[str, ...] = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/lintian/*",
    "/usr/share/bug/*",
)
#: Licence texts stay.
INCLUDED_PATHS: tuple[str, ...] = ("/usr/share/doc/*/copyright",)

_COMMON_PACKAGES = (
    "bash",
    "bash-completion",
    "ca-certificates",
    "curl",
    "file",
    "iproute2",
    "jq",
    "less",
    "nano",
    "ncurses-base",
    "netcat-openbsd",
    "procps",
    "psmisc",
    "python3",
    "tree",
    "vim",
)


@dataclass(frozen=True)
class MachineImage:
    """One machine image. `entrypoint` starts PID 1; `environment` is what every process in it sees."""

    kind: str
    suite: str
    packages: tuple[str, ...]
    entrypoint: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]


_ENVIRONMENT = (
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("HOME", "/home/learner"),
    ("USER", "learner"),
    ("LANG", "C.UTF-8"),
    ("TERM", "xterm-256color"),
)

MACHINE_IMAGES: dict[str, MachineImage] = {
    SHELL: MachineImage(
        kind=SHELL,
        suite="trixie",
        packages=(*_COMMON_PACKAGES, "htop", "python3-pip", "python3-venv", "util-linux"),
        entrypoint=(INIT_PATH, "--terminal", f"{LIBRARY_PATH}/login"),
        environment=_ENVIRONMENT,
    ),
    DOCKER: MachineImage(
        kind=DOCKER,
        suite="trixie",
        packages=(
            *_COMMON_PACKAGES,
            "busybox",
            "docker-buildx",
            "docker-cli",
            "docker-compose",
            "docker.io",
            "iptables",
            "libcap2-bin",
            "nftables",
            "rootlesskit",
            "slirp4netns",
            "uidmap",
        ),
        entrypoint=(
            INIT_PATH,
            "--service",
            f"{LIBRARY_PATH}/engine",
            "--terminal",
            f"{LIBRARY_PATH}/login",
        ),
        environment=(
            *_ENVIRONMENT,
            ("XDG_RUNTIME_DIR", "/run/user/1000"),
            ("DOCKER_HOST", "unix:///run/user/1000/docker.sock"),
            ("DOCKER_CLI_HINTS", "false"),  # they advertise services that are out of reach here
        ),
    ),
    VM: MachineImage(
        kind=VM,
        suite="trixie",
        # Nobody logs in to this machine but the platform: what QEMU and its supervisor need.
        packages=("bash", "procps", "python3", "qemu-system-x86", "qemu-utils", "util-linux"),
        entrypoint=(
            INIT_PATH,
            "--service",
            f"{LIBRARY_PATH}/supervisor",
            "--login",
            f"{LIBRARY_PATH}/login",
        ),
        environment=_ENVIRONMENT,
    ),
}

#: Where the guests lie in the machine.
GUESTS_PATH = "/usr/lib/slipway/guests"
#: What the small guest is made of, and the kernel of both; unpacked only, nothing is configured.
SMALL_GUEST_PACKAGES: tuple[str, ...] = (
    "bash",
    "busybox",
    "libc-bin",
    "linux-image-cloud-amd64",
    "ncurses-base",
    "util-linux",
)
#: The full guest: Debian with systemd.
FULL_GUEST_PACKAGES: tuple[str, ...] = (
    "bash-completion",
    "dbus",
    "iproute2",
    "kmod",
    "less",
    "login",
    "nano",
    "ncurses-base",
    "procps",
    "systemd",
    "systemd-sysv",
    "udev",
)
FULL_GUEST_DISK_MIB = 384
